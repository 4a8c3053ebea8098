"""
Mend a picture that Kling would not take, when the Dag author asks for it: format, colours, rotation, size of the file.

Kling takes JPEG and PNG of at most 10 MB, in its second generation of 50 MB (Image to Video pages of
https://kling.ai/document-api, read 2026-10).
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Literal, NamedTuple

from airflow_provider_kling.products.image_header import FORMATS
from airflow_provider_kling.products.media import MAX_IMAGE_BYTES
from airflow_provider_kling.products.wording import joined

if TYPE_CHECKING:
    from PIL import Image

Fit = Literal["refuse", "shrink"]

#: The largest file that is read to be made smaller.
MAX_SOURCE_BYTES = 64 * 1024 * 1024
#: The largest picture that is decoded: its pixels take three or four bytes each in memory.
MAX_PIXELS = 80_000_000

_TAKEN = ("JPEG", "MPO", "PNG")
#: Colours that a JPEG or PNG of everyday use has; Pillow's names.
_PLAIN = ("1", "L", "LA", "P", "PA", "RGB", "RGBA")
_SIXTEEN_BIT = ("I", "I;16", "I;16B", "I;16L", "I;16N", "F")
_ORIENTATION = 0x0112
_QUALITIES = (95, 85, 75)
#: Each step halves the pixels: a picture of 80 megapixels is below 10 MB long before the last one.
_STEPS = 8


class Fitted(NamedTuple):
    """
    A picture that Kling takes.

    :param data: the file; the one that was given when nothing had to be done.
    :param done: what was done, as the end of a sentence; empty for nothing.
    """

    data: bytes
    done: str = ""


def shrink(data: bytes, most: int = MAX_IMAGE_BYTES, most_pixels: int = MAX_PIXELS) -> Fitted:
    """
    Convert what is no JPEG or PNG, is CMYK, has 16 bits a colour or is rotated by EXIF; reduce what is too large.

    :param data: a file. What is no picture, is damaged or has too many pixels is returned as it is: the checks say so.
    :param most: bytes that it may have; default 10 MB.
    :param most_pixels: that are decoded.
    """
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
            if picture.width * picture.height > most_pixels:
                return Fitted(data)
            reasons = _reasons(picture, len(data), most)
            return _mended(picture, reasons, most) if reasons else Fitted(data)
    except Exception:  # noqa: BLE001 - damaged files make Pillow raise almost anything
        return Fitted(data)


def _reasons(picture: Image.Image, size: int, most: int) -> list[str]:
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


def _mended(picture: Image.Image, reasons: list[str], most: int) -> Fitted:
    from PIL import ImageOps

    before = picture.size
    upright = ImageOps.exif_transpose(picture)
    plain = _eight_bits(upright) if upright.mode in _SIXTEEN_BIT else upright
    colours = plain.convert("RGBA" if plain.has_transparency_data else "RGB")
    data, size = _encoded(colours, most)
    if sorted(size) != sorted(before):
        reasons = [*reasons, f"scaled from {before[0]}x{before[1]} to {size[0]}x{size[1]}"]
    return Fitted(data, joined(reasons, "and"))


def _eight_bits(picture: Image.Image) -> Image.Image:
    """Pillow cuts what is above 255 off when it converts; 16 bits have to be scaled."""
    whole = picture.convert("I")
    return whole.point(lambda value: value * (1 / 256)).convert("L")


def _encoded(picture: Image.Image, most: int) -> tuple[bytes, tuple[int, int]]:
    """Return the file, of at most so many bytes, and the picture's size in it."""
    for _ in range(_STEPS):
        for options in _options(picture.mode):
            data = _saved(picture, options)
            if len(data) <= most:
                return data, picture.size
        picture = picture.resize((max(1, picture.width * 7 // 10), max(1, picture.height * 7 // 10)))
    return data, picture.size


def _options(mode: str) -> list[dict[str, object]]:
    if mode == "RGBA":
        return [{"format": "PNG"}]
    return [{"format": "JPEG", "quality": quality} for quality in _QUALITIES]


def _saved(picture: Image.Image, options: dict[str, object]) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, **options)  # type: ignore[arg-type]
    return stream.getvalue()
