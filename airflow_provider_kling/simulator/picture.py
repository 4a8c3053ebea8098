"""Pictures: the submitted image in the size that was ordered, or a colour with the words of the prompt."""

from __future__ import annotations

import hashlib
import io
import textwrap
from typing import Any, Final

import av
from PIL import Image, ImageDraw, ImageFont, ImageOps

#: Long side in pixels of a small video.
SMALL: Final = 320

#: The short side of a small image: what Kling takes as an input, so that one product's result can be another's input.
SMALL_IMAGE: Final = 300

#: The shape of an image when neither the request nor an input says one.
NO_RATIO: Final = (1, 1)


def make_image(recipe: dict[str, Any], inputs: dict[str, bytes], *, index: int, watermark: bool, small: bool) -> bytes:
    """Draw the PNG that ``recipe`` describes.

    That ``1k`` is 1024 pixels on the long side, and so on, is this simulator's rule.

    :param recipe: prompt, ratio (or ``auto``) and long side; that of a video gives a still of it.
    :param inputs: content of the submitted images, by role.
    :param index: which of several; they differ.
    """
    content = inputs[recipe["roles"][index]] if "roles" in recipe else next(iter(inputs.values()), None)
    source = open_picture(content) if content else None
    width, height = _shape(recipe["ratio"], source)
    across, down = recipe.get("grow", (1, 1))
    width, height = round(width * across), round(height * down)
    scale = recipe.get("long_side", 1024) / max(width, height)
    if small:
        scale = max(SMALL / max(width, height), SMALL_IMAGE / min(width, height))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    picture = cover(source, size) if source else prompt_picture(recipe["prompt"], size, index=index)
    if source:
        _number(picture, index)
    buffer = io.BytesIO()
    (mark(picture) if watermark else picture).save(buffer, "PNG")
    return buffer.getvalue()


def _shape(ratio: str, source: Image.Image | None) -> tuple[int, int]:
    if ratio not in {"auto", ""}:
        return proportions_of(ratio)
    return source.size if source else NO_RATIO


def _number(picture: Image.Image, index: int) -> None:
    """Let one of several images over the same input be recognised: a white bar, longer for each."""
    unit = max(2, min(picture.size) // 40)
    ImageDraw.Draw(picture).rectangle((0, picture.height - unit, unit * (index + 1), picture.height), fill="white")


def output_size(proportions: tuple[int, int], short_side: int, *, small: bool) -> tuple[int, int]:
    """Even width and height with these proportions; yuv420p cannot hold odd ones."""
    width, height = proportions
    scale = SMALL / max(proportions) if small else short_side / min(proportions)
    return max(2, round(width * scale / 2) * 2), max(2, round(height * scale / 2) * 2)


def prompt_picture(prompt: str, size: tuple[int, int], *, index: int = 0) -> Image.Image:
    """A picture for a result without an image: a colour of its own and the words of the prompt."""
    # Half a surrogate pair is legal JSON and no legal text.
    prompt = prompt.encode("utf-8", "replace").decode()
    red, green, blue = hashlib.sha256(prompt.encode() + bytes(index)).digest()[:3]
    picture = Image.new("RGB", size, (red // 2, green // 2, blue // 2))
    font = ImageFont.load_default(size=max(10, min(size) // 14))
    lines = textwrap.fill(prompt[:400], width=28)
    ImageDraw.Draw(picture).multiline_text((size[0] // 12, size[1] // 8), lines, fill="white", font=font)
    return picture


def open_picture(content: bytes) -> Image.Image:
    """Decode an image and turn it upright, or take the first picture of a video."""
    if content[4:8] == b"ftyp":
        return _first_frame(content)
    with Image.open(io.BytesIO(content)) as opened:
        return ImageOps.exif_transpose(opened).convert("RGB")


def _first_frame(content: bytes) -> Image.Image:
    with av.open(io.BytesIO(content), "r") as container:
        picture: Image.Image = next(container.decode(video=0)).to_image()  # type: ignore[no-untyped-call]
    return picture


def proportions_of(text: str) -> tuple[int, int]:
    """Width and height of a ratio such as ``16:9``."""
    width, height = text.split(":")
    return int(width), int(height)


def cover(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Scale and crop to ``size``."""
    return ImageOps.fit(picture, size, Image.Resampling.LANCZOS)


def mark(picture: Image.Image) -> Image.Image:
    """A copy with a watermark."""
    marked = picture.copy()
    font = ImageFont.load_default(size=max(10, min(picture.size) // 16))
    ImageDraw.Draw(marked).text((8, 8), "SIMULATED", fill="white", stroke_fill="black", stroke_width=1, font=font)
    return marked
