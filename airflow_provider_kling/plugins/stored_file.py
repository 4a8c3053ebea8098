"""
Reads a stored result for a browser, in chunks, from any storage that Airflow knows.

A Dag wrote the manifest and may be wrong or malicious. So only Airflow's storages are read (never a web server), only
regular files, and only files that begin like a video, picture or sound are sent.
"""

from __future__ import annotations

import dataclasses
import hashlib
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from airflow_provider_kling.plugins import storage_threads
from airflow_provider_kling.plugins.media import HEAD_BYTES, media_kind
from airflow_provider_kling.utils._airflow.object_storage import is_airflow_storage, place_of, version_of
from airflow_provider_kling.utils.untrusted import clean_text, reason

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from airflow_provider_kling.plugins.byte_range import ByteRange
    from airflow_provider_kling.plugins.media import MediaKind
    from airflow_provider_kling.utils._airflow.object_storage import Place

T = TypeVar("T")


class NotShownError(Exception):
    """
    A file cannot be shown; the text is a sentence for people.

    :param sentence: what to do first, then why.
    :param is_missing: whether there is no such file.
    """

    def __init__(self, sentence: str, *, is_missing: bool = False) -> None:
        super().__init__(sentence)
        self.is_missing = is_missing


@dataclasses.dataclass(frozen=True)
class StoredFile:
    """
    A file that may be shown.

    :param place: where it is.
    :param media: what it is.
    :param size: bytes.
    :param version: identifies this version of the content, if the storage says so.
    """

    #: Bytes that are read at a time; each viewer holds one such chunk.
    chunk_bytes: ClassVar[int] = 1 << 20
    #: Seconds that one read may take.
    read_seconds: ClassVar[float] = 30.0

    place: Place
    media: MediaKind
    size: int
    version: str = ""

    @property
    def etag(self) -> str:
        """Its ``ETag``, so that a browser does not combine parts of two versions."""
        return f'"{hashlib.sha256(self.version.encode(errors="replace")).hexdigest()[:32]}"'

    async def iter_chunks(self, part: ByteRange) -> AsyncIterator[bytes]:
        """
        Yield a part of it.

        :param part: which bytes.
        """
        start = part.start
        while start <= part.end:
            end = min(start + self.chunk_bytes, part.end + 1)
            chunk = await in_thread(self.place, self.read, start, end)
            if not chunk:  # the file was truncated meanwhile
                return
            yield chunk
            start += len(chunk)

    def read(self, start: int, end: int) -> bytes:
        """
        Return some of it. It blocks.

        :param start: first byte.
        :param end: the one behind the last.
        :raises NotShownError: when the storage does not give it.
        """
        try:
            return bytes(self.place.filesystem.cat_file(self.place.path, start=start, end=end))
        except Exception as error:  # noqa: BLE001 - each filesystem has errors of its own; they may hold credentials
            self.place.forget()
            raise NotShownError(f"Try again: {self.place.shown} stopped in the middle ({reason(error)}).") from None


async def open_stored(uri: Any) -> StoredFile:
    """
    Return a file that a manifest names.

    :param uri: as the manifest has it.
    :raises NotShownError: when it cannot be shown.
    """
    media = media_kind(uri) if isinstance(uri, str) else None
    if media is None:
        raise NotShownError("Open it where it is stored: a file of this kind is not shown here.")
    place = place_of(uri)
    return await in_thread(place, _open, place, media)


def _open(place: Place, media: MediaKind) -> StoredFile:
    try:
        # In this thread, because the first call imports the packages of storages, which takes seconds.
        if not is_airflow_storage(place):
            raise NotShownError(
                f"Open it where it is stored: {clean_text(place.protocol, 20)} is no storage of Airflow's."
            )
        info = place.info()
        if info.get("type") != "file":
            raise NotShownError(f"Look at the storage: {place.shown} is no file.", is_missing=True)
        head = bytes(place.filesystem.cat_file(place.path, start=0, end=HEAD_BYTES))
    except NotShownError:
        raise
    except FileNotFoundError:
        raise NotShownError(
            f"Look whether it was moved: {place.shown} is not there, or not on the API server's machine.",
            is_missing=True,
        ) from None
    except Exception as error:  # noqa: BLE001 - each filesystem has errors of its own; they may hold credentials
        place.forget()
        raise NotShownError(
            "Give the API server the storage's connection and provider package: "
            f"{place.shown} cannot be read ({reason(error)})."
        ) from None
    if not media.fits(head):
        raise NotShownError(f"Look at the file: {place.shown} does not begin like a file of type {media.content_type}.")
    return StoredFile(place, media, int(info.get("size") or 0), version_of(info))


async def in_thread(place: Place, work: Callable[..., T], *arguments: Any) -> T:
    """
    Call a function in a thread of a storage, with a timeout.

    :param place: which storage.
    :param work: the function, which may block.
    :param arguments: its arguments.
    :raises NotShownError: when it takes too long.
    """
    try:
        return await storage_threads.in_thread(place, StoredFile.read_seconds, work, *arguments)
    except TimeoutError:
        raise NotShownError(f"Try again: the storage did not answer within {StoredFile.read_seconds:.0f} s.") from None
