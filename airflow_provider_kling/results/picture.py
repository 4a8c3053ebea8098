"""Is a file a whole picture, and how large is it: every pixel is decoded, by Pillow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_kling.exceptions import KlingResultError
from airflow_provider_kling.products.image_header import TAIL_BYTES, ends_whole

if TYPE_CHECKING:
    from pathlib import Path

#: Pillow's names of what Kling's image products make; its samples are PNG files, read 2026-11.
FORMATS = ("PNG", "JPEG", "WEBP")


def size_of_picture(path: Path) -> tuple[int, int]:
    """
    Return width and height in pixels.

    Pillow decodes a PNG file whose last bytes are missing, so the end marker is asked for too.

    :param path: the file.
    :raises KlingResultError: when it is no whole picture; one that claims to be enormous is not decoded.
    """
    from PIL import Image

    try:
        with Image.open(path, formats=FORMATS) as picture:
            kind, size = str(picture.format).lower(), picture.size
            picture.load()
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _unreadable("it claims more pixels than any result has") from None
    except Exception:  # noqa: BLE001 - damaged files make Pillow raise almost anything
        raise _unreadable("it is cut, or was never one") from None
    if not ends_whole("jpeg" if kind == "mpo" else kind, _tail(path)):
        raise _unreadable("it is cut")
    return size


def _tail(path: Path) -> bytes:
    with path.open("rb") as stream:
        stream.seek(max(0, path.stat().st_size - TAIL_BYTES))
        return stream.read()


def _unreadable(why: str) -> KlingResultError:
    return KlingResultError(f"Try again: what was fetched is not a whole picture, {why}.")
