"""
The inputs of an omni video: images, elements and a video, and which of them can be combined.

Rules: omni pages of https://kling.ai/document-api, classic API, and 3.0 Omni and O1 of the second generation, read
2026-11.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_kling.products.formatting import counted, joined, named
from airflow_provider_kling.products.generations import has_shots, has_video, serving_product
from airflow_provider_kling.products.limits import plain_durations as plain_durations_of
from airflow_provider_kling.products.limits import severity
from airflow_provider_kling.products.problem import Problem
from airflow_provider_kling.products.rules.elements import element_entries

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_kling.products.problem import Request

#: Images and elements together; fewer beside a video.
MAX_INPUTS = 7
MAX_INPUTS_BESIDE_VIDEO = 4
#: In the second generation.
MAX_ELEMENTS_BESIDE_FRAMES = 3
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
    if "end_frame" in kinds and len(images) > len(FRAMES) and not _is_v2(request):
        yield Problem("image_list", f"Keep two of image_list: with an end frame Kling takes two, not {len(images)}.")


def counts(request: Request) -> Iterator[Problem]:
    """Images and elements together, fewer of them beside a video."""
    images = len(_objects(request, "image_list"))
    most = MAX_INPUTS_BESIDE_VIDEO if "video_list" in request.body else MAX_INPUTS
    elements = request.body.get("element_list")
    framed = any("type" in image for image in _objects(request, "image_list"))
    if _is_v2(request) and framed and isinstance(elements, list) and len(elements) > MAX_ELEMENTS_BESIDE_FRAMES:
        beside = f"beside a frame Kling takes {MAX_ELEMENTS_BESIDE_FRAMES}, not {len(elements)}"
        yield Problem("element_list", f"Drop some of element_list: {beside}.", severity=severity(request.body))
    if images > most:
        yield Problem(
            "image_list",
            f"Drop some of image_list: it has {counted(images, 'image')}, Kling takes {most}.",
            severity(request.body),
        )
    elif "element_list" in request.body:
        yield from element_entries(request, most - images)


def videos(request: Request) -> Iterator[Problem]:
    """A video is a reference, or the base that is changed; either is silent."""
    if "video_list" in request.body and request.body.get("sound") == "on":
        yield Problem("sound", "Set sound='off', or leave video_list out: Kling makes no sound beside a video.")
    yield from _shots_beside_video(request)
    if not has_video(request.body, "base"):
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


def _shots_beside_video(request: Request) -> Iterator[Problem]:
    """In the second generation a video that is changed has one shot, and one that is a reference several."""
    asked = request.body.get("multi_shot")
    if not _is_v2(request) or not has_shots(request.product, request.body):
        return
    if asked is True and has_video(request.body, "base"):
        yield Problem("multi_shot", "Leave multi_shot out: multi_shot=True is not taken beside a base video.")
    if asked is False and has_video(request.body, "feature"):
        yield Problem(
            "multi_shot",
            "Leave multi_shot out, or set it True: Kling asks for multi_shot=True beside a video with "
            "refer_type='feature', and multi_shot=False.",
        )


def plain_durations(request: Request) -> Iterator[Problem]:
    """Some models last as long as is asked only beside a reference: an image that is no frame, an element, a video."""
    allowed = plain_durations_of(request.body)
    refers = any("type" not in image for image in _objects(request, "image_list"))
    if refers or not allowed or request.body.keys() & {"element_list", "video_list"}:
        return
    if (seconds := request.duration()) not in allowed:
        advice = f"Give duration as {joined(allowed)}, or a reference"
        sentence = f"{advice}: {named('duration', seconds)} is taken beside an image, element or video only."
        yield Problem("duration", sentence)


def ratio(request: Request) -> Iterator[Problem]:
    """The proportions follow a first frame or a video, or have to be said."""
    has_frame = any(image.get("type") == "first_frame" for image in _objects(request, "image_list"))
    # In the second generation any video says it.
    follows = has_video(request.body, "base") or (_is_v2(request) and has_video(request.body, "feature"))
    if "aspect_ratio" not in request.body and not has_frame and not follows:
        video = "video" if _is_v2(request) else "base video"
        yield Problem("aspect_ratio", f"Give aspect_ratio: without a first frame or a {video} Kling needs it.")


def _is_v2(request: Request) -> bool:
    return serving_product(request.product, request.body).generation == "v2"


def _objects(request: Request, name: str) -> list[dict[str, Any]]:
    value = request.body.get(name)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
