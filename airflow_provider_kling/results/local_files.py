"""Writes a file to this machine's disk atomically, and replaces one that is there."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import uuid
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

#: Bytes copied at a time.
CHUNK_BYTES = 1 << 20


def write_atomically(source: IO[bytes], target: Path) -> None:
    """
    Copy to a partial file in the target's folder, then rename it.

    The partial file has a fixed name for each target, and its writer locks it. When a worker is killed, its partial
    file stays without a lock; the next writer of the same target reuses it, so such files do not pile up.

    :param source: binary file, read from its current position.
    :param target: replaced when it exists.
    :raises OSError: when the disk refuses; then an existing target is unchanged.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    part, descriptor = _open_part(target)
    try:
        with os.fdopen(descriptor, "wb") as sink:
            sink.truncate()
            shutil.copyfileobj(source, sink, CHUNK_BYTES)
            sink.flush()
            os.fsync(sink.fileno())
            part.replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            part.unlink()
        raise


def _open_part(target: Path) -> tuple[Path, int]:
    part = target.with_name(f".{_shorten(target.name)}.part")
    with contextlib.suppress(OSError):
        descriptor = os.open(part, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
        if _lock_part(part, descriptor):
            return part, descriptor
        os.close(descriptor)
    # Another process writes the same file at this moment, or the filesystem has no locks.
    part = target.with_name(f".{_shorten(target.name)}.{uuid.uuid4().hex}.part")
    return part, os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)


def _shorten(name: str) -> str:
    """Shorten a name that has no room for the 40 bytes of a partial file's suffix; 255 is the limit."""
    return name if len(os.fsencode(name)) <= 200 else uuid.uuid5(uuid.NAMESPACE_URL, name).hex


def _lock_part(part: Path, descriptor: int) -> bool:
    """Lock the partial file; ``False`` when another writer has it, or renamed it between opening and locking."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return part.stat().st_ino == os.fstat(descriptor).st_ino
    except OSError:
        return False
