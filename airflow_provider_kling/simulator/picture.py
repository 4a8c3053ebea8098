"""Images: the submitted image in the requested size, or a generated landscape with the text of the prompt."""

from __future__ import annotations

import hashlib
import io
import math
import textwrap
from typing import Any, Final

import av
from PIL import Image, ImageDraw, ImageFont, ImageOps

#: Long side of a small video, in pixels.
SMALL: Final = 320

#: Minimum short side of a small image: Kling's minimum for an input, so that results can be inputs of other products.
SMALL_IMAGE: Final = 300

#: Aspect ratio of an image if neither the request nor an input has one.
DEFAULT_PROPORTIONS: Final = (1, 1)


def make_image(recipe: dict[str, Any], inputs: dict[str, bytes], *, index: int, watermark: bool, small: bool) -> bytes:
    """Render the PNG that ``recipe`` describes.

    That ``1k`` is 1024 pixels on the long side, and so on, is a choice of this simulator.

    :param recipe: prompt, ratio (or ``auto``) and long side; the recipe of a video gives a still image.
    :param inputs: content of the submitted images, by role.
    :param index: number of the image among several; each looks different.
    """
    content = inputs[recipe["roles"][index]] if "roles" in recipe else next(iter(inputs.values()), None)
    source = open_picture(content) if content else None
    width, height = _proportions(recipe["ratio"], source)
    across, down = recipe.get("grow", (1, 1))
    width, height = round(width * across), round(height * down)
    scale = recipe.get("long_side", 1024) / max(width, height)
    if small:
        scale = max(SMALL / max(width, height), SMALL_IMAGE / min(width, height))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    picture = cover(source, size) if source else prompt_picture(recipe["prompt"], size, index=index)
    if source:
        _draw_index_bar(picture, index)
    buffer = io.BytesIO()
    (add_watermark(picture) if watermark else picture).save(buffer, "PNG")
    return buffer.getvalue()


def _proportions(ratio: str, source: Image.Image | None) -> tuple[int, int]:
    if ratio not in {"auto", ""}:
        return proportions_of(ratio)
    return source.size if source else DEFAULT_PROPORTIONS


def _draw_index_bar(picture: Image.Image, index: int) -> None:
    """Make the image with this index recognizable: a white bar at the bottom, longer for each index."""
    unit = max(2, min(picture.size) // 40)
    ImageDraw.Draw(picture).rectangle((0, picture.height - unit, unit * (index + 1), picture.height), fill="white")


def output_size(proportions: tuple[int, int], short_side: int, *, small: bool) -> tuple[int, int]:
    """Even width and height with these proportions; yuv420p does not support odd ones."""
    width, height = proportions
    scale = SMALL / max(proportions) if small else short_side / min(proportions)
    return max(2, round(width * scale / 2) * 2), max(2, round(height * scale / 2) * 2)


def prompt_picture(prompt: str, size: tuple[int, int], *, index: int = 0) -> Image.Image:
    """An image for a result without an input: a landscape whose colours depend on the prompt, and its text."""
    # A lone surrogate is valid in JSON and cannot be encoded as UTF-8.
    prompt = prompt.encode("utf-8", "replace").decode()
    hue, drift, east, *waves = (byte / 255 for byte in hashlib.sha256(prompt.encode() + bytes(index)).digest()[:6])
    picture = _sky(size, _colour(hue, 0.3, 0.45), _colour(hue + 0.1 + 0.1 * drift, 0.8, 0.5))
    width, height = size
    draw = ImageDraw.Draw(picture)
    radius, x, y = min(size) * 0.1, width * (0.3 + 0.4 * east), height * 0.56
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), _colour(hue + 0.15, 0.95, 0.3))
    for layer, wave in enumerate(waves):
        colour = _colour(hue - 0.03 * layer, 0.55 - 0.16 * layer, 0.4)
        edge = [(across * width / 40, height * _ridge(across / 40, layer, wave)) for across in range(41)]
        draw.polygon([(0, height), *edge, (width, height)], colour)
    font = ImageFont.load_default(size=max(10, min(size) // 14))
    lines = textwrap.fill(prompt[:400], width=28)
    draw.multiline_text((width // 12, height // 10), lines, fill="white", font=font)
    return picture


def _sky(size: tuple[int, int], above: str, below: str) -> Image.Image:
    upper, lower = (Image.new("RGB", size, colour) for colour in (above, below))
    return Image.composite(lower, upper, Image.linear_gradient("L").resize(size))


def _colour(hue: float, value: float, saturation: float) -> str:
    return f"hsv({360 * (hue % 1):.0f},{100 * saturation:.0f}%,{100 * value:.0f}%)"


def _ridge(across: float, layer: int, wave: float) -> float:
    """Vertical position of the outline of a hill as a fraction of the height; 0 is the top."""
    return 0.62 + 0.12 * layer - 0.04 * math.sin(7 * across + 6.3 * wave) - 0.02 * math.sin(19 * across + 9 * wave)


def open_picture(content: bytes) -> Image.Image:
    """Decode an image and apply its EXIF orientation, or decode the first frame of a video."""
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


def add_watermark(picture: Image.Image) -> Image.Image:
    """A copy with a watermark."""
    marked = picture.copy()
    font = ImageFont.load_default(size=max(10, min(picture.size) // 16))
    ImageDraw.Draw(marked).text((8, 8), "SIMULATED", fill="white", stroke_fill="black", stroke_width=1, font=font)
    return marked
