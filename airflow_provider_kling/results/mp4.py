"""
Checks that a file is a complete MP4 video, and reads its duration. Pure except for reading the file.

No library, because the file is not trusted: libraries for tags read as many bytes and levels as the file tells them to.
Here a few thousand headers are read at most. Format: ISO/IEC 14496-12.
"""

from __future__ import annotations

import dataclasses
from typing import IO, TYPE_CHECKING

from airflow_provider_kling.exceptions import KlingResultError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: The most boxes that are read on one level. Kling's videos have 4 or 5; a fragmented one has two for each fragment.
MAX_BOXES = 4096

#: The longest duration, in seconds; a longer one means a broken header.
MAX_SECONDS = 86_400.0


@dataclasses.dataclass(frozen=True)
class Box:
    """
    One box.

    :param kind: four letters.
    :param start: where its content begins.
    :param end: where it ends.
    """

    kind: bytes
    start: int
    end: int


def seconds_of_video(path: Path) -> float:
    """
    Return how long a video plays.

    A header at the beginning is still there when the end of the file is cut off. So the last box must end where the
    file ends.

    :param path: the file.
    :return: seconds; 0 for a fragmented file, as encoders write that cannot go back, whose header names no duration.
    :raises KlingResultError: when it is no whole MP4 video; any bytes get an answer at once.
    """
    size = path.stat().st_size
    with path.open("rb") as stream:
        boxes = list(_boxes(stream, 0, size))
        if not boxes or boxes[-1].end != size:
            raise _unreadable("it is cut, or was never one")
        if not {b"moov", b"mdat"} <= {box.kind for box in boxes}:
            raise _unreadable("it has no header or no content")
        header = next(box for box in boxes if box.kind == b"moov")
        parts = list(_boxes(stream, header.start, header.end))
        seconds = _seconds(stream, parts)
    if not seconds and _is_fragmented(boxes, parts):
        return 0.0
    if not 0 < seconds <= MAX_SECONDS:
        raise _unreadable("its header names no duration that can be")
    return seconds


def _boxes(stream: IO[bytes], position: int, end: int) -> Iterator[Box]:
    """Yield the boxes of one level; the last may reach beyond the end, and is then cut."""
    for _ in range(MAX_BOXES):
        if position >= end:
            return
        stream.seek(position)
        header = stream.read(16)
        size, offset = int.from_bytes(header[:4], "big"), 8
        if size == 1:  # a 64-bit size follows the name
            size, offset = int.from_bytes(header[8:16], "big"), 16
        if size == 0:  # it reaches to the end
            size = end - position
        if size < offset or len(header) < offset:
            raise _unreadable("its boxes do not fit together")
        yield Box(header[4:8], position + offset, position + size)
        position += size
    if position < end:
        raise _unreadable(f"it has more than {MAX_BOXES} boxes")


def _seconds(stream: IO[bytes], boxes: list[Box]) -> float:
    header = next((box for box in boxes if box.kind == b"mvhd"), None)
    if header is None or not any(box.kind == b"trak" for box in boxes):
        raise _unreadable("its header has no tracks")
    stream.seek(header.start)
    content = stream.read(32)
    wide = content[:1] == b"\x01"
    scale = int.from_bytes(content[20:24] if wide else content[12:16], "big")
    duration = int.from_bytes(content[24:32] if wide else content[16:20], "big")
    if duration == 0:
        duration = _fragments(stream, boxes)
    return duration / scale if scale else 0.0


def _is_fragmented(boxes: list[Box], header: list[Box]) -> bool:
    """Whether the pictures stand in fragments, which the header announces."""
    return any(box.kind == b"moof" for box in boxes) and any(box.kind == b"mvex" for box in header)


def _fragments(stream: IO[bytes], boxes: list[Box]) -> int:
    """Return the duration of a fragmented file, in units of its movie header."""
    for extends in (box for box in boxes if box.kind == b"mvex"):
        for box in _boxes(stream, extends.start, extends.end):
            if box.kind == b"mehd":
                stream.seek(box.start)
                content = stream.read(12)
                return int.from_bytes(content[4:12] if content[:1] == b"\x01" else content[4:8], "big")
    return 0


def _unreadable(why: str) -> KlingResultError:
    return KlingResultError(f"Try again: what was fetched is not a whole MP4 video, {why}.")
