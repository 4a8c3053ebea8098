"""
From what a DAG author has (URL, path, storage URI, bytes, base64) to what Kling accepts, reading headers only.

Kling takes a public URL or base64 without a ``data:`` prefix; jpg, jpeg or png; at most 10 MB
(Image to Video page of https://kling.ai/document-api, read 2026-10).
"""

from __future__ import annotations

import base64
import binascii
import errno
import hashlib
import json
import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import IO, Any
from urllib.parse import unquote

from airflow_provider_kling.exceptions import KlingStorageError
from airflow_provider_kling.foreign import reason
from airflow_provider_kling.image_header import ImageHeader, read_header
from airflow_provider_kling.validation.wording import is_inline, named, shown

#: Kling's limit for one image of the classic API.
MAX_IMAGE_BYTES = 10 * 1024 * 1024

_URL_SAFE = str.maketrans("-_", "+/")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_MAX_PATH = 4096
#: What else an image may be; the sentences begin with the usual ones.
_ALLOWED = "a storage URI such as s3://bucket/key, bytes, a data: URI or base64 of a JPEG or PNG file is understood too"
_NO_DATA_URI = "Write {field} as data:image/jpeg;base64,…: it is a data: URI without ';base64,', or with blanks."
_NO_BASE64 = "Encode the whole file of {field}, or give its path: it is not valid base64 ({length} characters: {why})."
#: Another try of the same local path meets these again; any other error is an outage, of a network disk for example.
_PERMANENT = {errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ELOOP, errno.ENXIO, errno.EINVAL}


class ImageLoadError(Exception):
    """
    An image cannot be turned into what Kling takes; its text is a full sentence for the DAG author.

    Internal: :func:`~airflow_provider_kling.preparation.prepare` collects these into one error.
    """


@dataclass(frozen=True)
class LoadedImage:
    """
    An image in the form that goes to Kling.

    :param wire: URL or raw base64; not shown in a traceback.
    :param digest: sha256 of the content in hex; None for a URL.
    :param header: what the content says about itself; None for a URL and for content that is not a picture.
    :param flaw: why the content is not a picture, as the end of a sentence; empty when it is one.
    """

    wire: str = field(repr=False)
    digest: str | None = None
    header: ImageHeader | None = None
    flaw: str = ""


class InlineImage:
    """
    Image content that shows itself as one short line, in rendered fields and in logs.

    :param content: bytes, a ``data:`` URI or raw base64.
    """

    def __init__(self, content: bytes | str) -> None:
        self.content = content

    @cached_property
    def _summary(self) -> str:
        try:
            data = _decoded(self.content, "image")
        except ImageLoadError:
            return f"<inline image: not base64, {len(self.content)} characters>"
        header, _ = read_header(data)
        kind = f"image/{header.format}, {header.width}x{header.height}" if header else "unknown format"
        return f"<inline image: {kind}, {len(data)} bytes, sha256 {hashlib.sha256(data).hexdigest()[:12]}…>"

    def __repr__(self) -> str:
        return self._summary

    def serialize(self) -> str:
        """Airflow stores this as the rendered value."""
        return self._summary

    def __eq__(self, other: object) -> bool:
        return isinstance(other, InlineImage) and self.content == other.content

    def __hash__(self) -> int:
        return hash(self.content)


#: How deep :func:`conceal` looks; a request may not be deeper either, see :mod:`.validation.json_value`.
_MAX_DEPTH = 50


def conceal(value: Any) -> Any:
    """
    Wrap image content in :class:`InlineImage`, wherever it stands; everything else is returned as it is.

    What is content, :func:`.validation.wording.is_inline` decides, here as in :func:`load_image`.

    :param value: a field of a request: also the list of ``dynamic_masks``, ``extra_body``, and both as a JSON string.
    """
    return _Concealing().conceal(value, 0)


class _Concealing:
    """One walk; each list and object is looked at once, however often it is held."""

    def __init__(self) -> None:
        self.seen: dict[int, Any] = {}

    def conceal(self, value: Any, depth: int) -> Any:
        if isinstance(value, (bytes, bytearray, memoryview)):
            return InlineImage(bytes(value))
        if isinstance(value, str):
            return InlineImage(value) if is_inline(value) else self._json(value, depth)
        if not isinstance(value, (Mapping, list, tuple, set, frozenset)):
            return value
        if depth >= _MAX_DEPTH:
            return TooDeep()
        if id(value) not in self.seen:
            self.seen[id(value)] = TooDeep()  # what a list that holds itself finds inside
            self.seen[id(value)] = self._inside(value, depth + 1)
        return self.seen[id(value)]

    def _inside(self, value: Any, depth: int) -> Any:
        if isinstance(value, Mapping):
            return {key: self.conceal(item, depth) for key, item in value.items()}
        items = [self.conceal(item, depth) for item in value]
        kind = next(kind for kind in (tuple, set, frozenset, list) if isinstance(value, kind))
        return kind(items)

    def _json(self, text: str, depth: int) -> Any:
        """Text that is JSON: its value when an image is in it; inside of something else it stays one text."""
        if text.lstrip()[:1] not in ("[", "{") or "{{" in text or "{%" in text:
            return text
        try:
            parsed = json.loads(text)
        except (ValueError, RecursionError):
            return text
        hidden = _Concealing().conceal(parsed, depth + 1)
        if hidden == parsed:
            return text
        return hidden if depth == 0 else InlineImage(text)


class TooDeep:
    """Stands for what is nested too deeply to be looked through; such a request is refused."""

    def __repr__(self) -> str:
        return "<nested too deeply>"

    def serialize(self) -> str:
        """Airflow stores this as the rendered value."""
        return repr(self)


def load_image(value: Any, *, field: str, conn_id: str | None = None) -> LoadedImage:
    """
    Turn an image into Kling's form. URLs are passed on and never downloaded.

    :param value: URL, local path, object-storage URI or path object, bytes, ``data:`` URI, base64 or InlineImage.
    :param field: the field's name, for sentences.
    :param conn_id: Airflow connection for an object-storage URI.
    :raises ImageLoadError: the image cannot be read, decoded or is over 10 MB.
    :raises KlingStorageError: the storage does not answer now; a retry may find it.
    """
    if isinstance(value, InlineImage):
        value = value.content
    if isinstance(value, str) and is_link(value):
        return LoadedImage(wire=value.strip())
    if isinstance(value, (bytes, bytearray, memoryview)):
        data = bytes(value)
    elif isinstance(value, str):
        data = _from_text(value.strip(), field, conn_id)
    elif isinstance(value, os.PathLike):
        data = _read_file(os.fsdecode(value), field)
    elif hasattr(value, "open") and hasattr(value, "path"):
        data = _read_stored(value, field, str(value))
    else:
        raise ImageLoadError(
            f"Give {field} as a URL or a path: it has the type {shown(type(value).__name__)[1:-1]}; {_ALLOWED}."
        )
    return _loaded(data, field)


def is_link(text: str) -> bool:
    """Whether a text is a URL that Kling reads itself."""
    return text.strip()[:8].lower().startswith(("http://", "https://"))


def _loaded(data: bytes, field: str) -> LoadedImage:
    if not data:
        raise ImageLoadError(f"Give {field} a picture: it is empty (0 bytes).")
    if len(data) > MAX_IMAGE_BYTES:
        raise _too_large(field)
    header, flaw = read_header(data)
    wire = base64.b64encode(data).decode("ascii")
    return LoadedImage(wire, hashlib.sha256(data).hexdigest(), header, flaw)


def _too_large(field: str) -> ImageLoadError:
    return ImageLoadError(
        f"Scale {field} down, or save it as JPEG: it is larger than {MAX_IMAGE_BYTES} bytes (10 MB), Kling's limit for "
        "an image."
    )


def _from_text(text: str, field: str, conn_id: str | None) -> bytes:
    # "/9j/4AAQ..." is a JPEG in base64 and also looks like an absolute path: an existing file decides.
    if len(text) <= _MAX_PATH and _exists(text):
        return _read_file(text, field)
    if is_inline(text):
        return _decoded(text, field)
    if text[:5].lower() == "data:":
        raise ImageLoadError(_NO_DATA_URI.format(field=field))
    if _SCHEME.match(text):
        return _read_uri(text, field, conn_id)
    if text.startswith("<"):
        raise ImageLoadError(f"Give {field} as a URL or a path: it is HTML or XML text, not an image; {_ALLOWED}.")
    if len(text) > _MAX_PATH:
        raise ImageLoadError(_NO_BASE64.format(field=field, length=len(text), why="blanks or other characters"))
    raise ImageLoadError(
        f"Check the path of {field}: there is no such file on this worker; {named(field, text)} is neither a URL nor "
        f"base64 of a picture; {_ALLOWED}."
    )


def _exists(text: str) -> bool:
    try:
        return Path(text).exists()
    except (OSError, ValueError):  # for example: the name is too long to be a path
        return False


def _read_uri(uri: str, field: str, conn_id: str | None) -> bytes:
    from airflow.sdk import ObjectStoragePath

    try:
        path = ObjectStoragePath(uri, conn_id=conn_id) if conn_id else ObjectStoragePath(uri)
    except Exception as error:  # noqa: BLE001 - a bad URI, and whatever a storage's own package says of it
        raise _unreadable(field, uri, error) from None
    return _read_stored(path, field, uri)


def _read_stored(path: Any, field: str, name: str) -> bytes:
    """Read from object storage, no more than one byte over the limit."""
    from airflow_provider_kling._airflow.compat import AirflowNotFoundException

    if str(getattr(path, "protocol", "")) in ("file", "local"):
        return _read_file(str(path.path), field)
    try:
        stream: IO[bytes]
        with path.open("rb") as stream:
            return stream.read(MAX_IMAGE_BYTES + 1)
    except FileNotFoundError:
        raise _missing(field, name) from None
    # bad URI, no provider package, no connection, no right
    except (ValueError, ImportError, AirflowNotFoundException, PermissionError, IsADirectoryError) as error:
        raise _unreadable(field, name, error) from None
    except Exception as error:  # noqa: BLE001 - each storage has errors of its own for "not now"
        raise _not_now(field, name, error) from None


def _read_file(name: str, field: str) -> bytes:
    """Read a local file; a pipe, a socket or a device would block, or never end, and is not read."""
    try:
        with open(name, "rb", opener=_without_blocking) as stream:
            if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                raise _not_a_file(field, name)
            return stream.read(MAX_IMAGE_BYTES + 1)
    except FileNotFoundError:
        raise _missing(field, name) from None
    except IsADirectoryError:
        raise _not_a_file(field, name) from None
    except (OSError, ValueError) as error:
        again = isinstance(error, ValueError) or error.errno in _PERMANENT
        raise (_unreadable if again else _not_now)(field, name, error) from None


def _without_blocking(name: str, flags: int) -> int:
    return os.open(name, flags | getattr(os, "O_NONBLOCK", 0))


def _missing(field: str, name: str) -> ImageLoadError:
    return ImageLoadError(f"Check the path and the connection of {field}: {named(field, name)}, there is no such file.")


def _not_a_file(field: str, name: str) -> ImageLoadError:
    return ImageLoadError(f"Give {field} the path of a JPEG or PNG file: {named(field, name)} is not a file.")


def _unreadable(field: str, name: str, error: Exception) -> ImageLoadError:
    return ImageLoadError(
        f"Check the address of {field}, and its connection: {named(field, name)} cannot be read ({reason(error)}); the "
        "Airflow provider package of this storage must be installed."
    )


def _not_now(field: str, name: str, error: Exception) -> KlingStorageError:
    return KlingStorageError(
        f"Retry when the storage of {field} answers: nothing was sent or paid.\n{named(field, name)} cannot be read "
        f"now ({reason(error)})."
    )


def _decoded(content: bytes | str, field: str) -> bytes:
    if isinstance(content, bytes):
        return content
    text = content.strip()
    if text[:5].lower() == "data:":
        head, comma, text = text.partition(",")
        text = unquote(text) if "%" in text else text
        if not comma or not head.lower().rstrip().endswith(";base64"):
            raise ImageLoadError(_NO_DATA_URI.format(field=field))
    if len(text) > MAX_IMAGE_BYTES * 2:  # base64 needs 4/3; this leaves room for line breaks
        raise _too_large(field)
    try:
        return base64.b64decode("".join(text.split()).translate(_URL_SAFE), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ImageLoadError(_NO_BASE64.format(field=field, length=len(text), why=error)) from None
