"""
Lip sync and motion control.

Rules: lip sync and motion control pages of https://kling.ai/document-api, classic API, read 2026-11.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_kling.products.convert import SOUND_TIMES
from airflow_provider_kling.products.fields import MAX_ID, is_id, is_number
from airflow_provider_kling.products.formatting import joined, named
from airflow_provider_kling.products.problem import Problem
from airflow_provider_kling.products.rules.elements import element_entries

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from airflow_provider_kling.products.problem import Request

_SOUNDS = ("audio_id", "sound_file")
#: Milliseconds of sound, at least.
MIN_SOUND_MS = 2000
#: Characters of a text that is spoken, and the bounds of its speed.
MAX_SPOKEN = 120
SLOWEST, FASTEST = 0.8, 2.0


def faces(request: Request) -> Iterator[Problem]:
    """A face has one sound, and says from when to when it is heard."""
    chosen = request.body.get("face_choose")
    for index, face in enumerate(chosen if isinstance(chosen, list) else ()):
        if not isinstance(face, dict):
            continue
        place = f"face_choose[{index}]"
        yield from _ids("face_choose", place, face, ("face_id", "audio_id"))
        if sum(name in face for name in _SOUNDS) != 1:
            yield Problem("face_choose", f"Give {place} one of {joined(_SOUNDS)}: it needs exactly one sound.")
        missing = [name for name in SOUND_TIMES if not is_number(face.get(name))]
        if missing:
            yield Problem("face_choose", f"Give {place}.{missing[0]} in milliseconds: a lip sync needs it.")
        elif face["sound_end_time"] - face["sound_start_time"] < MIN_SOUND_MS:
            yield Problem(
                "face_choose",
                f"Give {place} at least 2 seconds of sound: {named('sound_start_time', face['sound_start_time'])} and "
                f"{named('sound_end_time', face['sound_end_time'])} are milliseconds.",
            )


def spoken(request: Request) -> Iterator[Problem]:
    """What is said in a lip sync of one call needs a voice, and is short."""
    said = request.body.get("input")
    if not isinstance(said, dict):
        return
    yield from _ids("input", "input", said, ("video_id", "voice_id"))
    if "text" not in said:
        return
    text = said["text"]
    if not isinstance(text, str) or not 1 <= len(text.strip()) <= MAX_SPOKEN:
        yield Problem("input", f"Give input.text 1 to {MAX_SPOKEN} characters: {named('input.text', text)}.")
    if "voice_id" not in said:
        yield Problem("input", "Give input.voice_id: a text that is spoken needs a voice.")
    speed = said.get("voice_speed", 1)
    if not is_number(speed) or not SLOWEST <= speed <= FASTEST:
        yield Problem(
            "input", f"Give input.voice_speed from {SLOWEST} to {FASTEST}: {named('input.voice_speed', speed)}."
        )
    if said.get("voice_language", "zh") not in ("zh", "en"):
        yield Problem("input", f"Give input.voice_language as 'zh' or 'en': {said['voice_language']!r} is neither.")


def _ids(name: str, place: str, values: Mapping[str, Any], keys: Iterable[str]) -> Iterator[Problem]:
    for key in keys:
        if key in values and not is_id(values[key]):
            sentence = f"Give {place}.{key} as the text of an id: {named(key, values[key])} is none"
            yield Problem(name, f"{sentence} of at most {MAX_ID} characters, a bound of this package.")


def one_element(request: Request) -> Iterator[Problem]:
    """Motion control takes one element."""
    if "element_list" in request.body:
        yield from element_entries(request, 1)
