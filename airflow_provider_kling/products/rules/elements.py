"""
Elements and voices in a request.

Rules: Image to Video page of https://kling.ai/document-api, classic API, V2.6 and V3, read 2026-10.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_kling.products.fields import MAX_ID, is_id
from airflow_provider_kling.products.formatting import counted, named, shown
from airflow_provider_kling.products.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_provider_kling.products.problem import Request

MAX_VOICES = 2
MAX_ELEMENTS = 3
_VOICE_ID = f"id of at most {MAX_ID} characters, a bound of this package"


def voices(request: Request) -> Iterator[Problem]:
    """At most two voices, with sound, and not together with elements."""
    if "voice_list" not in request.body:
        return
    yield from _entries(request, "voice_list", "voice_id", MAX_VOICES, is_id, "text", _VOICE_ID)
    if request.body.get("sound", "off") == "off":
        yield Problem(
            "voice_list",
            "Set sound='on', or leave voice_list out: voice_list needs sound='on', and sound is 'off'.",
        )
    if "element_list" in request.body:
        yield Problem("voice_list", "Keep voice_list or element_list: they exclude each other.")


def elements(request: Request) -> Iterator[Problem]:
    """At most three elements, by numeric id."""
    if "element_list" in request.body:
        yield from element_entries(request, MAX_ELEMENTS)


def element_entries(request: Request, limit: int) -> Iterator[Problem]:
    """
    Elements, by numeric id.

    :param request: that has some.
    :param limit: how many it may have.
    """
    yield from _entries(request, "element_list", "element_id", limit, _element_id, "a whole number")


def _element_id(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _entries(
    request: Request, name: str, key: str, limit: int, fits: Callable[[Any], bool], kind: str, noun: str = "id"
) -> Iterator[Problem]:
    items = request.body[name]
    if not isinstance(items, list):
        yield Problem(name, f"Give {name} as a list of ids: {named(name, items)} is not a list.")
        return
    if len(items) > limit:
        yield Problem(name, f"Drop some of {name}: it has {counted(len(items), 'item')}, Kling takes {limit} at most.")
    for place, item in enumerate(items):
        if not isinstance(item, dict) or set(item) != {key} or not fits(item[key]):
            value = item.get(key, item) if isinstance(item, dict) else item
            sentence = f"Give {name}[{place}] as {kind}, or {{'{key}': …}}: {name}[{place}]={shown(value)}"
            yield Problem(name, f"{sentence} is not an {noun}.")
