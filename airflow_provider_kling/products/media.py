"""What a request may hold of images: a link, or content, and how content shows itself."""

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


class ImageLoadError(Exception):
    """
    An image cannot be turned into what Kling takes; its text is a full sentence for the Dag author.

    Internal: :func:`~airflow_provider_kling.preparation.prepare.prepare` collects these into one error.
    """


@dataclass(frozen=True)
class LoadedImage:
    """
    An image in the form that goes to Kling.

    :param wire: URL or raw base64; not shown in a traceback.
    :param digest: sha256 of the content in hex; None for a URL.
    :param header: what the content says about itself; None for a URL and for content that is not a picture.
    :param flaw: why the content is not a picture, as the end of a sentence; empty when it is one.
    :param mended: what was done so that Kling takes it, as the end of a sentence; ``digest`` is of what was given.
    :param known_as: file and version that a signed link leads to; empty for other links.
    :param stored_at: the URI of that file, with its connection.
    """

    wire: str = field(repr=False)
    digest: str | None = None
    header: ImageHeader | None = None
    flaw: str = ""
    mended: str = ""
    known_as: str = ""
    stored_at: str = ""

    @property
    def identity(self) -> str:
        """What tells it from another one, for a fingerprint; empty when its link does."""
        return f"sha256:{self.digest}" if self.digest else self.known_as


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
            data = decoded(self.content, "image")
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


class TooDeep:
    """Stands for what is nested too deeply to be looked through; such a request is refused."""

    def __repr__(self) -> str:
        return "<nested too deeply>"

    def serialize(self) -> str:
        """Airflow stores this as the rendered value."""
        return repr(self)


def too_large(field: str, limit: int = MAX_IMAGE_BYTES) -> ImageLoadError:
    """
    Say that an image is larger than Kling takes.

    :param field: its name.
    :param limit: bytes that it may have.
    """
    return ImageLoadError(
        f"Scale {field} down, or save it as JPEG: it is larger than {limit} bytes ({limit >> 20} MB), Kling's limit "
        "for an image."
    )


def decoded(content: bytes | str, field: str, limit: int = MAX_IMAGE_BYTES) -> bytes:
    """
    Return the bytes of an image that was given as content.

    :param content: bytes, a ``data:`` URI or raw base64.
    :param field: its name, for the sentence.
    :param limit: the most bytes that are read.
    :raises ImageLoadError: when it is none of these, or too large.
    """
    if isinstance(content, bytes):
        return content
    text = content.strip()
    if text[:5].lower() == "data:":
        head, comma, text = text.partition(",")
        text = unquote(text) if "%" in text else text
        if not comma or not head.lower().rstrip().endswith(";base64"):
            raise ImageLoadError(NO_DATA_URI.format(field=field))
    if len(text) > limit * 2:  # base64 needs 4/3; this leaves room for line breaks
        raise too_large(field, limit)
    try:
        return base64.b64decode("".join(text.split()).translate(_URL_SAFE), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ImageLoadError(NO_BASE64.format(field=field, length=len(text), why=error)) from None
