"""
What a task made, as both generations of the API list it: videos, images, sounds, voices, elements.

The shapes are those of the pages of https://kling.ai/document-api (read 2026-11). An entry without a link that can be
opened, or without an id where it has no link, is left out.
"""

from __future__ import annotations

import itertools
import logging
from typing import TYPE_CHECKING, Any

from airflow_provider_kling.api import values
from airflow_provider_kling.models import Audio, Element, Face, Image, Result, Segment, Video, Voice
from airflow_provider_kling.utils.untrusted import web_link

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

log = logging.getLogger(__name__)

#: Results of one task that are read. Kling's products make up to nine; a manifest goes through XCom.
MAX_RESULTS = 1000

#: The views that an AI multi-shot has of one image.
_VIEWS = (1, 2, 3)

#: The seconds of a sound: of its one file, or of one of two, in the words of both generations.
_LENGTHS_OF_SOUNDS = ("duration", "duration_mp3", "mp3_duration", "duration_wav", "wav_duration")

#: What an element was made from: the second generation's words, and the classic ones.
_REFERENCE_TYPES = {"multi_image_elements": "image_refer", "video_character_elements": "video_refer"}


def read_results(record: dict[str, Any]) -> tuple[Result, ...]:
    """
    Read the results in a task's record.

    :param record: with ``task_result`` (classic), ``outputs`` (second generation), or a relay's lists of its own.
    :return: at most :data:`MAX_RESULTS`; what is left out is said in the log.
    """
    found = list(itertools.islice(_each_result(record), MAX_RESULTS + 1))
    if len(found) > MAX_RESULTS:
        log.warning("A task lists more than %d results; the others are left out", MAX_RESULTS)
    return tuple(_number_images(found[:MAX_RESULTS]))


def _each_result(record: dict[str, Any]) -> Iterator[Result]:
    # Only these lists of the record itself: relays also repeat the request there, with its images.
    own = {name: record.get(name) for name in ("videos", "face_data")}
    listed = {**own, **values.json_object(record.get("task_result"))}
    is_classic = False
    for name, read in _LISTS.items():
        for item in values.json_objects(listed.get(name)):
            for result in read(item):
                is_classic = True
                yield result
    if not is_classic:
        for item in values.json_objects(record.get("outputs")):
            yield from _OUTPUTS.get(values.text(item.get("type")), _nothing)(item)


def _number_images(found: list[Result]) -> Iterator[Result]:
    """Give each image without an index its position in the list."""
    position = 0
    for result in found:
        if isinstance(result, Image) and result.index < 0:
            yield Image(position, result.url, result.watermark_url, result.view)
        else:
            yield result
        position += isinstance(result, Image)


def _videos(item: dict[str, Any]) -> Iterator[Video]:
    if url := web_link(item.get("url")):
        yield Video(
            id=values.identifier(item.get("id")),
            url=url,
            duration=values.amount(item.get("duration")),
            watermark_url=web_link(item.get("watermark_url")),
        )


def _images(item: dict[str, Any]) -> Iterator[Image | Segment]:
    kind = values.text(item.get("type"), 40)
    if kind.endswith("_seg"):
        yield Segment(kind, web_link(item.get("url")) if item.get("is_contain") is not False else "")
        return
    position = values.number(item.get("index"))
    index = -1 if position is None else int(position)
    if url := web_link(item.get("url")):
        yield Image(index, url, web_link(item.get("watermark_url")))
    for view in _VIEWS:
        if url := web_link(item.get(f"url_{view}")):
            yield Image(index, url, view=view)


def _audios(item: dict[str, Any]) -> Iterator[Audio]:
    url = web_link(values.first(item, "url", "url_mp3", "mp3_url"))
    wav = web_link(values.first(item, "url_wav", "wav_url"))
    if url or wav:
        duration = values.amount(values.first(item, *_LENGTHS_OF_SOUNDS))
        yield Audio(values.identifier(item.get("id")), url, duration, wav)


def _voices(item: dict[str, Any]) -> Iterator[Voice]:
    if voice_id := values.identifier(values.first(item, "voice_id", "id")):
        yield Voice(
            voice_id,
            voice_name=values.text(values.first(item, "voice_name", "name")),
            trial_url=web_link(values.first(item, "trial_url", "url")),
            owned_by=values.text(item.get("owned_by"), 128),
        )


def _elements(item: dict[str, Any]) -> Iterator[Element]:
    if element_id := values.identifier(values.first(item, "element_id", "id")):
        yield Element(
            element_id,
            element_name=values.text(values.first(item, "element_name", "name")),
            element_description=values.text(values.first(item, "element_description", "description")),
            reference_type=values.text(item.get("reference_type"), 128)
            or _REFERENCE_TYPES.get(values.text(item.get("element_type")), ""),
            owned_by=values.text(item.get("owned_by"), 128),
        )


def _faces(item: dict[str, Any]) -> Iterator[Face]:
    # The first one's id is "0", which as the id of anything else means that there is none.
    if face_id := values.text(item.get("face_id"), 128):
        times = (int(values.number(item.get(name)) or 0) for name in ("start_time", "end_time"))
        yield Face(face_id, web_link(item.get("face_image")), *times)


def _nothing(_item: dict[str, Any]) -> Iterator[Result]:
    yield from ()


#: Where the classic generation lists what.
_LISTS: dict[str, Callable[[dict[str, Any]], Iterator[Result]]] = {
    "videos": _videos,
    "images": _images,
    "series_images": _images,
    "audios": _audios,
    "voices": _voices,
    "elements": _elements,
    "face_data": _faces,
}

#: What the second generation calls them.
_OUTPUTS: dict[str, Callable[[dict[str, Any]], Iterator[Result]]] = {
    "video": _videos,
    "image": _images,
    "audio": _audios,
    "voice": _voices,
    "element": _elements,
    # Those of packaged scenarios.
    "product_video": _videos,
    "subbed_video": _videos,
    "product_image": _images,
    "model_images": _images,
}
