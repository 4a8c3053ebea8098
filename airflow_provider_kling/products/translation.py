"""
A request in the words of the second generation: ``contents``, ``settings``, ``options``. Pure.

There Kling ignores every key that it does not know (measured by public clients, 2026-08 and 2026-09), so nothing after
this module notices a misplaced key. Words: model pages of https://kling.ai/document-api, read 2026-10.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from airflow_provider_kling.products.convert import RESOLUTIONS
from airflow_provider_kling.products.generations import (
    BODY_KEYS,
    OPTIONS,
    classic_product,
    features_of,
    has_shots,
    has_video,
    is_translated,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from airflow_provider_kling.products.product import Product

#: ``<<<image_1>>>`` of the classic generation is ``@image_1``: the id of an item.
_REFERENCE = re.compile(r"<<<((?:image|video|element|voice)_\d{1,4})>>>")

#: Fields that hold one file: the type of its item, and the id by which a prompt refers to it.
_FILES = (
    ("image", "first_frame", "image_1"),
    ("image_tail", "last_frame", "image_2"),
    ("image_url", "image", "image_1"),
    ("video_url", "video", "video_1"),
)
#: The type of an item, by what ``image_list`` and ``video_list`` of an omni video call it. Items of the types image and
#: video are accepted there and ignored (measured by a public client, 2026-09-28): none is made.
_FRAMES = {None: "refer_image", "end_frame": "last_frame"}
_VIDEOS = {"base": "base_video", "feature": "feature_video"}

_SOUND = {"on": "native", "off": "off"}


def translate(product: Product, body: Mapping[str, Any]) -> dict[str, Any]:
    """
    Return the body for the path of a model.

    :param product: its row.
    :param body: the canonical body, in classic words, without :func:`.generations.translation_problems`; keys that
        no product has are sent as they are, for what Kling added after this version.
    """
    row = classic_product(product)
    known = row.by_name
    strange = {key: value for key, value in body.items() if key not in known and key not in BODY_KEYS}
    options = {key: body[key] for key in OPTIONS if key in body}
    sent: dict[str, Any] = {
        **strange,
        "settings": {**dict(_settings(product, body)), **_object(body.get("settings"))},
        "options": {**options, **_object(body.get("options"))},
    }
    if row.media_fields:
        more = body.get("contents")
        sent["contents"] = [*_contents(body), *(more if isinstance(more, list) else ())]
    else:
        sent["prompt"] = _prompt(body)
    return {key: value for key, value in sent.items() if value not in ({}, [])}


def to_classic_words(product: Product, body: Mapping[str, Any]) -> Mapping[str, Any]:
    """
    Return a request in classic words, with what ``extra_body`` says in words of the second generation; only fields that
    decide the price are translated.

    :param product: its row in either generation.
    :param body: the canonical body.
    """
    if not is_translated(product, body):
        return body
    settings, more = _object(body.get("settings")), body.get("contents")
    said = {name: settings[name] for name in ("duration", "character_orientation") if name in settings}
    if resolution := settings.get("resolution") or body.get("resolution"):
        said["mode"] = _lookup(_MODES, resolution)
    audio = settings.get("audio", _audio(body))
    items = [item for item in more if isinstance(item, dict)] if isinstance(more, list) else []
    videos = [{"refer_type": kind} for kind, word in _VIDEOS.items() for item in items if item.get("type") == word]
    voices = [item for item in items if item.get("type") == "voice"]
    return {
        **body,
        **said,
        "sound": "off" if audio is None else _lookup(_SOUNDS, audio),
        "video_list": [*_entries(body, "video_list"), *videos],
        "voice_list": [*_entries(body, "voice_list"), *voices],
    }


_MODES = {resolution: mode for mode, resolution in RESOLUTIONS.items()}
#: The sound of a video that comes in has no price.
_SOUNDS = {"native": "on", "off": "off", "original": "off"}


def _lookup(words: Mapping[str, str], value: Any) -> Any:
    return words.get(value, value) if isinstance(value, str) else value


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _settings(product: Product, body: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    rows = features_of(product, body)
    if "resolution" in body or "mode" in body:
        yield "resolution", body.get("resolution") or RESOLUTIONS.get(body["mode"], body["mode"])
    if "aspect_ratio" in body:
        yield "aspect_ratio", body["aspect_ratio"]
    if "duration" in body:
        yield "duration", _to_int(body["duration"])
    if "character_orientation" in body:
        yield "character_orientation", body["character_orientation"]
    audio = _audio(body)
    if audio is not None and not any(features.get("audio") == "always on" for features in rows):
        yield "audio", audio
    if has_shots(product, body):
        # Kling's default is true and would cut a prompt into shots that nobody asked for. With a reference video it
        # has to be true.
        yield "multi_shot", body.get("multi_shot") is True or has_video(body, "feature")


def _audio(body: Mapping[str, Any]) -> Any:
    """Return which sound is asked for: a generated one, that of the video, or none; ``None`` without such a field."""
    kept = [_object(video).get("keep_original_sound") for video in _entries(body, "video_list")]
    kept.append(body.get("keep_original_sound"))
    if "yes" in kept:
        return "original"
    if "sound" in body:
        return _SOUND.get(body["sound"], body["sound"])
    return "off" if "no" in kept else None


def _to_int(seconds: Any) -> Any:
    return int(seconds) if isinstance(seconds, str) and seconds.isascii() and seconds.isdigit() else seconds


def _prompt(body: Mapping[str, Any]) -> str:
    shots = body.get("multi_prompt")
    if body.get("multi_shot") is True and body.get("shot_type") == "customize" and isinstance(shots, list):
        words = " ".join(map(_shot, map(_object, shots)))
    else:
        words = str(body.get("prompt", ""))
    return _REFERENCE.sub(r"@\1", words)


def _shot(shot: Mapping[str, Any]) -> str:
    return f"shot {shot.get('index')}, {shot.get('duration')}, {shot.get('prompt')};"


def _contents(body: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    prompt = _prompt(body)
    if prompt:
        yield {"type": "prompt", "text": prompt}
    for kind, url, name in _files(body):
        # A frame needs no name unless the prompt has one for it; what is a reference does.
        is_named = kind in _NAMED or re.search(rf"@{name}(?!\d)", prompt)
        yield {"type": kind, "url": url, **({"id": name} if is_named else {})}
    for kind in ("element", "voice"):
        for number, entry in enumerate(_entries(body, f"{kind}_list"), 1):
            yield {"type": kind, f"{kind}_id": _object(entry).get(f"{kind}_id", entry), "id": f"{kind}_{number}"}


#: Items of which Kling's pages say that they have an id.
_NAMED = ("refer_image", "base_video", "feature_video")


def _files(body: Mapping[str, Any]) -> Iterator[tuple[Any, Any, str]]:
    """Each file of a request: the type of its item, its link or content, and its id."""
    yield from ((kind, body[field], name) for field, kind, name in _FILES if field in body)
    for number, image in enumerate(map(_object, _entries(body, "image_list")), 1):
        kind = image.get("type")
        yield _FRAMES.get(kind, kind), image.get("image_url"), f"image_{number}"
    for number, video in enumerate(map(_object, _entries(body, "video_list")), 1):
        # Kling's classic default is base.
        kind = video.get("refer_type", "base")
        yield _VIDEOS.get(kind, kind), video.get("video_url"), f"video_{number}"


def _entries(body: Mapping[str, Any], field: str) -> list[Any]:
    entries = body.get(field)
    return entries if isinstance(entries, list) else []
