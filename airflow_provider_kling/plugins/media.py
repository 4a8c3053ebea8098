"""Which stored files a page may show: by extension, and by how the file itself begins. Pure."""

from __future__ import annotations

from typing import NamedTuple

from airflow_provider_kling.results.media_info import CONTENT_TYPES

#: Bytes at the beginning of a file that say what it is.
HEAD_BYTES = 16


class MediaKind(NamedTuple):
    """
    A kind of file that a browser plays or shows.

    :param extension: without the dot.
    :param content_type: what the answer says; never what somebody wrote into a manifest.
    """

    extension: str
    content_type: str

    @property
    def kind(self) -> str:
        """``video``, ``image`` or ``audio``."""
        return self.content_type.partition("/")[0]

    def fits(self, head: bytes) -> bool:
        """
        Whether a file that begins like this is of this kind.

        A manifest is an XCom, and a Dag can push any XCom: a file that only claims to be a video is not sent.

        :param head: its first :data:`HEAD_BYTES` bytes.
        """
        return {
            "video/mp4": head[4:8] == b"ftyp",
            "image/png": head.startswith(b"\x89PNG\r\n\x1a\n"),
            "image/jpeg": head.startswith(b"\xff\xd8\xff"),
            "image/webp": head[:4] == b"RIFF" and head[8:12] == b"WEBP",
            "audio/wav": head[:4] == b"RIFF" and head[8:12] == b"WAVE",
            "audio/mpeg": head.startswith(b"ID3") or (head[:1] == b"\xff" and head[1:2] >= b"\xe0"),
        }[self.content_type]


def media_kind(name: str) -> MediaKind | None:
    """
    Return the kind of a file, by its name.

    :param name: a URI or a path.
    :return: ``None`` for what no page shows.
    """
    extension = name.rpartition("/")[2].rpartition(".")[2].lower()
    content_type = CONTENT_TYPES.get(extension)
    return MediaKind(extension, content_type) if content_type else None
