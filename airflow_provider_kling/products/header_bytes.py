"""
The first bytes of file formats; format and size of the usual JPEG and PNG files.

Importing Pillow takes as long as all other checks of a task together. Files that are not read here are left to Pillow,
which knows all formats and says what is damaged. JPEG: ITU T.81, annex B; PNG: https://www.w3.org/TR/png/.
"""

from __future__ import annotations

import struct
import zlib
from typing import NamedTuple

#: A picture with more pixels is left to Pillow, which reports a decompression bomb.
MAX_PIXELS = 50_000_000

#: The first bytes of a PNG file.
PNG = b"\x89PNG\r\n\x1a\n"
#: The first bytes of a JPEG file.
JPEG = b"\xff\xd8\xff"
#: Chunks before the pixels that hold nothing compressed; an animation (acTL) is not among them.
_PLAIN_CHUNKS = frozenset((b"PLTE", b"gAMA", b"cHRM", b"sRGB", b"pHYs", b"tIME", b"bKGD", b"sBIT", b"tEXt", b"eXIf"))
#: Bits for each colour type: grey, RGB, palette, grey and RGB with transparency.
_PNG_BITS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}

_BASELINE, _EXTENDED, _PROGRESSIVE = 0xC0, 0xC1, 0xC2
_DHT, _DQT, _DRI, _SOS, _COM = 0xC4, 0xDB, 0xDD, 0xDA, 0xFE
_APPS = range(0xE0, 0xF0)


class Plain(NamedTuple):
    """
    What a plain file is.

    :param format: ``jpeg`` or ``png``.
    """

    format: str
    width: int
    height: int


def is_wav(head: bytes) -> bool:
    """
    Whether a file begins as a WAV file does.

    :param head: at least its first 12 bytes.
    """
    return head[:4] == b"RIFF" and head[8:12] == b"WAVE"


def plain(data: bytes) -> Plain | None:
    """
    Return what a plain file is; pixels are never decoded.

    :param data: of any file.
    :return: ``None`` when only Pillow can read it.
    """
    try:
        found = _png(data) if data.startswith(PNG) else _jpeg(data) if data.startswith(JPEG) else None
    except (struct.error, IndexError):
        return None
    if found is None or min(found.width, found.height) < 1 or found.width * found.height > MAX_PIXELS:
        return None
    return found


def _png(data: bytes) -> Plain | None:
    at, found = len(PNG), None
    while True:
        length, name = struct.unpack_from(">I4s", data, at)
        if name == b"IDAT":
            return found
        body = data[at + 8 : at + 8 + length]
        (checksum,) = struct.unpack_from(">I", data, at + 8 + length)
        if checksum != zlib.crc32(name + body):
            return None
        if found is None:
            width, height, bits, colour, *rest = struct.unpack(">IIBBBBB", body)
            if name != b"IHDR" or bits not in _PNG_BITS.get(colour, ()) or rest not in ([0, 0, 0], [0, 0, 1]):
                return None
            found = Plain("png", width, height)
        elif name not in _PLAIN_CHUNKS:
            return None
        at += 12 + length


def _jpeg(data: bytes) -> Plain | None:
    at, found = 2, None
    while data[at] == 0xFF:
        marker = data[at + 1]
        (length,) = struct.unpack_from(">H", data, at + 2)
        body = data[at + 4 : at + 2 + length]
        if length < 2 or len(body) != length - 2:
            return None
        if marker == _SOS:
            return found
        if marker in (_BASELINE, _EXTENDED, _PROGRESSIVE):
            bits, height, width, components = struct.unpack_from(">BHHB", body)
            if found is not None or bits != 8 or components not in (1, 3, 4) or len(body) != 6 + 3 * components:
                return None
            found = Plain("jpeg", width, height)
        elif marker == _DQT:
            if not _are_tables(body):
                return None
        elif marker not in (_DHT, _DRI, _COM) and marker not in _APPS:
            return None
        at += 2 + length
    return None


def _are_tables(body: bytes) -> bool:
    at = 0
    while at < len(body):
        at += 65 if body[at] < 16 else 129
    return at == len(body) > 0
