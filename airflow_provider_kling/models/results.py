"""Frozen data classes for the kinds of results that Kling makes, the same for both API generations."""

from __future__ import annotations

import dataclasses
from typing import ClassVar, NamedTuple


class Link(NamedTuple):
    """
    Where a file of a result is fetched.

    :param url: signed link; dies 30 days after the task ended.
    :param extension: of the file, without the dot.
    :param is_watermarked: whether it is the twin with the watermark.
    """

    url: str
    extension: str
    is_watermarked: bool = False


class Result:
    """
    What a task made; each kind is a frozen dataclass.

    Links are signed, so they are not shown where a result is printed.
    """

    #: Kling's word for results of this kind, in ``task_result`` and in the manifest.
    group: ClassVar[str]

    @property
    def links(self) -> tuple[Link, ...]:
        """The files that it has, the main one first."""
        return ()


@dataclasses.dataclass(frozen=True)
class Video(Result):
    """
    One finished video.

    :param id: Kling's id of the video, not of the task; empty when it has none.
    :param url: signed link; dies 30 days after the task ended.
    :param duration: seconds as Kling measures them, a decimal string such as ``"5.041"``, or empty.
    :param watermark_url: the watermarked twin, when one was asked for.
    """

    group = "videos"

    id: str
    url: str = dataclasses.field(repr=False)
    duration: str = ""
    watermark_url: str = dataclasses.field(default="", repr=False)

    @property
    def links(self) -> tuple[Link, ...]:
        """The video, and its twin."""
        return _present(Link(self.url, "mp4"), Link(self.watermark_url, "mp4", is_watermarked=True))


@dataclasses.dataclass(frozen=True)
class Image(Result):
    """
    One finished image.

    :param index: its number among those of the task, from 0.
    :param url: signed link; dies 30 days after the task ended.
    :param watermark_url: the watermarked twin, when one was asked for.
    :param view: 1 to 3 for the views of an AI multi-shot, else 0.
    """

    group = "images"

    index: int
    url: str = dataclasses.field(repr=False)
    watermark_url: str = dataclasses.field(default="", repr=False)
    view: int = 0

    @property
    def links(self) -> tuple[Link, ...]:
        """The image, and its twin."""
        return _present(
            Link(self.url, _image_extension(self.url)),
            Link(self.watermark_url, _image_extension(self.watermark_url), is_watermarked=True),
        )


@dataclasses.dataclass(frozen=True)
class Audio(Result):
    """
    One finished sound.

    :param id: Kling's id of the sound, not of the task; empty when it has none.
    :param url: signed link, to an MP3 file; dies 30 days after the task ended.
    :param duration: seconds as Kling measures them, a decimal string, or empty.
    :param url_wav: the same as a WAV file, for products that make both.
    """

    group = "audios"

    id: str
    url: str = dataclasses.field(repr=False)
    duration: str = ""
    url_wav: str = dataclasses.field(default="", repr=False)

    @property
    def links(self) -> tuple[Link, ...]:
        """The MP3 file, and the WAV file."""
        return _present(Link(self.url, "mp3"), Link(self.url_wav, "wav"))


@dataclasses.dataclass(frozen=True)
class Voice(Result):
    """
    A custom voice, to be named in ``voice_list``.

    :param voice_id: Kling's id of the voice.
    :param voice_name: what its owner called it.
    :param trial_url: signed link to a sample, an MP3 file.
    :param owned_by: ``kling`` for a preset, else an account's number.
    """

    group = "voices"

    voice_id: str
    voice_name: str = ""
    trial_url: str = dataclasses.field(default="", repr=False)
    owned_by: str = ""

    @property
    def links(self) -> tuple[Link, ...]:
        """The sample."""
        return _present(Link(self.trial_url, "mp3"))


@dataclasses.dataclass(frozen=True)
class Element(Result):
    """
    An element, to be named in ``element_list``. It has no file of its own.

    :param element_id: Kling's id of the element.
    :param element_name: what its owner called it.
    :param element_description: likewise.
    :param reference_type: what it was made from, such as ``image_refer``.
    :param owned_by: ``kling`` for a preset, else an account's number.
    """

    group = "elements"

    element_id: str
    element_name: str = ""
    element_description: str = ""
    reference_type: str = ""
    owned_by: str = ""


@dataclasses.dataclass(frozen=True)
class Face(Result):
    """
    A face in a video, to be named in ``face_choose``.

    :param face_id: Kling's id of the face, in the session that found it.
    :param image_url: signed link to a picture of it.
    :param start_time: milliseconds from which it can be seen.
    :param end_time: milliseconds until which it can be seen.
    """

    group = "faces"

    face_id: str
    image_url: str = dataclasses.field(default="", repr=False)
    start_time: int = 0
    end_time: int = 0

    @property
    def links(self) -> tuple[Link, ...]:
        """Its picture."""
        return _present(Link(self.image_url, _image_extension(self.image_url)))


@dataclasses.dataclass(frozen=True)
class Segment(Result):
    """
    A part that was recognised in an image.

    :param type: ``object_seg``, ``head_seg``, ``face_seg`` or ``cloth_seg``.
    :param url: signed link to the part as an image; empty when the image has no such part.
    """

    group = "segments"

    type: str
    url: str = dataclasses.field(default="", repr=False)

    @property
    def links(self) -> tuple[Link, ...]:
        """The part, if there is one."""
        return _present(Link(self.url, _image_extension(self.url)))


def _image_extension(url: str) -> str:
    """The extension of an image's file; Kling makes PNG files unless the link says otherwise."""
    extension = url.partition("?")[0].partition("#")[0].rpartition(".")[2].lower()
    return extension if extension in ("jpg", "jpeg", "webp") else "png"


def _present(*links: Link) -> tuple[Link, ...]:
    return tuple(link for link in links if link.url)


#: The kinds of results, by their group.
KINDS: dict[str, type[Result]] = {kind.group: kind for kind in (Video, Image, Audio, Voice, Element, Face, Segment)}
