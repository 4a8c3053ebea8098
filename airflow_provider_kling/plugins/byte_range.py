"""Which bytes a browser asks for: HTTP ``Range`` (RFC 9110, section 14). Pure."""

from __future__ import annotations

import re
from typing import NamedTuple

#: Bytes of one partial response; a player asks for the next ones. It bounds how long one request may take.
MAX_BYTES = 8 << 20

_ONE_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII | re.IGNORECASE)


class OutOfRangeError(ValueError):
    """The first byte that is asked for is not there: 416."""


class ByteRange(NamedTuple):
    """
    A part of a file.

    :param start: first byte, from 0.
    :param end: last byte, included.
    """

    start: int
    end: int

    @property
    def length(self) -> int:
        """How many bytes it has."""
        return self.end - self.start + 1

    def header(self, size: int) -> str:
        """
        Return the ``Content-Range`` of a response.

        :param size: bytes of the whole file.
        """
        return f"bytes {self.start}-{self.end}/{size}"


def byte_range(header: str | None, size: int) -> ByteRange | None:
    """
    Return the part of a file that is asked for.

    :param header: ``Range`` as it came.
    :param size: bytes of the whole file.
    :return: ``None`` for the whole file: nothing is asked for, or in a form that a server may pass over (several parts
        at once, other units).
    :raises OutOfRangeError: when it begins behind the end of the file.
    """
    match = _ONE_RANGE.fullmatch(header.replace(" ", "")) if header and len(header) < 100 else None
    if match is None or match[1] == match[2] == "":
        return None
    if match[1]:
        start, end = int(match[1]), int(match[2]) if match[2] else size
        if match[2] and end < start:
            return None
    else:
        start, end = max(0, size - int(match[2])), size
    end = min(end, size - 1, start + MAX_BYTES - 1)
    if start > end:
        raise OutOfRangeError
    return ByteRange(start, end)
