"""
Writes and reads files on any storage, atomically; every error of a storage becomes one sentence.

On object storage a file is written straight to its key: a PUT is atomic, a multipart upload is aborted when it fails,
and neither needs the right to list, copy or delete. Nothing here creates a bucket.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import shutil
import tempfile
import uuid
from pathlib import Path
from typing import IO, TYPE_CHECKING

from airflow_provider_kling.exceptions import KlingStorageError
from airflow_provider_kling.results.local_files import CHUNK_BYTES, write_atomically
from airflow_provider_kling.utils.untrusted import reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from airflow_provider_kling.utils._airflow.object_storage import Place

log = logging.getLogger(__name__)


def put_file(local: Path, place: Place) -> None:
    """
    Copy a file of this machine to a place; what stood there is replaced.

    :param local: the file.
    :param place: where to.
    :raises KlingStorageError: when the storage says no, or has another size than was written.
    """
    with _storage_errors(place, "written"):
        if place.is_local:
            with local.open("rb") as source:
                write_atomically(source, Path(place.path))
        elif place.has_folders:
            _put_and_rename(local, place)
        else:
            place.filesystem.put_file(str(local), place.path)
    _check_size(place, local.stat().st_size)


def put_bytes(content: bytes, place: Place) -> None:
    """
    Do the same with bytes.

    :param content: what the file will hold.
    :param place: where to.
    :raises KlingStorageError: when the storage says no, or has another size than was written.
    """
    put_chunks([content], place)


def put_chunks(chunks: Iterable[bytes], place: Place) -> None:
    """
    Do the same with bytes that come in chunks, one after the other.

    :param chunks: what the file will hold.
    :param place: where to.
    :raises KlingStorageError: when the storage says no, or has another size than was written.
    """
    with local_disk_errors(), tempfile.NamedTemporaryFile(suffix=Path(place.key).suffix[:16]) as local:
        for chunk in chunks:
            local.write(chunk)
        local.flush()
        put_file(Path(local.name), place)


def read_bytes(place: Place, limit: int) -> bytes:
    """
    Read a file.

    :param place: where it is.
    :param limit: the most bytes that are read.
    :raises FileNotFoundError: when there is none.
    :raises KlingStorageError: when the storage says no.
    """
    with _storage_errors(place, "read", FileNotFoundError), place.filesystem.open(place.path, "rb") as stream:
        return bytes(stream.read(limit))


def get_file(place: Place, sink: IO[bytes]) -> None:
    """
    Copy a file into one on this machine.

    :param place: where it is.
    :param sink: binary file.
    :raises FileNotFoundError: when there is none.
    :raises KlingStorageError: when the storage says no.
    """
    with _storage_errors(place, "read", FileNotFoundError), place.filesystem.open(place.path, "rb") as stream:
        shutil.copyfileobj(stream, sink, CHUNK_BYTES)


def exists(place: Place) -> bool:
    """
    Whether a file or folder stands there; without the right to ask, it does not.

    :raises KlingStorageError: when the storage cannot be asked.
    """
    try:
        with _storage_errors(place, "asked", FileNotFoundError, NotADirectoryError, PermissionError):
            place.info()
    except OSError:
        return False
    return True


def discard(places: Sequence[Place]) -> None:
    """
    Delete files; a storage that refuses keeps them, because not every storage lets us delete.

    :param places: of one storage.
    """
    try:
        places[0].filesystem.rm([place.path for place in places])
    except Exception as error:  # noqa: BLE001 - whatever a filesystem raises
        log.warning("Delete %s and what was written beside it: %s", places[0].shown, reason(error))


def discard_empty_folder(place: Place) -> None:
    """
    Delete a folder that holds nothing; on object storage there is none.

    :param place: the folder.
    """
    if place.has_folders:
        with contextlib.suppress(Exception):
            place.filesystem.rmdir(place.path)


def storage_error(place: Place, action: str, error: BaseException) -> KlingStorageError:
    """
    Return an error of a storage as one sentence that begins with what to do.

    :param place: where.
    :param action: what was tried, a participle.
    :param error: what was raised; it may hold credentials, so it is not chained.
    """
    number = getattr(error, "errno", None)
    if isinstance(error, PermissionError):
        advice = "Give the storage's connection the right to it"
    elif isinstance(error, FileNotFoundError):
        advice = "Create the bucket or folder first, or correct its name"
    elif isinstance(error, IsADirectoryError):
        advice = "Add a slash to output_uri, or a file name: it is a folder"
    elif number in (errno.ENOSPC, errno.EDQUOT):
        advice = "Make room on the storage: it is full"
    elif isinstance(error, ImportError):
        advice = "Install Airflow's provider package for this storage"
    else:
        advice = "Look at the storage and at its connection"
    return KlingStorageError(
        f"{advice}. {place.shown} could not be {action}: {reason(error)}. Nothing is lost: a retry "
        "goes on and pays nothing again."
    )


@contextlib.contextmanager
def _storage_errors(place: Place, action: str, *passing: type[OSError]) -> Iterator[None]:
    """Turn any error of a filesystem into a :class:`KlingStorageError`; some of them are no ``OSError``."""
    try:
        yield
    except passing:
        raise
    except Exception as error:  # noqa: BLE001
        place.forget()
        raise storage_error(place, action, error) from None


@contextlib.contextmanager
def local_disk_errors() -> Iterator[None]:
    """Turn errors of this machine's disk into a :class:`KlingStorageError`."""
    try:
        yield
    except OSError as error:
        raise KlingStorageError(
            f"Make room in this machine's folder for temporary files: {reason(error)}. A retry pays nothing again."
        ) from None


def _put_and_rename(local: Path, place: Place) -> None:
    """Write under another name, then rename: storage with folders shows a file while it is written."""
    filesystem, path, folder = place.filesystem, place.path, place.parent()
    filesystem.makedirs(folder, exist_ok=True)
    part = f"{folder}/.{path.rpartition('/')[2]}.{uuid.uuid4().hex}.part"
    try:
        filesystem.put_file(str(local), part)
        filesystem.mv(part, path)
    except BaseException:
        with contextlib.suppress(Exception):
            filesystem.rm_file(part)
        raise


def _check_size(place: Place, written: int) -> None:
    try:
        stored = place.info().get("size")
    except FileNotFoundError as error:
        raise storage_error(place, "found after it was written", error) from None
    except Exception as error:  # noqa: BLE001 - the right to look is another right; a PUT is whole or not at all
        log.debug("The size of %s could not be read (%s); the upload itself succeeded", place.uri, reason(error))
        return
    if stored is not None and int(stored) != written:
        raise KlingStorageError(
            f"Look who else writes this file: it has {stored} bytes, and {written} were written to "
            f"{place.shown}. A retry stores it again and pays nothing."
        )
