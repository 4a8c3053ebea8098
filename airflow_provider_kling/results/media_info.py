"""Checks that a fetched file is complete, and reads its duration or size; one reader for each kind of file."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from airflow_provider_kling.results.mp4 import seconds_of_video
from airflow_provider_kling.results.picture import size_of_picture
from airflow_provider_kling.results.sound import seconds_of_sound

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

#: What servers call a file, by its extension.
CONTENT_TYPES = {
    "mp4": "video/mp4",
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "webp": "image/webp",
    "mp3": "audio/mpeg",
    "wav": "audio/wav",
}


class MediaInfo(NamedTuple):
    """
    Duration or size of a file, as its header says.

    :param duration: seconds; 0 for what does not play.
    :param width: pixels; 0 for what is no picture.
    :param height: pixels.
    """

    duration: float = 0.0
    width: int = 0
    height: int = 0


def read_media_info(path: Path, extension: str) -> MediaInfo:
    """
    Check that a file is complete, and read its duration or size.

    :param path: the file.
    :param extension: of a :class:`~airflow_provider_kling.models.Link`.
    :raises KlingResultError: when it is cut, or of another kind.
    """
    return _READERS[CONTENT_TYPES[extension].partition("/")[0]](path)


_READERS: dict[str, Callable[[Path], MediaInfo]] = {
    "video": lambda path: MediaInfo(seconds_of_video(path)),
    "image": lambda path: MediaInfo(0.0, *size_of_picture(path)),
    "audio": lambda path: MediaInfo(seconds_of_sound(path)),
}
