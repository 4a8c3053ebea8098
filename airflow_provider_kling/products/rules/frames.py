"""
Images and masks: which are needed, which exclude each other, and what their headers must say.

Limits: Image to Video page of https://kling.ai/document-api, classic API, read 2026-10.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_kling.products.fields import field_of
from airflow_provider_kling.products.formatting import counted, joined, named, shown
from airflow_provider_kling.products.limits import uncertain_image_bytes
from airflow_provider_kling.products.problem import Problem
from airflow_provider_kling.products.rules.trajectories import check_trajectory
from airflow_provider_kling.products.urls import url_problems

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_kling.products.image_header import ImageHeader
    from airflow_provider_kling.products.media import LoadedFile
    from airflow_provider_kling.products.problem import Request

MIN_SIDE = 300
MAX_RATIO = 2.5
MAX_MASKS = 6
FORMATS = ("jpeg", "png")
#: Proportions are compared with this tolerance: scaling rounds to whole pixels.
RATIO_TOLERANCE = 0.01


def image_given(request: Request) -> Iterator[Problem]:
    """A first frame or a last frame is needed."""
    if not request.body.keys() & {"image", "image_tail"}:
        yield Problem(
            "image",
            "Give image a URL, a path, a storage URI or base64: image is missing, and image2video needs image (first "
            "frame) or image_tail (last frame).",
        )


def exclusions(request: Request) -> Iterator[Problem]:
    """Of last frame, motion brush and camera control, one at most."""
    groups = [("image_tail",), ("static_mask", "dynamic_masks"), ("camera_control",)]
    given = [present for group in groups if (present := [name for name in group if name in request.body])]
    if len(given) > 1:
        names = [name for group in given for name in group]
        yield Problem(
            names[0],
            f"Keep image_tail, masks or camera_control, not several: {joined(names, 'and')} exclude each other (the "
            "masks are static_mask and dynamic_masks).",
        )


def contents(request: Request) -> Iterator[Problem]:
    """Every image whose content is here: format, size, proportions, completeness."""
    for place, loaded in request.images.items():
        field = field_of(place)
        if loaded.problem:
            yield Problem(field, f"Give {place} as a JPEG or PNG file: it {loaded.problem}.")
        elif loaded.header:
            yield from _header(field, place, loaded.header)
            yield from _size(field, place, loaded.header.bytes, uncertain_image_bytes(request.body))
        elif loaded.digest is None:
            yield from _link(field, place, loaded.payload)


def _link(field: str, place: str, url: str) -> Iterator[Problem]:
    yield from url_problems(field, place, url)
    if url[:7].lower() == "http://":
        yield Problem(
            field,
            f"Prefer https for {place}: {named(place, url)} is plain http; Kling must reach it without login, and "
            "anybody on the way can change it.",
            severity="warning",
        )


def _header(field: str, place: str, header: ImageHeader) -> Iterator[Problem]:
    size = f"{header.width}x{header.height} pixels"
    if header.format not in FORMATS:
        kind = "a WebP" if header.format == "webp" else f"a {header.format.upper()}"
        yield Problem(field, f"Convert {place} to JPEG or PNG: it is {kind} image, Kling takes JPEG and PNG only.")
    if min(header.width, header.height) < MIN_SIDE:
        yield Problem(
            field, f"Give {place} at least {MIN_SIDE} pixels on each side: it is {size}, Kling takes no smaller ones."
        )
    if max(header.width, header.height) > MAX_RATIO * min(header.width, header.height):
        yield Problem(
            field,
            f"Crop {place} to proportions from 1:{MAX_RATIO} to {MAX_RATIO}:1: it is {size}, Kling takes no others.",
        )
    if not header.complete:
        yield Problem(
            field,
            f"Check the file of {place}: it has no end marker and was probably cut on its way.",
            severity="warning",
        )


def _size(field: str, place: str, size: int, uncertain: int | None) -> Iterator[Problem]:
    if uncertain and size > uncertain:
        sentence = (
            f"Scale {place} down: it has {size} bytes, and it is not known that the model takes more than {uncertain}."
        )
        yield Problem(field, sentence, severity="warning")


def masks(request: Request) -> Iterator[Problem]:
    """The motion brush: number of masks, their paths, and sizes that fit image and each other."""
    if "static_mask" not in request.body and "dynamic_masks" not in request.body:
        return
    if "image" not in request.body:
        name = "static_mask" if "static_mask" in request.body else "dynamic_masks"
        yield Problem(name, f"Give image too: {name} needs image, a mask marks parts of the first frame.")
    value = request.body.get("dynamic_masks", [])
    if not isinstance(value, list):
        yield Problem(
            "dynamic_masks",
            f"Give dynamic_masks as a list of {{mask, trajectories}}: {named('dynamic_masks', value)} is not a list.",
        )
    else:
        yield from _dynamic(request, value)
    yield from _sizes(request)


def _dynamic(request: Request, items: list[Any]) -> Iterator[Problem]:
    if len(items) > MAX_MASKS:
        yield Problem(
            "dynamic_masks",
            f"Drop some of dynamic_masks: it has {counted(len(items), 'mask')}, Kling takes {MAX_MASKS} at most.",
        )
    header = _header_of(request.images.get("image"))
    for index, item in enumerate(items):
        place = f"dynamic_masks[{index}]"
        if not isinstance(item, dict) or set(item) != {"mask", "trajectories"}:
            keys = f" with the keys {shown(', '.join(map(str, item)))}" if isinstance(item, dict) else ""
            yield Problem(
                "dynamic_masks",
                f"Give {place} mask and trajectories, nothing else: {place}={shown(item)}{keys} is not a mask (an "
                "image) with trajectories (points).",
            )
        if isinstance(item, dict) and "trajectories" in item:
            yield from check_trajectory(f"{place}.trajectories", item["trajectories"], header)


def _sizes(request: Request) -> Iterator[Problem]:
    image = _header_of(request.images.get("image"))
    headers = {place: _header_of(loaded) for place, loaded in request.images.items() if "mask" in place}
    known = {place: header for place, header in headers.items() if header}
    for place, header in known.items():
        if image and abs(header.width * image.height / (header.height * image.width) - 1) > RATIO_TOLERANCE:
            yield Problem(
                place.partition("[")[0],
                f"Make {place} the size of the image: it is {header.width}x{header.height} pixels and image is "
                f"{image.width}x{image.height}; a mask needs the proportions of the image.",
            )
    sizes = {(header.width, header.height) for header in known.values()}
    if len(sizes) > 1:
        listed = joined([f"{place} {header.width}x{header.height}" for place, header in known.items()], "and")
        yield Problem(
            next(iter(known)).partition("[")[0],
            f"Save all masks in one size: they differ ({listed}), and Kling needs all masks of a request in one size.",
        )


def _header_of(loaded: LoadedFile | None) -> ImageHeader | None:
    return loaded.header if loaded else None
