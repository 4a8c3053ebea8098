"""
Converts a Dag author's values to Kling's: ``5`` to ``"5"``, ``standard`` to ``std``, a JSON string to its value. Pure.

A converter returns a value that it does not understand unchanged; the field's shape or a rule reports it. Only text
that should be JSON and is not is refused here. Converting twice changes nothing.

Values: Image to Video and Text to Video pages of https://kling.ai/document-api, classic API, read 2026-10.
"""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any

from airflow_provider_kling.products.formatting import shown

if TYPE_CHECKING:
    from collections.abc import Callable

#: Words of other clients for Kling's modes; the live API refuses ``standard`` (measured by a public client, 2026-03).
MODE_ALIASES = {"standard": "std", "professional": "pro"}

#: The second generation's words for the same.
RESOLUTIONS = {"std": "720p", "pro": "1080p", "4k": "4k"}

_SECONDS = re.compile(r"(\d{1,4})(?:\.0+)?\s*(?:s|sec|secs|second|seconds)?", re.IGNORECASE | re.ASCII)
#: Longest text that may be a number or a duration.
_MAX_NUMBER = 100
_NUMBER = re.compile(r"[+-]?\d{1,19}(?:\.\d{1,19})?", re.ASCII)
_FLAGS = {"true": True, "on": True, "yes": True, "1": True, "false": False, "off": False, "no": False, "0": False}


#: When a sound of a lip sync is heard, in milliseconds.
SOUND_TIMES = ("sound_start_time", "sound_end_time", "sound_insert_time")


class FieldEncodingError(Exception):
    """
    A value cannot be encoded. Internal.

    :param advice: what to do, the beginning of a sentence; ``{field}`` stands for the field.
    :param problem: what is wrong with the value, the end of the sentence.
    """

    def __init__(self, advice: str, problem: str) -> None:
        super().__init__(advice, problem)
        self.advice = advice
        self.problem = problem


def strip(value: Any) -> Any:
    """Text without the blanks around it."""
    return value.strip() if isinstance(value, str) else value


def to_text(value: Any) -> Any:
    """Text; native rendering makes a number or True of a prompt that looks like one."""
    return str(value) if isinstance(value, (int, float)) else value


def id_to_text(value: Any) -> Any:
    """An id as text; native rendering makes a number of one that has only digits."""
    whole = isinstance(value, int) and not isinstance(value, bool)
    return str(value) if whole else strip(value)


def ratio(value: Any) -> Any:
    """Text without any blanks: ``16 : 9`` is ``16:9``."""
    return "".join(value.split()) if isinstance(value, str) else value


def mode(value: Any) -> Any:
    """Kling's word for a mode, in small letters."""
    if not isinstance(value, str):
        return value
    word = value.strip().lower()
    return MODE_ALIASES.get(word, word)


def resolution(value: Any) -> Any:
    """A resolution in small letters and without blanks; ``720`` and ``1080`` get their ``p``."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value) if abs(value) < 10**10 else value
    if not isinstance(value, str):
        return value
    word = "".join(value.split()).lower()
    return f"{word}p" if word in ("720", "1080") else word


def duration(value: Any) -> Any:
    """Whole seconds as Kling's text; ``5``, ``5.0`` and ``5s`` are ``"5"``."""
    if isinstance(value, bool):
        return value
    if isinstance(value, (int, float)) and 0 <= value < 10_000 and value == int(value):
        return str(int(value))
    match = _SECONDS.fullmatch(value.strip()) if isinstance(value, str) and len(value) <= _MAX_NUMBER else None
    return str(int(match[1])) if match else value


def seconds(value: Any) -> Any:
    """Seconds as a number, which may have one digit after the point; ``5`` and ``5s`` are 5.0."""
    value = duration(value)
    return fraction(value)


def switch(value: Any) -> Any:
    """True or False for the words that a template makes of them."""
    return _FLAGS.get(value.strip().lower(), value) if isinstance(value, str) else value


def on_off(value: Any) -> Any:
    """A switch in Kling's words ``on`` and ``off``."""
    flag = switch(value)
    return ("on" if flag else "off") if isinstance(flag, bool) else value


def sound(value: Any) -> Any:
    """A switch in Kling's words ``on`` and ``off``; ``native`` is the second generation's word for on."""
    return "on" if lowercase(value) == "native" else on_off(value)


def _is_numeric(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= _MAX_NUMBER and _NUMBER.fullmatch(value.strip()) is not None


def number(value: Any) -> Any:
    """Numeric text as a number, whole numbers as int; anything else unchanged."""
    if _is_numeric(value):
        value = float(value) if "." in value else int(value)
    return int(value) if isinstance(value, float) and math.isfinite(value) and value.is_integer() else value


def fraction(value: Any) -> Any:
    """Numeric text as a number with a fraction."""
    value = number(value)
    return float(value) if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1e18 else value


def parse_json(value: Any) -> Any:
    """
    Return the value of a JSON string; templates and other clients hand over lists and objects as text.

    :raises FieldEncodingError: when it is none.
    """
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError) as error:
        raise FieldEncodingError(
            "Give {field} as a list or dict, or as JSON text",
            f"is text that is not JSON ({shown(value)}: {shown(str(error))})",
        ) from None


def _convert_items(value: Any, convert: Callable[[Any], Any]) -> Any:
    value = parse_json(value)
    return [convert(item) for item in value] if isinstance(value, (list, tuple)) else value


def _convert_values(item: Any, **converters: Callable[[Any], Any]) -> Any:
    """An object with some of its values converted."""
    if not isinstance(item, dict):
        return item
    return {key: converters[key](value) if key in converters else value for key, value in item.items()}


def _element(item: Any) -> Any:
    """Element ids are JSON numbers; ``element_id`` itself may be left out by the author."""
    if isinstance(item, dict):
        return _convert_values(item, element_id=number)
    return {"element_id": number(item)} if isinstance(item, (int, str)) and not isinstance(item, bool) else item


def _voice(item: Any) -> Any:
    if isinstance(item, dict):
        return _convert_values(item, voice_id=_voice_id)
    return {"voice_id": _voice_id(item)} if isinstance(item, (int, str)) and not isinstance(item, bool) else item


def _voice_id(value: Any) -> Any:
    whole = isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**30
    return str(value) if whole else strip(value)


def _shot(item: Any) -> Any:
    return _convert_values(item, index=number, prompt=to_text, duration=duration)


def _point(item: Any) -> Any:
    return _convert_values(item, x=_coordinate, y=_coordinate, t=_coordinate)


def _coordinate(value: Any) -> Any:
    """Numeric text as a number; ``1.0`` stays a fraction, it may mean the whole width."""
    if _is_numeric(value):
        return float(value) if "." in value else int(value)
    return value


def _mask(item: Any) -> Any:
    return _convert_values(item, trajectories=lambda points: _convert_items(points, _point))


def camera(value: Any) -> Any:
    """``camera_control``: its object, or the same as JSON text."""
    return _convert_values(parse_json(value), type=lowercase, config=_camera_config)


def _camera_config(value: Any) -> Any:
    return {key: number(item) for key, item in value.items()} if isinstance(value, dict) else value


def lowercase(value: Any) -> Any:
    """Text in small letters, without the blanks around it."""
    return value.strip().lower() if isinstance(value, str) else value


def watermark(value: Any) -> Any:
    """``watermark_info``: its object, or a switch."""
    flag = switch(value)
    return {"enabled": flag} if isinstance(flag, bool) else _convert_values(parse_json(value), enabled=switch)


def elements(value: Any) -> Any:
    """``element_list``: ids, alone or in objects."""
    return _convert_items(value, _element)


def voices(value: Any) -> Any:
    """``voice_list``: ids, alone or in objects."""
    return _convert_items(value, _voice)


def shots(value: Any) -> Any:
    """``multi_prompt``: the shots with their numbers as numbers."""
    return _convert_items(value, _shot)


def masks(value: Any) -> Any:
    """``dynamic_masks``: the paths with their coordinates as numbers; the masks themselves stay."""
    return _convert_items(value, _mask)


def yes_no(value: Any) -> Any:
    """A switch in Kling's words ``yes`` and ``no``."""
    flag = switch(value)
    return ("yes" if flag else "no") if isinstance(flag, bool) else value


def list_of(key: str) -> Callable[[Any], Any]:
    """A list of objects that hold a file under this key; a text in it is the file."""

    def convert(value: Any) -> Any:
        return _convert_items(value, lambda item: {key: item} if isinstance(item, str) else item)

    return convert


def videos(value: Any) -> Any:
    """``video_list``: the videos, alone or in objects."""
    return _convert_items(
        value,
        lambda item: (
            {"video_url": item}
            if isinstance(item, str)
            else _convert_values(_rename_url(item, "video_url"), keep_original_sound=yes_no, refer_type=_reference_type)
        ),
    )


def frames(value: Any) -> Any:
    """``image_list`` of an omni video: the images, alone or in objects that say what they are."""
    return _convert_items(value, _frame)


def _frame(item: Any) -> Any:
    if isinstance(item, str):
        return {"image_url": item}
    item = _convert_values(_rename_url(item, "image_url"), type=_frame_type)
    # An image that is neither frame has no type in classic words.
    return (
        {key: value for key, value in item.items() if (key, value) != ("type", "")} if isinstance(item, dict) else item
    )


#: The second generation's types of items, in classic words.
_FRAME_TYPES = {"last_frame": "end_frame", "refer_image": ""}
_REFERENCE_TYPES = {"feature_video": "feature", "base_video": "base"}


def _frame_type(value: Any) -> Any:
    word = lowercase(value)
    return _FRAME_TYPES.get(word, word) if isinstance(word, str) else word


def _reference_type(value: Any) -> Any:
    word = lowercase(value)
    return _REFERENCE_TYPES.get(word, word) if isinstance(word, str) else word


def _rename_url(item: Any, key: str) -> Any:
    """An object whose file is called ``url``, as in the second generation, with the classic name for it."""
    if not isinstance(item, dict) or "url" not in item or key in item:
        return item
    return {key if name == "url" else name: value for name, value in item.items()}


def effect(value: Any) -> Any:
    """``input`` of an effect: its object, or the same as JSON text."""
    return _convert_values(parse_json(value), duration=duration, mode=mode, model_name=strip)


def lip_sync(value: Any) -> Any:
    """``input`` of the lip sync in one call; what it holds says whether a text is spoken, or which sound is heard."""
    value = _convert_values(
        parse_json(value),
        voice_speed=fraction,
        voice_language=lowercase,
        mode=lowercase,
        **dict.fromkeys(("video_id", "voice_id"), id_to_text),
    )
    if not isinstance(value, dict):
        return value
    if "text" in value:
        return {"mode": "text2video", **value}
    return {"mode": "audio2video", "audio_type": "file" if "audio_file" in value else "url", **value}


def element_images(value: Any) -> Any:
    """``element_image_list``: the views beside the frontal one alone or in objects."""
    return _convert_values(parse_json(value), refer_images=list_of("image_url"))


def element_videos(value: Any) -> Any:
    """``element_video_list``: its object, the list in it, or the one video."""
    if isinstance(value, str) and not value.lstrip().startswith(("{", "[")):
        value = [value]
    value = parse_json(value)
    return _convert_values(
        {"refer_videos": value} if isinstance(value, list) else value, refer_videos=list_of("video_url")
    )


def faces(value: Any) -> Any:
    """``face_choose``: the faces with their times as numbers."""
    times = dict.fromkeys(SOUND_TIMES, number)
    volumes = dict.fromkeys(("sound_volume", "original_audio_volume"), fraction)
    return _convert_items(
        value, lambda item: _convert_values(item, face_id=id_to_text, audio_id=id_to_text, **times, **volumes)
    )


def series(value: Any) -> Any:
    """``series_amount``: a number as text, or ``auto``."""
    return id_to_text(lowercase(value))
