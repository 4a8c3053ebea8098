"""A file on this machine's disk appears whole or not at all, and replaces the one that was there."""

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


def write_whole(source: IO[bytes], target: Path) -> None:
    """
    Copy into the target's folder, then rename.

    The part has a name that follows from the target's and is locked by its writer. A worker that was killed leaves a
    part that nobody holds; the next writer of the same file takes it over, so leftovers do not pile up.

    :param source: binary file, read from where it stands.
    :param target: replaced when it exists.
    :raises OSError: when the disk says no; a file that was there is as it was.
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
    part = target.with_name(f".{_short(target.name)}.part")
    with contextlib.suppress(OSError):
        descriptor = os.open(part, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
        if _is_ours(part, descriptor):
            return part, descriptor
        os.close(descriptor)
    # Somebody writes the same file at this moment, or the filesystem has no locks.
    part = target.with_name(f".{_short(target.name)}.{uuid.uuid4().hex}.part")
    return part, os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)


def _short(name: str) -> str:
    """A name may have 255 bytes; a part's has 40 more."""
    return name if len(os.fsencode(name)) <= 200 else uuid.uuid5(uuid.NAMESPACE_URL, name).hex


def _is_ours(part: Path, descriptor: int) -> bool:
    """Lock the part. Between opening and locking another writer may have renamed it: then it is the target."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return part.stat().st_ino == os.fstat(descriptor).st_ino
    except OSError:
        return False
