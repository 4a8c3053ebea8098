"""The results in a manifest and the input images of a task, for the tab of the task. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypedDict

from airflow_provider_kling.batch.records import results_of
from airflow_provider_kling.models import RESULT_SECONDS, Element, Link, Voice
from airflow_provider_kling.plugins.media import media_kind
from airflow_provider_kling.products.formatting import size_words
from airflow_provider_kling.utils._airflow.object_storage import place_of
from airflow_provider_kling.utils.untrusted import clean_text, web_link

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: The most results on one page; a batch has a gallery.
MAX_RESULTS = 50

#: Fields that name an input image, and its label on the page.
FRAMES = {"image": "First frame", "image_tail": "Last frame", "human_image": "Person", "cloth_image": "Garment"}


#: The longest path that Linux takes; a storage's keys are shorter.
MAX_PATH_CHARACTERS = 4096

_STORAGE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,30}://")


class ShownResult(TypedDict):
    """
    A result on the page.

    ``file`` is its number for the route that plays the stored copy, or ``None``; ``link`` is Kling's, or empty;
    ``id`` is for voices and elements, which later requests name by it.
    """

    kind: str
    title: str
    file: int | None
    link: str
    place: str
    id: str
    notes: list[str]


class Frame(TypedDict):
    """
    An input image of the task: ``link`` when a browser may load it; ``stored`` is its number for the route that shows a
    stored one, or ``None``; ``text`` is the field's value.
    """

    label: str
    link: str
    stored: int | None
    text: str


def stored_files(manifest: Any) -> list[dict[str, Any]]:
    """
    Return the stored files that a manifest lists.

    :param manifest: what a task returned; anything.
    """
    files = manifest.get("files") if isinstance(manifest, dict) else None
    return [file if isinstance(file, dict) else {} for file in files[:MAX_RESULTS]] if isinstance(files, list) else []


def stored_uri(manifest: Any, index: int) -> str | None:
    """
    Return the URI of one stored result; ``None`` for a number that is not in the manifest.

    :param manifest: what a task returned; anything.
    :param index: its number there, from 0.
    """
    files = stored_files(manifest)
    uri = files[index].get("uri") if 0 <= index < len(files) else None
    return uri if isinstance(uri, str) else None


def results_shown(manifest: Any, now: float) -> list[ShownResult]:
    """
    Return each result once: the stored copy with Kling's link behind it, or the link alone.

    :param manifest: what a task returned; anything.
    :param now: epoch seconds; decides whether Kling still has it.
    """
    if not isinstance(manifest, dict):
        return []
    files = stored_files(manifest)
    links = list(_links(manifest))[:MAX_RESULTS]
    gone = _is_expired(manifest, now)
    pairs = zip(files, links, strict=True) if len(files) == len(links) else [(file, None) for file in files]
    shown = [_shown_result(index, file, None if gone else link) for index, (file, link) in enumerate(pairs)]
    if not files:
        shown = [_shown_result(None, {}, link, gone=gone) for link in links]
    return shown + _id_results(manifest)


def frames_shown(fields: Mapping[str, Any]) -> list[Frame]:
    """
    Return the input images of a task.

    :param fields: the task's rendered fields.
    """
    return [
        {
            "label": label,
            "link": web_link(value),
            "stored": number if _is_stored(value) else None,
            "text": clean_text(value, 200),
        }
        for number, (label, value) in enumerate(_input_images(fields))
    ]


def input_image_uri(fields: Mapping[str, Any], number: int) -> str | None:
    """
    Return the path or storage URI of an input image; ``None`` when no field names one.

    :param fields: the task's rendered fields.
    :param number: of the picture, as :func:`frames_shown` says.
    """
    images = _input_images(fields)
    value = images[number][1] if 0 <= number < len(images) else ""
    return value if _is_stored(value) else None


def _is_stored(value: str) -> bool:
    """Whether a value is an absolute path or a storage URI, and no content that Airflow may have cut."""
    is_place = value.startswith("/") or bool(_STORAGE.match(value))
    return is_place and len(value) <= MAX_PATH_CHARACTERS and value.isprintable() and not web_link(value)


def _input_images(fields: Mapping[str, Any]) -> list[tuple[str, str]]:
    named = [(label, fields.get(name)) for name, label in FRAMES.items()]
    several = fields.get("image_list")
    for number, entry in enumerate(several[:10] if isinstance(several, list) else [], start=1):
        values = entry.values() if isinstance(entry, dict) else [entry]
        named += [(f"Image {number}", value) for value in values]
    return [(label, value) for label, value in named if isinstance(value, str) and value not in ("", "None")]


def _links(manifest: dict[str, Any]) -> Iterator[Link]:
    """Kling's links in the order in which their files are stored."""
    results = results_of(manifest)
    for is_watermarked in (False, True):
        for result in results:
            yield from (link for link in result.links if link.is_watermarked is is_watermarked)


def _is_expired(manifest: dict[str, Any], now: float) -> bool:
    ended = manifest.get("updated_at")
    return isinstance(ended, int) and 0 < ended < (now - RESULT_SECONDS) * 1000


def _shown_result(index: int | None, file: dict[str, Any], link: Link | None, *, gone: bool = False) -> ShownResult:
    uri = place_of(file["uri"]).shown if isinstance(file.get("uri"), str) and file["uri"] else ""
    media = media_kind(uri or f"a.{link.extension if link else ''}")
    notes = [*_properties(file)]
    if file.get("watermark") is True or (link and link.is_watermarked):
        notes.append("with watermark")
    if gone:
        notes.append("Kling has deleted it: it keeps results for 30 days")
    return {
        "kind": media.kind if media else "file",
        "title": uri.rpartition("/")[2] if uri else "At Kling",
        "file": index,
        "link": "" if gone or link is None else web_link(link.url),
        "place": uri,
        "id": "",
        "notes": notes,
    }


def _properties(file: dict[str, Any]) -> Iterator[str]:
    seconds, size = file.get("duration"), file.get("bytes")
    width, height = file.get("width"), file.get("height")
    if isinstance(seconds, (int, float)) and 0 < seconds < 1e6:
        yield f"{seconds:.1f} s"
    if isinstance(width, int) and isinstance(height, int):
        yield f"{width} × {height}"  # noqa: RUF001 - the sign between two lengths
    if isinstance(size, int) and 0 < size < 1 << 50:
        yield size_words(size)


def _id_results(manifest: dict[str, Any]) -> list[ShownResult]:
    """Return the results that later requests name by an id: voices and elements."""
    return [
        {
            "kind": result.group[:-1],
            "title": title,
            "file": None,
            "link": "",
            "place": "",
            "id": name,
            "notes": [f"id {name}"],
        }
        for result in results_of(manifest)[:MAX_RESULTS]
        for title, name in _title_and_id(result)
    ]


def _title_and_id(result: Any) -> list[tuple[str, str]]:
    if isinstance(result, Voice):
        return [(clean_text(result.voice_name or "Voice", 80), clean_text(result.voice_id, 80))]
    if isinstance(result, Element):
        return [(clean_text(result.element_name or "Element", 80), clean_text(result.element_id, 80))]
    return []
