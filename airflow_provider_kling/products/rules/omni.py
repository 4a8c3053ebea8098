"""
What an omni video is made of: images, elements and a video, and how they go together.

Rules: omni pages of https://kling.ai/document-api, classic API, read 2026-11.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_kling.products.problem import Problem
from airflow_provider_kling.products.rules.elements import element_entries
from airflow_provider_kling.products.wording import counted, named

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_kling.products.problem import Request

#: Images and elements together; fewer beside a video.
MAX_INPUTS = 7
MAX_INPUTS_BESIDE_VIDEO = 4
FRAMES = ("first_frame", "end_frame")


def frames(request: Request) -> Iterator[Problem]:
    """An image may be the first or the last frame; a last one needs a first."""
    images = _objects(request, "image_list")
    kinds = [image.get("type") for image in images if "type" in image]
    for kind in kinds:
        if kind not in FRAMES:
            yield Problem(
                "image_list", f"Give an image's type as 'first_frame' or 'end_frame', or none: {named('type', kind)}."
            )
    if "end_frame" in kinds and "first_frame" not in kinds:
        yield Problem("image_list", "Give one of image_list the type 'first_frame': an end frame needs a first frame.")
    if "end_frame" in kinds and len(images) > len(FRAMES):
        yield Problem("image_list", f"Keep two of image_list: with an end frame Kling takes two, not {len(images)}.")


def counts(request: Request) -> Iterator[Problem]:
    """Images and elements together, fewer of them beside a video."""
    images = len(_objects(request, "image_list"))
    most = MAX_INPUTS_BESIDE_VIDEO if "video_list" in request.body else MAX_INPUTS
    if images > most:
        yield Problem("image_list", f"Drop some of image_list: it has {counted(images, 'image')}, Kling takes {most}.")
    elif "element_list" in request.body:
        yield from element_entries(request, most - images)


def videos(request: Request) -> Iterator[Problem]:
    """A video is a reference, or the base that is changed; either is silent."""
    if "video_list" in request.body and request.body.get("sound") == "on":
        yield Problem("sound", "Set sound='off', or leave video_list out: Kling makes no sound beside a video.")
    if not _has_base(request):
        return
    if any("type" in image for image in _objects(request, "image_list")):
        yield Problem("image_list", "Leave the type of the images out: a base video takes no first or last frame.")
    for name in ("aspect_ratio", "duration"):
        if name in request.body:
            value = named(name, request.body[name])
            certain = name == "aspect_ratio"
            yield Problem(
                name,
                f"Leave {name} out: {value} has no effect, a base video decides it.",
                severity="error" if certain else "warning",
            )


def ratio(request: Request) -> Iterator[Problem]:
    """The proportions follow a first frame or a base video, or have to be said."""
    has_frame = any(image.get("type") == "first_frame" for image in _objects(request, "image_list"))
    if "aspect_ratio" not in request.body and not has_frame and not _has_base(request):
        yield Problem("aspect_ratio", "Give aspect_ratio: without a first frame or a base video Kling needs it.")


def _has_base(request: Request) -> bool:
    # Kling's default for refer_type is base.
    return any(video.get("refer_type", "base") == "base" for video in _objects(request, "video_list"))


def _objects(request: Request, name: str) -> list[dict[str, Any]]:
    value = request.body.get(name)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
