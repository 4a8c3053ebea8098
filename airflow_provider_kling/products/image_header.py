"""Reads format and size of an image from its first bytes; pixels are never decoded."""

from __future__ import annotations

import io
from typing import NamedTuple

from airflow_provider_kling.products.header_bytes import PNG, plain

#: The end marker of a complete file is within this many last bytes.
TAIL_BYTES = 1024

#: Pillow's names of the formats that are recognised. Kling takes the first two; the others get their own sentence.
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")


#: The most chunks of a PNG file and scans of a JPEG file. A PNG file of 128 MB with the usual 8 kB in each chunk has
#: 16,384 chunks, a progressive JPEG file about ten scans. A small file with many more takes very long to decode.
MAX_CHUNKS = 20_000
MAX_SCANS = 100


class ImageHeader(NamedTuple):
    """
    What the first bytes of an image say.

    :param format: ``jpeg``, ``png``, ``webp``, ...
    :param bytes: size of the file.
    :param complete: whether the file has its end marker; without it, it was probably cut.
    """

    format: str
    width: int
    height: int
    bytes: int
    complete: bool = True


def read_header(data: bytes) -> tuple[ImageHeader | None, str]:
    """
    Read format and size from the first bytes; pixels are never decoded.

    :return: the header, or None and the reason.
    """
    if problem := why_slow_to_read(data):
        return None, f"is no everyday picture: {problem}"
    if found := plain(data):
        return ImageHeader(*found, len(data), ends_whole(found.format, data[-TAIL_BYTES:])), ""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
            # MPO is what Pillow calls the JPEG of a phone with two cameras.
            kind = "jpeg" if picture.format == "MPO" else str(picture.format).lower()
            return ImageHeader(kind, *picture.size, len(data), ends_whole(kind, data[-TAIL_BYTES:])), ""
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        return None, "has so many pixels that it looks like a decompression bomb"
    except Exception:  # noqa: BLE001 - damaged files make Pillow raise almost anything
        return None, _why_not_a_picture(data)


def why_slow_to_read(data: bytes) -> str:
    """
    Say why a picture would take much longer to decode than its size suggests; empty when it would not.

    :param data: a file; it may be anything.
    """
    if data.startswith(PNG):
        position, count = len(PNG), 0
        # Decoders do not read what follows the IEND chunk.
        while position + 12 <= len(data) and count <= MAX_CHUNKS and data[position + 4 : position + 8] != b"IEND":
            position += 12 + int.from_bytes(data[position : position + 4], "big")
            count += 1
        return f"it has more than {MAX_CHUNKS} chunks" if count > MAX_CHUNKS else ""
    # In the pixels of a JPEG file these two bytes occur only as the beginning of a scan.
    if data.startswith(b"\xff\xd8") and data.count(b"\xff\xda") > MAX_SCANS:
        return f"it has more than {MAX_SCANS} scans"
    return ""


def ends_whole(kind: str, tail: bytes) -> bool:
    """
    Whether a file has its end marker; without it, it was probably cut.

    :param kind: ``jpeg``, ``png``; what has no end marker is taken for whole.
    :param tail: its last :data:`TAIL_BYTES` bytes.
    """
    return {"jpeg": b"\xff\xd9" in tail, "png": b"IEND" in tail}.get(kind, True)


def _why_not_a_picture(data: bytes) -> str:
    if data[:512].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return "is an HTML or XML page, not an image"
    if data[4:8] == b"ftyp":
        return "is an HEIC, AVIF or video file"
    if data.startswith((b"\xff\xd8", b"\x89PNG")):
        return "is a damaged or cut image: its header cannot be read"
    return "is not a picture"
