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
import io
import json
import os
import re
import struct
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from airflow_provider_kling.validation.wording import looks_inline, named, shown

if TYPE_CHECKING:
    from collections.abc import Callable

#: Kling's limit for one image of the classic API.
MAX_IMAGE_BYTES = 10 * 1024 * 1024

#: Pillow's names of the formats that are recognised. Kling takes the first two; the others get their own sentence.
_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_MAX_PATH = 4096
#: Another try of the same path meets these again.
_PERMANENT = (PermissionError, IsADirectoryError, NotADirectoryError)
_ALLOWED = (
    "an https URL, a local path, a storage URI such as s3://bucket/key, bytes, a data: URI or base64 "
    "of a JPEG or PNG file"
)


class ImageLoadError(Exception):
    """
    An image cannot be turned into what Kling takes; its text is a full sentence for the DAG author.

    Internal: :func:`~airflow_provider_kling.preparation.prepare` collects these into one error.
    """


@dataclass(frozen=True)
class ImageHeader:
    """
    What the first bytes of an image say.

    :param format: ``jpeg``, ``png``, ``webp``, ...
    :param bytes: size of the file.
    :param complete: whether the file has its end marker; without it, it was probably cut.
    """

    format: str
    width: int
    height: int
    bytes: int
    complete: bool = True


@dataclass(frozen=True)
class LoadedImage:
    """
    An image in the form that goes to Kling.

    :param wire: URL or raw base64.
    :param digest: sha256 of the content in hex; None for a URL.
    :param header: what the content says about itself; None for a URL and for content that is not a picture.
    :param flaw: why the content is not a picture, as the end of a sentence; empty when it is one.
    """

    wire: str
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


def conceal(value: Any) -> Any:
    """
    Wrap image content in :class:`InlineImage`, wherever it stands; everything else is returned as it is.

    :param value: a field of a request: also the list of ``dynamic_masks``, and that list as a JSON string.
    """
    if isinstance(value, (bytes, bytearray, memoryview)):
        return InlineImage(bytes(value))
    if isinstance(value, dict):
        return {key: conceal(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(map(conceal, value)) if type(value) in (list, tuple) else value
    if isinstance(value, str):
        return InlineImage(value) if looks_inline(value) else _conceal_json(value)
    return value


def _conceal_json(text: str) -> Any:
    if not text.lstrip().startswith(("[", "{")) or "{{" in text or "{%" in text:
        return text
    try:
        parsed = json.loads(text)
        hidden = conceal(parsed)
    except (ValueError, RecursionError):
        return text
    return text if hidden == parsed else hidden


def load_image(value: Any, *, field: str, conn_id: str | None = None) -> LoadedImage:
    """
    Turn an image into Kling's form. URLs are passed on and never downloaded.

    :param value: URL, local path, object-storage URI or path object, bytes, ``data:`` URI, base64 or InlineImage.
    :param field: the field's name, for sentences.
    :param conn_id: Airflow connection for an object-storage URI.
    :raises ImageLoadError: the image cannot be read, decoded or is over 10 MB.
    """
    if isinstance(value, InlineImage):
        value = value.content
    if isinstance(value, str) and value.strip()[:8].lower().startswith(("http://", "https://")):
        return LoadedImage(wire=value.strip())
    if isinstance(value, (bytes, bytearray, memoryview)):
        data = bytes(value)
    elif isinstance(value, str):
        data = _from_text(value.strip(), field, conn_id)
    elif isinstance(value, os.PathLike) or hasattr(value, "open"):
        data = _read(lambda: Path(value) if isinstance(value, os.PathLike) else value, field, shown(str(value)))
    else:
        raise ImageLoadError(f"{field} has the type {type(value).__name__}; give {_ALLOWED}.")
    return _loaded(data, field)


def _loaded(data: bytes, field: str) -> LoadedImage:
    if not data:
        raise ImageLoadError(f"{field} is empty (0 bytes); give {_ALLOWED}.")
    if len(data) > MAX_IMAGE_BYTES:
        raise _too_large(field)
    header, flaw = read_header(data)
    wire = base64.b64encode(data).decode("ascii")
    return LoadedImage(wire, hashlib.sha256(data).hexdigest(), header, flaw)


def _too_large(field: str) -> ImageLoadError:
    return ImageLoadError(
        f"{field} is larger than {MAX_IMAGE_BYTES} bytes (10 MB), Kling's limit for an image; scale it down, or save "
        "it as JPEG."
    )


def _from_text(text: str, field: str, conn_id: str | None) -> bytes:
    if text[:5].lower() == "data:":
        return _decoded(text, field)
    if _SCHEME.match(text):
        return _read(lambda: _storage_path(text, conn_id), field, shown(text))
    # "/9j/4AAQ..." is a JPEG in base64 and also looks like an absolute path: an existing file decides.
    if len(text) <= _MAX_PATH and _exists(text):
        return _read(lambda: Path(text), field, shown(text))
    if looks_inline(text) or len(text) > _MAX_PATH:
        return _decoded(text, field)
    if text.startswith("<"):
        raise ImageLoadError(f"{field} is HTML or XML text, not an image; give {_ALLOWED}.")
    raise ImageLoadError(
        f"{named(field, text)}: there is no such file on this worker, and it is neither a URL nor base64 of a "
        f"picture; give {_ALLOWED}."
    )


def _exists(text: str) -> bool:
    try:
        return Path(text).exists()
    except (OSError, ValueError):  # for example: the name is too long to be a path
        return False


def _storage_path(uri: str, conn_id: str | None) -> Any:
    from airflow.sdk import ObjectStoragePath

    return ObjectStoragePath(uri, conn_id=conn_id) if conn_id else ObjectStoragePath(uri)


def _read(locate: Callable[[], Any], field: str, name: str) -> bytes:
    """Read no more than one byte over the limit. A storage outage is not swallowed: Airflow retries the task."""
    from airflow_provider_kling._airflow.compat import AirflowNotFoundException

    try:
        path = locate()
        if isinstance(path, Path) and path.exists() and not path.is_file():
            raise ImageLoadError(f"{field}={name} is not a file; give the path of a JPEG or PNG file.")
        stream: IO[bytes]
        with path.open("rb") as stream:
            return stream.read(MAX_IMAGE_BYTES + 1)
    except FileNotFoundError as error:
        raise ImageLoadError(f"{field}={name}: there is no such file; check the path and the connection.") from error
    except (ValueError, ImportError, AirflowNotFoundException) as error:  # bad URI, no provider package, no connection
        raise _unreadable(field, name, error) from error
    except OSError as error:
        if isinstance(error, _PERMANENT) or error.errno == errno.ENAMETOOLONG:
            raise _unreadable(field, name, error) from error
        raise


def _unreadable(field: str, name: str, error: Exception) -> ImageLoadError:
    return ImageLoadError(
        f"{field}={name} cannot be read ({type(error).__name__}: {shown(str(error), 200)}); check the address, the "
        "connection, and that the Airflow provider package of this storage is installed."
    )


def _decoded(content: bytes | str, field: str) -> bytes:
    if isinstance(content, bytes):
        return content
    text = content.strip()
    if text[:5].lower() == "data:":
        head, comma, text = text.partition(",")
        if not comma or not head.lower().endswith(";base64"):
            raise ImageLoadError(f"{field} is a data: URI without ';base64,'; give data:image/jpeg;base64,… instead.")
    if len(text) > MAX_IMAGE_BYTES * 2:  # base64 needs 4/3; this leaves room for line breaks
        raise _too_large(field)
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ImageLoadError(
            f"{field} is not valid base64 ({len(text)} characters: {error}); encode the whole file with "
            "base64.b64encode, or give its path."
        ) from error


def read_header(data: bytes) -> tuple[ImageHeader | None, str]:
    """
    Read format and size from the first bytes; pixels are never decoded.

    :return: the header, or None and the reason.
    """
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as picture:
            # MPO is what Pillow calls the JPEG of a phone with two cameras.
            kind = "jpeg" if picture.format == "MPO" else str(picture.format).lower()
            return ImageHeader(kind, *picture.size, len(data), _complete(kind, data)), ""
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        return None, "has so many pixels that it looks like a decompression bomb; scale it down"
    except (OSError, SyntaxError, ValueError, TypeError, EOFError, OverflowError, struct.error):
        return None, _why_not_a_picture(data)


def _complete(kind: str, data: bytes) -> bool:
    tail = data[-1024:]
    return {"jpeg": b"\xff\xd9" in tail, "png": b"IEND" in tail}.get(kind, True)


def _why_not_a_picture(data: bytes) -> str:
    if data[:512].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return "is an HTML or XML page, not an image; download the image itself"
    if data[4:8] == b"ftyp":
        return "is an HEIC, AVIF or video file; convert it to JPEG or PNG"
    if data.startswith((b"\xff\xd8", b"\x89PNG")):
        return "is a damaged or cut image: its header cannot be read; save it again as JPEG or PNG"
    return "is not a picture; give a JPEG or PNG file"
