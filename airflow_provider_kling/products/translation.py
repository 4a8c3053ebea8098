"""
A request in the words of the second generation: ``contents``, ``settings``, ``options``. Pure.

Kling ignores every key that it does not know there (measured by public clients, 2026-08 and 2026-09), so this is the
only place where a misplaced word is noticed. Words: model pages of https://kling.ai/document-api, read 2026-10.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from airflow_provider_kling.products.capability_map import table
from airflow_provider_kling.products.convert import RESOLUTIONS
from airflow_provider_kling.products.generations import PLACES, classic_row

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from airflow_provider_kling.products.product import Product

#: ``<<<image_1>>>`` of the classic generation is ``@image_1``: the id of an item.
_REFERENCE = re.compile(r"<<<((?:image|element|voice)_\d{1,4})>>>")

#: What goes to Kling for whom it calls back and by which name, not for what it makes.
_OPTIONS = ("callback_url", "external_task_id", "watermark_info")
_SOUND = {"on": "native", "off": "off"}


def translated(product: Product, body: Mapping[str, Any]) -> dict[str, Any]:
    """
    Return the body for the path of a model.

    :param product: its row.
    :param body: the canonical body, in classic words, which :func:`.generations.unsayable` found nothing in; keys that
        no product has are sent as they are, for what Kling added after this version.
    """
    known = classic_row(product).by_name
    strange = {key: value for key, value in body.items() if key not in known and key not in PLACES}
    options = {key: body[key] for key in _OPTIONS if key in body}
    sent: dict[str, Any] = {
        **strange,
        "settings": {**dict(_settings(product, body)), **_object(body.get("settings"))},
        "options": {**options, **_object(body.get("options"))},
    }
    if "image" in known:
        more = body.get("contents")
        sent["contents"] = [*_contents(body), *(more if isinstance(more, list) else ())]
    else:
        sent["prompt"] = _prompt(body)
    return {key: value for key, value in sent.items() if value not in ({}, [])}


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _settings(product: Product, body: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    rows = _rows(product, body)
    if "resolution" in body or "mode" in body:
        yield "resolution", body.get("resolution") or RESOLUTIONS.get(body["mode"], body["mode"])
    if "aspect_ratio" in body:
        yield "aspect_ratio", body["aspect_ratio"]
    if "duration" in body:
        yield "duration", _whole(body["duration"])
    if "sound" in body and not any(features.get("audio") == "always on" for features in rows):
        yield "audio", _SOUND.get(body["sound"], body["sound"])
    if not rows or any("multi_shot" in features for features in rows):
        # Kling's default is true: a prompt would be cut into shots that nobody asked for.
        yield "multi_shot", body.get("multi_shot") is True


def _rows(product: Product, body: Mapping[str, Any]) -> list[Mapping[str, bool | str]]:
    """What the model does for the product, by mode; nothing when the table does not know it."""
    asked = (body.get("model_name"), classic_row(product).endpoint)
    return [row.features for row in table().rows if (row.model, row.product) == asked]


def _whole(seconds: Any) -> Any:
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
    for number, (field, kind) in enumerate((("image", "first_frame"), ("image_tail", "last_frame")), 1):
        if field in body:
            name = f"image_{number}"
            named = {"id": name} if re.search(rf"@{name}(?!\d)", prompt) else {}
            yield {"type": kind, "url": body[field], **named}
    for kind in ("element", "voice"):
        entries = body.get(f"{kind}_list")
        for number, entry in enumerate(entries if isinstance(entries, list) else (), 1):
            yield {"type": kind, f"{kind}_id": _object(entry).get(f"{kind}_id", entry), "id": f"{kind}_{number}"}
