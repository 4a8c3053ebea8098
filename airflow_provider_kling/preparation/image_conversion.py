"""
Converts an image that Kling would not take, for ``fit="shrink"``: format, colours, rotation, size of the file.

Kling takes JPEG and PNG of at most 10 MB, in its second generation of 50 MB (Image to Video pages of
https://kling.ai/document-api, read 2026-10).
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Literal, NamedTuple

from airflow_provider_kling.products.formatting import joined
from airflow_provider_kling.products.image_header import FORMATS
from airflow_provider_kling.products.media import MAX_IMAGE_BYTES

if TYPE_CHECKING:
    from PIL import Image

Fit = Literal["refuse", "shrink"]

#: The largest file that is read and converted.
MAX_SOURCE_BYTES = 64 * 1024 * 1024
#: The largest picture that is decoded: its pixels take three or four bytes each in memory.
MAX_PIXELS = 80_000_000

_TAKEN = ("JPEG", "MPO", "PNG")
#: Pillow's names of colour modes that need no conversion.
_PLAIN = ("1", "L", "LA", "P", "PA", "RGB", "RGBA")
_SIXTEEN_BIT = ("I", "I;16", "I;16B", "I;16L", "I;16N", "F")
_ORIENTATION = 0x0112
_QUALITIES = (95, 85, 75)
#: The most steps of scaling. Each halves the pixels, so 80 megapixels are below 10 MB well before the last one.
_STEPS = 8


class ConvertedImage(NamedTuple):
    """
    An image that Kling takes.

    :param data: the file; the original when nothing had to be changed.
    :param changes: what was changed, as the end of a sentence; empty for nothing.
    """

    data: bytes
    changes: str = ""


def convert_image(data: bytes, most: int = MAX_IMAGE_BYTES, most_pixels: int = MAX_PIXELS) -> ConvertedImage:
    """
    Convert what is no JPEG or PNG, is CMYK, has 16 bits a colour or is rotated by EXIF; reduce what is too large.

    :param data: a file. One that is no image, is damaged or has too many pixels is returned unchanged; the
        checks report it.
    :param most: bytes that it may have; default 10 MB.
    :param most_pixels: that are decoded.
    """
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
            if picture.width * picture.height > most_pixels:
                return ConvertedImage(data)
            changes = _needed_changes(picture, len(data), most)
            return _convert(picture, changes, most) if changes else ConvertedImage(data)
    except Exception:  # noqa: BLE001 - damaged files make Pillow raise almost anything
        return ConvertedImage(data)


def _needed_changes(picture: Image.Image, size: int, most: int) -> list[str]:
    found = []
    if picture.format not in _TAKEN:
        found.append(f"converted from {picture.format}")
    if picture.mode in _SIXTEEN_BIT:
        found.append("reduced to 8 bits a colour")
    elif picture.mode not in _PLAIN:
        found.append(f"converted from {picture.mode} to RGB")
    if picture.getexif().get(_ORIENTATION, 1) != 1:
        found.append("turned upright")
    if size > most:
        found.append(f"reduced to {most >> 20} MB")
    return found


def _convert(picture: Image.Image, changes: list[str], most: int) -> ConvertedImage:
    from PIL import ImageOps

    before = picture.size
    upright = ImageOps.exif_transpose(picture)
    plain = _eight_bits(upright) if upright.mode in _SIXTEEN_BIT else upright
    colours = plain.convert("RGBA" if plain.has_transparency_data else "RGB")
    data, size = _encode(colours, most)
    if sorted(size) != sorted(before):
        changes = [*changes, f"scaled from {before[0]}x{before[1]} to {size[0]}x{size[1]}"]
    return ConvertedImage(data, joined(changes, "and"))


def _eight_bits(picture: Image.Image) -> Image.Image:
    """Scale 16 bits to 8; Pillow's own conversion would cut values above 255."""
    whole = picture.convert("I")
    return whole.point(lambda value: value * (1 / 256)).convert("L")


def _encode(picture: Image.Image, most: int) -> tuple[bytes, tuple[int, int]]:
    """Return the file, of at most so many bytes, and the picture's size in it."""
    for _ in range(_STEPS):
        for options in _options(picture.mode):
            data = _save(picture, options)
            if len(data) <= most:
                return data, picture.size
        picture = picture.resize((max(1, picture.width * 7 // 10), max(1, picture.height * 7 // 10)))
    return data, picture.size


def _options(mode: str) -> list[dict[str, object]]:
    if mode == "RGBA":
        return [{"format": "PNG"}]
    return [{"format": "JPEG", "quality": quality} for quality in _QUALITIES]


def _save(picture: Image.Image, options: dict[str, object]) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, **options)  # type: ignore[arg-type]
    return stream.getvalue()
