"""Makes the MP4: H.264 in yuv420p from the submitted image with a slow zoom, a crossfade to the tail image, AAC on
request; for text2video a generated picture that shows its prompt.
"""

from __future__ import annotations

import array
import hashlib
import io
import math
import tempfile
import textwrap
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import av
from PIL import Image, ImageDraw, ImageFont, ImageOps

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import OutputContainer

#: How far the zoom has gone in the last frame.
ZOOM: Final = 0.08

#: The tail image begins to shine through at this part of the film and stands alone at its end.
FADE_FROM: Final = 0.5

#: Long side in pixels when small videos are wanted.
SMALL: Final = 320

#: Fast rather than small; the cap keeps a noisy picture from becoming 26 MB.
ENCODER: Final = {"preset": "ultrafast", "crf": "23", "maxrate": "8M", "bufsize": "8M"}

SAMPLE_RATE: Final = 44_100
AUDIO_FRAME: Final = 1024


def make_video(recipe: dict[str, Any], inputs: dict[str, bytes], *, watermark: bool, small: bool) -> bytes:
    """Encode the film that ``recipe`` describes.

    :param recipe: short side, frames per second, duration, sound, ratio and prompt.
    :param inputs: content of ``image`` and ``image_tail``.
    :param watermark: draw a mark into the corner.
    :param small: 320 pixels on the long side.
    """
    pictures = {role: _open(content) for role, content in inputs.items()}
    first = pictures.get("image") or pictures.get("image_tail")
    proportions = first.size if first else _ratio(recipe["ratio"])
    size = output_size(proportions, recipe["short_side"], small=small)
    start = _cover(first, size) if first else prompt_picture(recipe["prompt"], size)
    tail = _cover(pictures["image_tail"], size) if {"image", "image_tail"} <= set(pictures) else None
    if watermark:
        start, tail = _mark(start), _mark(tail) if tail else None
    return _encode(start, tail, recipe)


def output_size(proportions: tuple[int, int], short_side: int, *, small: bool) -> tuple[int, int]:
    """Even width and height with these proportions; yuv420p cannot hold odd ones."""
    width, height = proportions
    scale = SMALL / max(proportions) if small else short_side / min(proportions)
    return max(2, round(width * scale / 2) * 2), max(2, round(height * scale / 2) * 2)


def prompt_picture(prompt: str, size: tuple[int, int]) -> Image.Image:
    """A picture for a text2video result: a colour of its own and the words of the prompt."""
    # Half a surrogate pair is legal JSON and no legal text.
    prompt = prompt.encode("utf-8", "replace").decode()
    red, green, blue = hashlib.sha256(prompt.encode()).digest()[:3]
    picture = Image.new("RGB", size, (red // 2, green // 2, blue // 2))
    font = ImageFont.load_default(size=max(10, min(size) // 14))
    lines = textwrap.fill(prompt[:400], width=28)
    ImageDraw.Draw(picture).multiline_text((size[0] // 12, size[1] // 8), lines, fill="white", font=font)
    return picture


def _open(content: bytes) -> Image.Image:
    with Image.open(io.BytesIO(content)) as opened:
        return ImageOps.exif_transpose(opened).convert("RGB")


def _ratio(text: str) -> tuple[int, int]:
    width, height = text.split(":")
    return int(width), int(height)


def _cover(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    return ImageOps.fit(picture, size, Image.Resampling.LANCZOS)


def _mark(picture: Image.Image) -> Image.Image:
    marked = picture.copy()
    font = ImageFont.load_default(size=max(10, min(picture.size) // 16))
    ImageDraw.Draw(marked).text((8, 8), "SIMULATED", fill="white", stroke_fill="black", stroke_width=1, font=font)
    return marked


def _encode(start: Image.Image, tail: Image.Image | None, recipe: dict[str, Any]) -> bytes:
    fps, frames = recipe["fps"], recipe["duration"] * recipe["fps"] + 1
    # A file and not a buffer: moving the index to the front opens the output a second time.
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
    # One core a film: a worker box renders several, and one film must not starve the event loop.
    video.codec_context.thread_count = 1
    audio = container.add_stream("aac", rate=SAMPLE_RATE, layout="mono") if recipe["sound"] else None
    for index in range(frames):
        picture = _frame(start, tail, index / (frames - 1))
        frame = av.VideoFrame.from_image(picture)  # type: ignore[no-untyped-call]
        container.mux(video.encode(frame))
    container.mux(video.encode(None))
    if audio is not None:
        _add_tone(container, audio, frames / fps)


def _frame(start: Image.Image, tail: Image.Image | None, progress: float) -> Image.Image:
    width, height = start.size
    inset = ZOOM * progress / 2
    box = (width * inset, height * inset, width * (1 - inset), height * (1 - inset))
    picture = start.resize(start.size, Image.Resampling.BILINEAR, box=box) if progress else start
    if tail is None or progress <= FADE_FROM:
        return picture
    return Image.blend(picture, tail, (progress - FADE_FROM) / (1 - FADE_FROM))


def _add_tone(container: OutputContainer, stream: AudioStream, seconds: float) -> None:
    step = 2 * math.pi * 220 / SAMPLE_RATE
    # One frame less than fits: the encoder's delay would make the sound outlast the picture.
    for first in range(0, int(seconds * SAMPLE_RATE) - 2 * AUDIO_FRAME, AUDIO_FRAME):
        samples = array.array("f", (0.1 * math.sin(step * n) for n in range(first, first + AUDIO_FRAME)))
        frame = av.AudioFrame(format="fltp", layout="mono", samples=AUDIO_FRAME)
        frame.planes[0].update(samples.tobytes())
        frame.sample_rate, frame.pts, frame.time_base = SAMPLE_RATE, first, Fraction(1, SAMPLE_RATE)
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))
