"""Files in a request, as a link or as content; and image content that prints as a summary."""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import unquote

from airflow_provider_kling.products.image_header import ImageHeader, read_header

#: Kling's limit for one image of the classic API.
MAX_IMAGE_BYTES = 10 * 1024 * 1024

_URL_SAFE = str.maketrans("-_", "+/")
NO_BASE64 = "Encode the whole file of {field}, or give its path: it is not valid base64 ({length} characters: {why})."
NO_DATA_URI = "Write {field} as data:image/jpeg;base64,…: it is a data: URI without ';base64,', or with blanks."


class FileLoadError(Exception):
    """
    A file cannot be loaded or sent; the text is a full sentence for the Dag author.

    Internal: :func:`~airflow_provider_kling.preparation.prepare.prepare` collects these into one error.
    """


@dataclass(frozen=True)
class LoadedFile:
    """
    An image, video or sound in the form in which it is sent to Kling.

    :param payload: URL or raw base64; not shown in a traceback.
    :param digest: sha256, in hex, of the content as the author gave it; None for a URL.
    :param header: format and size of an image; None for a URL and for content that is not an image.
    :param problem: why the content is not an image, as the end of a sentence; empty when it is one.
    :param conversion: how the content was converted for Kling, as the end of a sentence; empty when it was not.
    :param stored_version: file and version that a signed link leads to; empty for other links.
    :param stored_uri: the URI of that file, with its connection.
    """

    payload: str = field(repr=False)
    digest: str | None = None
    header: ImageHeader | None = None
    problem: str = ""
    conversion: str = ""
    stored_version: str = ""
    stored_uri: str = ""

    @property
    def identity(self) -> str:
        """Identifies the content in a fingerprint; empty when the link itself identifies it."""
        return f"sha256:{self.digest}" if self.digest else self.stored_version


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
            data = decode_content(self.content, "image")
        except FileLoadError:
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


class TooDeep:
    """Replaces a value that is nested too deeply to be redacted; such a request is refused."""

    def __repr__(self) -> str:
        return "<nested too deeply>"

    def serialize(self) -> str:
        """Airflow stores this as the rendered value."""
        return repr(self)


def too_large_error(field: str, limit: int = MAX_IMAGE_BYTES) -> FileLoadError:
    """
    Return the error for an image that is larger than Kling takes.

    :param field: its name.
    :param limit: bytes that it may have.
    """
    return FileLoadError(
        f"Scale {field} down, or save it as JPEG: it is larger than {limit} bytes ({limit >> 20} MB), Kling's limit "
        "for an image."
    )


def decode_content(content: bytes | str, field: str, limit: int = MAX_IMAGE_BYTES) -> bytes:
    """
    Return the bytes of an image that was given as content.

    :param content: bytes, a ``data:`` URI or raw base64.
    :param field: its name, for the sentence.
    :param limit: the most bytes that are read.
    :raises FileLoadError: when it is none of these, or too large.
    """
    if isinstance(content, bytes):
        return content
    text = content.strip()
    if text[:5].lower() == "data:":
        head, comma, text = text.partition(",")
        text = unquote(text) if "%" in text else text
        if not comma or not head.lower().rstrip().endswith(";base64"):
            raise FileLoadError(NO_DATA_URI.format(field=field))
    if len(text) > limit * 2:  # base64 needs 4/3; this leaves room for line breaks
        raise too_large_error(field, limit)
    try:
        return base64.b64decode("".join(text.split()).translate(_URL_SAFE), validate=True)
    except (binascii.Error, ValueError) as error:
        raise FileLoadError(NO_BASE64.format(field=field, length=len(text), why=error)) from None
