"""
Checks that a file is a complete MP3 or WAV file, and reads its duration. Pure except for reading the file.

No library: those for tags estimate an MP3's duration from its first frame and do not notice a missing end, and Python's
``wave`` reads only one encoding. Headers are read one after the other, samples never.
"""

from __future__ import annotations

import dataclasses
import struct
from typing import IO, TYPE_CHECKING

from airflow_provider_kling.exceptions import KlingResultError
from airflow_provider_kling.products.header_bytes import is_wav
from airflow_provider_kling.results.mp4 import MAX_SECONDS

if TYPE_CHECKING:
    from pathlib import Path

#: The most frames that are read; an MP3 has 38 a second, so this is three quarters of an hour.
MAX_FRAMES = 100_000

#: The most chunks of a WAV file that are read; it has two or three.
MAX_CHUNKS = 1024

#: kbit/s by the index in a frame's header, Layer III: of MPEG 1, and of MPEG 2 and 2.5.
_RATES_1 = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_RATES_2 = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
#: Samples a second by the index there; MPEG 2 has the half of it, MPEG 2.5 a quarter.
_SAMPLES = (44100, 48000, 32000)
#: What divides them, by the version bits of the header; 1 is reserved.
_DIVISORS = {3: 1, 2: 2, 0: 4}

#: Lengths that encoders write when they do not know it yet; then the sound ends where the file ends.
_UNKNOWN = (0, 0xFFFFFFFF)

#: What may follow the last frame.
_TAGS = (b"TAG", b"APETAGEX", b"ID3", b"3DI")


@dataclasses.dataclass(frozen=True)
class _Frame:
    """One frame of an MP3: how many bytes and how many samples, at how many a second."""

    bytes: int
    samples: int
    rate: int


def seconds_of_sound(path: Path) -> float:
    """
    Return how long a sound plays.

    :param path: the file.
    :raises KlingResultError: when it is no whole MP3 or WAV file; any bytes get an answer at once.
    """
    size = path.stat().st_size
    with path.open("rb") as stream:
        seconds = _wave(stream, size) if is_wav(stream.read(12)) else _mp3(stream, size)
    if not 0 < seconds <= MAX_SECONDS:
        raise _unreadable("it names no duration that can be")
    return seconds


def _wave(stream: IO[bytes], size: int) -> float:
    rate, position = 0, 12
    for _ in range(MAX_CHUNKS):
        stream.seek(position)
        name, length = struct.unpack("<4sI", header) if len(header := stream.read(8)) == 8 else (b"", 0)
        position += 8
        if name == b"fmt ":
            rate = int.from_bytes(stream.read(12)[8:], "little")
        if name == b"data":
            if length in _UNKNOWN:
                length = size - position
            if position + length > size:
                break
            return length / rate if rate else 0.0
        if not name:
            break
        position += length + length % 2
    raise _unreadable("it is cut, or its parts do not fit together")


def _mp3(stream: IO[bytes], size: int) -> float:
    position = _skip_tag(stream)
    announced, count, samples, rate = 0, 0, 0, 0
    while position < size:
        stream.seek(position)
        head = stream.read(60)
        frame = _frame(head)
        if frame is None:
            if count and head.startswith(_TAGS):
                break
            raise _unreadable("it has no frames, or something between them")
        if position + frame.bytes > size:
            raise _unreadable("its last frame is cut")
        position += frame.bytes
        count += 1
        if count > MAX_FRAMES:
            raise _unreadable(f"it has more than {MAX_FRAMES} frames")
        if count == 1 and (announced := _announced_frames(head)):
            continue  # this frame is a header, and no sound
        samples, rate = samples + frame.samples, frame.rate
    if announced and count - 1 < announced:
        raise _unreadable("frames that its header announces are missing")
    return samples / rate if rate else 0.0


def _skip_tag(stream: IO[bytes]) -> int:
    """Return where the frames begin: after the ID3 tag, if there is one."""
    stream.seek(0)
    head = stream.read(10)
    if head[:3] != b"ID3" or len(head) < 10:
        return 0
    length = 0
    for byte in head[6:]:
        length = length << 7 | byte & 0x7F
    return 10 + length + (10 if head[5] & 0x10 else 0)


def _frame(head: bytes) -> _Frame | None:
    bits = int.from_bytes(head[:4], "big")
    divisor = _DIVISORS.get(bits >> 19 & 3)
    rate_index, sample_index = bits >> 12 & 15, bits >> 10 & 3
    is_layer_3 = bits >> 21 == 0x7FF and bits >> 17 & 3 == 1
    if len(head) < 4 or divisor is None or not is_layer_3 or not 0 < rate_index < 15 or sample_index > 2:
        return None
    samples = 1152 if divisor == 1 else 576
    rate = _SAMPLES[sample_index] // divisor
    kilobits = (_RATES_1 if divisor == 1 else _RATES_2)[rate_index]
    return _Frame(samples // 8 * kilobits * 1000 // rate + (bits >> 9 & 1), samples, rate)


def _announced_frames(head: bytes) -> int:
    """Return the number of frames that a Xing or Info header in the first frame announces; 0 without one."""
    is_version_1, is_mono = head[1] >> 3 & 3 == 3, head[3] >> 6 == 3
    start = 4 + ((17 if is_mono else 32) if is_version_1 else (9 if is_mono else 17))
    name, flags = head[start : start + 4], head[start + 7 : start + 8]
    if name not in (b"Xing", b"Info") or not flags or not flags[0] & 1:
        return 0
    return int.from_bytes(head[start + 8 : start + 12], "big")


def _unreadable(why: str) -> KlingResultError:
    return KlingResultError(f"Try again: what was fetched is not a whole MP3 or WAV file, {why}.")
