"""Which stored files a page may show: by extension and by the first bytes of the file. Pure."""

from __future__ import annotations

from typing import NamedTuple

from airflow_provider_kling.products.header_bytes import JPEG, PNG, is_wav
from airflow_provider_kling.results.media_info import CONTENT_TYPES

#: Bytes at the beginning of a file that identify its format.
HEAD_BYTES = 16


class MediaKind(NamedTuple):
    """
    A kind of file that a browser plays or shows.

    :param extension: without the dot.
    :param content_type: header of the response; never the value from a manifest.
    """

    extension: str
    content_type: str

    @property
    def kind(self) -> str:
        """``video``, ``image`` or ``audio``."""
        return self.content_type.partition("/")[0]

    def fits(self, head: bytes) -> bool:
        """
        Whether a file with these first bytes is of this kind.

        A manifest is an XCom, and a Dag can push any XCom: a file that only claims to be a video is not sent.

        :param head: its first :data:`HEAD_BYTES` bytes.
        """
        return {
            "video/mp4": head[4:8] == b"ftyp",
            "image/png": head.startswith(PNG),
            "image/jpeg": head.startswith(JPEG),
            "image/webp": head[:4] == b"RIFF" and head[8:12] == b"WEBP",
            "audio/wav": is_wav(head),
            "audio/mpeg": head.startswith(b"ID3") or (head[:1] == b"\xff" and head[1:2] >= b"\xe0"),
        }[self.content_type]


def media_kind(name: str) -> MediaKind | None:
    """
    Return the kind of a file, by its name.

    :param name: a URI or a path.
    :return: ``None`` for a file that no page shows.
    """
    extension = name.rpartition("/")[2].rpartition(".")[2].lower()
    content_type = CONTENT_TYPES.get(extension)
    return MediaKind(extension, content_type) if content_type else None
