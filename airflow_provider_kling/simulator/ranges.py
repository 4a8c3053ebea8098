"""Parses the ``Range`` header of a download (RFC 9110, one range)."""

from __future__ import annotations

import re
from typing import Final

_RANGE: Final = re.compile(r"bytes=([0-9]{0,15})-([0-9]{0,15})")


def parse_range(header: str | None, size: int) -> slice | None:
    """The requested part; ``None`` for the whole file, also when the header is absent or invalid.

    :param size: bytes of the whole file.
    :raises ValueError: the range lies outside the file.
    """
    found = _RANGE.fullmatch(header.strip()) if header else None
    if found is None or not any(found.groups()):
        return None
    first, last = found.groups()
    if not first:
        if not int(last):
            raise ValueError(header)
        return slice(max(0, size - int(last)), size)
    start, stop = int(first), min(int(last) + 1, size) if last else size
    if last and int(last) < start:
        return None
    if start >= size:
        raise ValueError(header)
    return slice(start, stop)
