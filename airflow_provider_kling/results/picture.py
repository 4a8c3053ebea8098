"""
Checks that a file is a complete picture, and reads its size. Pillow decodes every pixel.

The file is not trusted and is checked in a worker or the triggerer, so a file that would take many seconds or hundreds
of megabytes to decode is refused first.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from airflow_provider_kling.exceptions import KlingResultError
from airflow_provider_kling.products.image_header import TAIL_BYTES, ends_whole, why_slow_to_read

if TYPE_CHECKING:
    from pathlib import Path

#: Pillow's names of what Kling's image products make; its samples are PNG files, read 2026-11.
FORMATS = ("PNG", "JPEG", "WEBP")

#: Bytes that a picture may have.
MAX_BYTES = 128 << 20

#: The most pixels that are decoded; Kling's largest pictures have 4096 x 4096. Of a larger one, which is paid for too,
#: only header and end marker are checked.
MAX_PIXELS = 40_000_000


def size_of_picture(path: Path, *, most: int = MAX_BYTES) -> tuple[int, int]:
    """
    Return width and height in pixels.

    Pillow decodes a PNG file whose last bytes are missing, so the end marker is asked for too.

    :param path: the file.
    :param most: bytes that are read; default 128 MB.
    :raises KlingResultError: when it is no whole picture; one that claims to be enormous is not decoded.
    """
    from PIL import Image

    if path.stat().st_size > most:
        raise _unreadable(f"it has more than {most >> 20} MB")
    data = path.read_bytes()
    if problem := why_slow_to_read(data):
        raise _unreadable(problem)
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
            kind, size = str(picture.format).lower(), picture.size
            if picture.width * picture.height <= MAX_PIXELS:
                picture.load()
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _unreadable("it claims more pixels than any result has") from None
    except Exception:  # noqa: BLE001 - damaged files make Pillow raise almost anything
        raise _unreadable("it is cut, or was never one") from None
    if not ends_whole("jpeg" if kind == "mpo" else kind, data[-TAIL_BYTES:]):
        raise _unreadable("it is cut")
    return size


def _unreadable(why: str) -> KlingResultError:
    return KlingResultError(f"Try again: what was fetched is not a whole picture, {why}.")
