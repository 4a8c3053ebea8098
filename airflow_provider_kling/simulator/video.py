"""Renders the MP4: H.264 in yuv420p, the submitted image with a slow zoom, a crossfade to the tail image, AAC if sound
is requested; without an image a generated picture that shows the prompt.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import av
from PIL import Image

from airflow_provider_kling.simulator.picture import (
    add_watermark,
    cover,
    open_picture,
    output_size,
    prompt_picture,
    proportions_of,
)
from airflow_provider_kling.simulator.sound import SAMPLE_RATE, add_tone

if TYPE_CHECKING:
    from av.container import OutputContainer

#: Fraction of the picture that the zoom has cut off in the last frame.
ZOOM: Final = 0.08

#: The crossfade to the tail image begins at this fraction of the video.
FADE_FROM: Final = 0.5

#: Fast rather than small; maxrate keeps the video of a noisy image below 26 MB.
ENCODER: Final = {"preset": "ultrafast", "crf": "23", "maxrate": "8M", "bufsize": "8M"}


def make_video(recipe: dict[str, Any], inputs: dict[str, bytes], *, watermark: bool, small: bool) -> bytes:
    """Encode the video that ``recipe`` describes.

    :param recipe: short side, frames per second, duration, sound, ratio and prompt.
    :param inputs: contents by role; ``recipe["first"]`` and ``recipe["last"]`` are roles.
    :param watermark: draw a watermark into the corner.
    :param small: 320 pixels on the long side.
    """
    roles = (recipe.get("first", "image"), recipe.get("last", "image_tail"))
    pictures = {role: open_picture(inputs[role]) for role in roles if role in inputs}
    first, last = (pictures.get(role) for role in roles)
    shown = first or last
    proportions = shown.size if shown and not recipe["ratio"] else proportions_of(recipe["ratio"])
    size = output_size(proportions, recipe["short_side"], small=small)
    start = cover(shown, size) if shown else prompt_picture(recipe["prompt"], size)
    tail = cover(last, size) if first and last else None
    if watermark:
        start, tail = add_watermark(start), add_watermark(tail) if tail else None
    return _encode(start, tail, recipe)


def _encode(start: Image.Image, tail: Image.Image | None, recipe: dict[str, Any]) -> bytes:
    fps, frames = recipe["fps"], recipe["duration"] * recipe["fps"] + 1
    # A file, because faststart opens the output a second time.
    with tempfile.TemporaryDirectory(prefix="kling-simulator-") as directory:
        path = Path(directory) / "result.mp4"
        with av.open(str(path), "w", options={"movflags": "faststart"}) as container:
            _fill(container, start, tail, recipe, fps=fps, frames=frames)
        return path.read_bytes()


def _fill(
    container: OutputContainer, start: Image.Image, tail: Image.Image | None, recipe: dict[str, Any], *,
    fps: int, frames: int,
) -> None:  # fmt: skip
    video = container.add_stream("libx264", rate=fps, options=ENCODER)
    video.width, video.height = start.size
    video.pix_fmt = "yuv420p"
    # One thread per video: several are rendered at a time, and none must starve the event loop.
    video.codec_context.thread_count = 1
    audio = container.add_stream("aac", rate=SAMPLE_RATE, layout="mono") if recipe["sound"] else None
    for index in range(frames):
        picture = _frame(start, tail, index / (frames - 1))
        frame = av.VideoFrame.from_image(picture)  # type: ignore[no-untyped-call]
        container.mux(video.encode(frame))
    container.mux(video.encode(None))
    if audio is not None:
        add_tone(container, audio, frames / fps)


def _frame(start: Image.Image, tail: Image.Image | None, progress: float) -> Image.Image:
    width, height = start.size
    inset = ZOOM * progress / 2
    box = (width * inset, height * inset, width * (1 - inset), height * (1 - inset))
    picture = start.resize(start.size, Image.Resampling.BILINEAR, box=box) if progress else start
    if tail is None or progress <= FADE_FROM:
        return picture
    return Image.blend(picture, tail, (progress - FADE_FROM) / (1 - FADE_FROM))
