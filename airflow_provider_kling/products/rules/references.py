"""
Reference images and elements of a request; and how far an image is expanded.

Rules: image pages of https://kling.ai/document-api, classic API, read 2026-11.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_kling.products.fields import is_number
from airflow_provider_kling.products.formatting import named
from airflow_provider_kling.products.problem import Problem
from airflow_provider_kling.products.rules.elements import element_entries

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_kling.products.problem import Request

#: Images and elements of one request together.
MAX_REFERENCES = 10
#: Times its own area that an image may have after it was expanded.
MAX_GROWTH = 3


def reference(request: Request) -> Iterator[Problem]:
    """A reference image, and the fields that say how closely to follow it."""
    body = request.body
    if "image" in body and "negative_prompt" in body:
        yield Problem(
            "negative_prompt",
            "Leave negative_prompt out, or image: Kling does not take negative_prompt together with image.",
        )
    if "image" not in body:
        for name in ("image_reference", "image_fidelity", "human_fidelity"):
            if name in body:
                yield Problem(
                    name,
                    f"Give image too, or leave {name} out: {named(name, body[name])} says how to use image.",
                    severity="warning",
                )
    elif "human_fidelity" in body and body.get("image_reference") != "subject":
        yield Problem(
            "human_fidelity",
            "Set image_reference='subject', or leave human_fidelity out: it counts for a subject only.",
            severity="warning",
        )


def elements(request: Request) -> Iterator[Problem]:
    """Images and elements together, at most ten."""
    if "element_list" in request.body:
        images = len([place for place in request.images if not place.startswith("element_list")])
        yield from element_entries(request, MAX_REFERENCES - images)


def series(request: Request) -> Iterator[Problem]:
    """A series, and how many images it has."""
    amount = request.body.get("series_amount")
    if amount is not None and request.body.get("result_type") != "series":
        yield Problem(
            "series_amount",
            f"Set result_type='series', or leave series_amount out: {named('series_amount', amount)} counts "
            "for a series only.",
            severity="warning",
        )


def expansion(request: Request) -> Iterator[Problem]:
    """How far an image grows: to at most three times its area."""
    up, down, left, right = (request.body.get(f"{side}_expansion_ratio", 0) for side in ("up", "down", "left", "right"))
    if not all(map(is_number, (up, down, left, right))):
        return
    area = (1 + up + down) * (1 + left + right)
    if area > MAX_GROWTH:
        yield Problem(
            "up_expansion_ratio",
            f"Lower the expansion ratios: the image would have {area:.3g} times its area, Kling takes {MAX_GROWTH}, "
            "which is (1 + up + down) * (1 + left + right).",
        )
    elif area <= 1:
        yield Problem("up_expansion_ratio", "Raise an expansion ratio above 0: all are 0, and nothing would grow.")


#: How many images an edit of a video brings.
_EDITS = {"addition": (1, 2), "swap": (1, 1), "removal": (0, 0)}


def edits(request: Request) -> Iterator[Problem]:
    """What is added to a video, or put in place of something, is an image each."""
    mode, images = request.body.get("edit_mode"), request.body.get("image_list", [])
    if not isinstance(mode, str) or mode not in _EDITS or not isinstance(images, list):
        return
    least, most = _EDITS[mode]
    if not least <= len(images) <= most:
        takes = "none" if not most else "1" if most == 1 else "1 or 2"
        yield Problem("image_list", f"Give image_list {takes} of the images: {named('edit_mode', mode)} takes {takes}.")


#: Where the sources of an element stand.
_SOURCES = {"image_refer": "element_image_list", "video_refer": "element_video_list"}


def sources(request: Request) -> Iterator[Problem]:
    """An element is made of images or of a video, as it says."""
    kind = request.body.get("reference_type")
    if not isinstance(kind, str) or kind not in _SOURCES:
        return
    for name in _SOURCES.values():
        if (name in request.body) is not (name == _SOURCES[kind]):
            advice = f"Leave {name} out" if name in request.body else f"Give {name}"
            yield Problem(name, f"{advice}: {named('reference_type', kind)} is made of {_SOURCES[kind]}.")
