"""
Loads an image that a Dag author gives as URL, path, storage URI, bytes or base64, in the form that Kling accepts.

Kling takes a public URL or base64 without a ``data:`` prefix; jpg, jpeg or png; at most 10 MB,
in its second generation 50 MB (Image to Video pages of https://kling.ai/document-api, read 2026-10).
"""

from __future__ import annotations

import base64
import errno
import hashlib
import os
import re
import stat
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from airflow_provider_kling.exceptions import KlingStorageError
from airflow_provider_kling.preparation.image_conversion import MAX_SOURCE_BYTES, ConvertedImage, convert_image
from airflow_provider_kling.products.formatting import is_inline, named, shown
from airflow_provider_kling.products.image_header import read_header
from airflow_provider_kling.products.json_value import shorten
from airflow_provider_kling.products.media import (
    MAX_IMAGE_BYTES,
    NO_BASE64,
    NO_DATA_URI,
    FileLoadError,
    InlineImage,
    LoadedFile,
    decode_content,
    too_large_error,
)
from airflow_provider_kling.utils.untrusted import begins_as_web_link, reason

if TYPE_CHECKING:
    from airflow_provider_kling.utils._airflow.object_storage import Place

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_MAX_PATH = 4096
#: The less usual forms of an image, for the end of a sentence.
_ALLOWED = "a storage URI such as s3://bucket/key, bytes, a data: URI or base64 of a JPEG or PNG file is understood too"
#: Errors that another try of the same local path meets again; others are an outage, for example of a network disk.
_PERMANENT = {errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ELOOP, errno.ENXIO, errno.EINVAL}


def load_image(
    value: Any,
    *,
    field: str,
    conn_id: str | None = None,
    fit: str = "refuse",
    most: int = MAX_IMAGE_BYTES,
) -> LoadedFile:
    """
    Turn an image into Kling's form. URLs are passed on and never downloaded.

    :param value: URL, local path, object-storage URI or path object, bytes, ``data:`` URI, base64 or InlineImage.
    :param field: the field's name, for sentences.
    :param conn_id: Airflow connection for an object-storage URI.
    :param fit: ``shrink`` converts an image that Kling would not take, if possible.
    :param most: bytes that the image may have; default 10 MB.
    :raises FileLoadError: the image cannot be read, decoded or is too large.
    :raises KlingStorageError: the storage does not answer now; a retry may find it.
    """
    if isinstance(value, InlineImage):
        value = value.content
    if isinstance(value, str) and is_link(value):
        return LoadedFile(payload=value.strip())
    limit = MAX_SOURCE_BYTES if fit == "shrink" else most
    if isinstance(value, (bytes, bytearray, memoryview)):
        data = bytes(value)
    elif isinstance(value, str):
        data = _from_text(value.strip(), field, conn_id, limit)
    elif hasattr(value, "protocol") and hasattr(value, "path"):  # before PathLike, which older ObjectStoragePaths are
        data = read_stored(value, field, str(value), limit)
    elif isinstance(value, os.PathLike):
        data = read_file(os.fsdecode(value), field, limit)
    else:
        raise FileLoadError(
            f"Give {field} as a URL or a path: it has the type {shown(type(value).__name__)[1:-1]}; {_ALLOWED}."
        )
    return _loaded(data, field, fit, most)


def is_link(text: str) -> bool:
    """Whether a text is a URL that Kling reads itself."""
    return begins_as_web_link(text.strip())


def is_uri(text: str) -> bool:
    """Whether a text begins as a URI does."""
    return bool(_SCHEME.match(text))


def _loaded(data: bytes, field: str, fit: str, most: int) -> LoadedFile:
    if not data:
        raise FileLoadError(f"Give {field} a picture: it is empty (0 bytes).")
    converted = convert_image(data, most) if fit == "shrink" and len(data) <= MAX_SOURCE_BYTES else ConvertedImage(data)
    if len(converted.data) > most:
        raise too_large_error(field, most)
    header, problem = read_header(converted.data)
    payload = base64.b64encode(converted.data).decode("ascii")
    # The digest of the original: another version of Pillow may encode other bytes, but the request is the same.
    digest = hashlib.sha256(data).hexdigest()
    return LoadedFile(payload, digest, header, problem, converted.changes)


def _from_text(text: str, field: str, conn_id: str | None, limit: int) -> bytes:
    # "/9j/4AAQ..." is a JPEG in base64 and also looks like an absolute path: an existing file decides.
    if is_existing_path(text):
        return read_file(text, field, limit)
    if is_inline(text):
        return decode_content(text, field, limit)
    if text[:5].lower() == "data:":
        raise FileLoadError(NO_DATA_URI.format(field=field))
    if is_uri(text):
        return read_uri(text, field, conn_id, limit)
    if text.startswith("<"):
        raise FileLoadError(f"Give {field} as a URL or a path: it is HTML or XML text, not an image; {_ALLOWED}.")
    if len(text) > _MAX_PATH:
        raise FileLoadError(NO_BASE64.format(field=field, length=len(text), why="blanks or other characters"))
    raise FileLoadError(
        f"Check the path of {field}: there is no such file on this worker; {named(field, text)} is neither a URL nor "
        f"base64 of a picture; {_ALLOWED}."
    )


def is_existing_path(text: str) -> bool:
    """
    Whether a text is the path of something on this machine.

    :param text: may be anything.
    """
    if len(text) > _MAX_PATH:
        return False
    try:
        return Path(text).exists()
    except (OSError, ValueError):  # for example: the name is too long to be a path
        return False


def read_uri(uri: str, field: str, conn_id: str | None, limit: int) -> bytes:
    """
    Read from object storage, no more than one byte over the limit.

    :param uri: where it stands.
    :param field: the field's name, for sentences.
    :param conn_id: Airflow connection of that storage.
    :param limit: bytes.
    """
    from airflow.sdk import ObjectStoragePath

    from airflow_provider_kling.utils._airflow.object_storage import place_of

    refuse_password(place_of(uri, conn_id), field)
    try:
        path = ObjectStoragePath(uri, conn_id=conn_id) if conn_id else ObjectStoragePath(uri)
    except Exception as error:  # noqa: BLE001 - a bad URI, and whatever a storage's own package says of it
        raise unreadable_error(field, named(field, uri), error) from None
    return read_stored(path, field, uri, limit)


def refuse_password(place: Place, field: str) -> None:
    """
    Refuse a URI that holds a password, before the storage logs it.

    :param place: where a file stands.
    :param field: the field's name, for the sentence.
    """
    from airflow_provider_kling.utils._airflow.object_storage import password_problem

    if problem := password_problem(place, shorten(field)):
        raise FileLoadError(problem)


def read_stored(path: Any, field: str, name: str, limit: int) -> bytes:
    """
    Read from object storage, no more than one byte over the limit.

    :param path: a path object.
    :param field: the field's name, for sentences.
    :param name: how a sentence names the file.
    :param limit: bytes.
    """
    from airflow_provider_kling.utils._airflow.compat import AirflowNotFoundException
    from airflow_provider_kling.utils._airflow.lineage import report_input
    from airflow_provider_kling.utils._airflow.object_storage import place_of

    if str(getattr(path, "protocol", "")) in ("", "file", "local"):
        return read_file(str(path.path), field, limit)
    try:
        stream: IO[bytes]
        # Not path.open, which tells lineage of each read, whether anybody wants to know or not: see report_input.
        with path.fs.open(path.path, "rb") as stream:
            content = stream.read(limit + 1)
    except FileNotFoundError:
        raise missing_error(field, named(field, name)) from None
    # bad URI, no provider package, no connection, no right
    except (ValueError, ImportError, AirflowNotFoundException, PermissionError, IsADirectoryError) as error:
        raise unreadable_error(field, named(field, name), error) from None
    except Exception as error:  # noqa: BLE001 - each storage has errors of its own for "not now"
        raise unavailable_error(field, named(field, name), error) from None
    report_input(place_of(name), path)
    return content


def read_file(name: str, field: str, limit: int) -> bytes:
    """
    Read a local file; a pipe, a socket or a device would block, or never end, and is not read.

    :param name: its path.
    :param field: the field's name, for sentences.
    :param limit: bytes; no more than one over it is read.
    """
    try:
        with open(name, "rb", opener=_without_blocking) as stream:
            if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                raise _not_a_file(field, name)
            return stream.read(limit + 1)
    except FileNotFoundError:
        raise missing_error(field, named(field, name)) from None
    except IsADirectoryError:
        raise _not_a_file(field, name) from None
    except (OSError, ValueError) as error:
        again = isinstance(error, ValueError) or error.errno in _PERMANENT
        raise (unreadable_error if again else unavailable_error)(field, named(field, name), error) from None


def _without_blocking(name: str, flags: int) -> int:
    return os.open(name, flags | getattr(os, "O_NONBLOCK", 0))


def missing_error(field: str, file: str) -> FileLoadError:
    """
    Say that there is no such file.

    :param field: that should hold it.
    :param file: how a sentence names it.
    """
    return FileLoadError(f"Check path and connection of {shorten(field)}: {file}, there is no such file.")


def _not_a_file(field: str, name: str) -> FileLoadError:
    return FileLoadError(f"Give {field} the path of a file: {named(field, name)} is not a file.")


def unreadable_error(field: str, file: str, error: Exception) -> FileLoadError:
    """
    Say that a file cannot be read, now or later.

    :param field: that should hold it.
    :param file: how a sentence names it.
    :param error: why.
    """
    return FileLoadError(
        f"Check address and connection of {shorten(field)}: {file} cannot be read ({reason(error)}); the "
        "Airflow provider package of this storage must be installed."
    )


def unavailable_error(field: str, file: str, error: Exception) -> KlingStorageError:
    """
    Say that a file cannot be read now.

    :param field: that should hold it.
    :param file: how a sentence names it.
    :param error: why.
    """
    return KlingStorageError(
        f"Retry when the storage of {field} answers: nothing was sent or paid.\n{file} cannot be read "
        f"now ({reason(error)})."
    )
