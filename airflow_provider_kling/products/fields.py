"""
From a DAG author's words to Kling's: ``5`` becomes ``"5"``, ``standard`` becomes ``std``, a JSON string its value.

A converter that does not understand a value returns it unchanged, and :mod:`.rules` says what is wrong with it.
Only what cannot become JSON at all is refused here. Converting twice changes nothing.

Field names, values and defaults: Image to Video and Text to Video pages of https://kling.ai/document-api, classic API,
read 2026-10.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_provider_kling.products.wording import did_you_mean, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

#: Sent when the DAG names no model: Kling's own default, kling-v1, was retired on 2026-09-15.
DEFAULT_MODEL = "kling-v3"

#: Words of other clients for Kling's modes; the live API refuses ``standard`` (measured by a public client, 2026-03).
MODE_ALIASES = {"standard": "std", "professional": "pro"}

#: Names of other clients for Kling's fields; such a field is refused, and asked back.
OTHER_NAMES = {
    "model": "model_name",
    "start_frame": "image",
    "end_frame": "image_tail",
    "start_image_url": "image",
    "end_image_url": "image_tail",
    "image_url": "image",
    "generate_audio": "sound",
    "audio": "sound",
}

_SECONDS = re.compile(r"(\d{1,4})(?:\.0+)?\s*(?:s|sec|secs|second|seconds)?", re.IGNORECASE | re.ASCII)
#: Longest text that may be a number or a duration.
_MAX_NUMBER = 100
_NUMBER = re.compile(r"[+-]?\d{1,19}(?:\.\d{1,19})?", re.ASCII)
_FLAGS = {"true": True, "on": True, "yes": True, "1": True, "false": False, "off": False, "no": False, "0": False}


class FieldEncodingError(Exception):
    """
    A value cannot be encoded. Internal.

    :param advice: what to do, the beginning of a sentence; ``{field}`` stands for the field.
    :param flaw: what is wrong with the value, the end of the sentence.
    """

    def __init__(self, advice: str, flaw: str) -> None:
        super().__init__(advice, flaw)
        self.advice = advice
        self.flaw = flaw


def omitted(value: Any) -> bool:
    """Whether the field is left out: None, blank text or an empty list."""
    if isinstance(value, str):
        return not value.strip()
    return value is None or (isinstance(value, (list, tuple)) and not value)


def misspelt(name: str, known: Iterable[str]) -> str:
    """
    Ask for the field that was meant, as the end of a sentence; nothing when none is near.

    :param name: what the Dag author wrote.
    :param known: the fields that there are.
    """
    known = list(known)
    other = OTHER_NAMES.get(name.strip().lower())
    return f" (did you mean {other!r}?)" if other in known else did_you_mean(name, known)


def canonical(name: str, value: Any) -> Any:
    """
    A field's value in Kling's words; a field that has no converter keeps its value.

    :param name: Kling's classic field name.
    :raises FieldEncodingError: a JSON string cannot be parsed.
    """
    convert = CONVERTERS.get(name)
    return convert(value) if convert else value


def _stripped(value: Any) -> Any:
    return value.strip() if isinstance(value, str) else value


def _words(value: Any) -> Any:
    """Text; native rendering makes a number or True of a prompt that looks like one."""
    return str(value) if isinstance(value, (int, float)) else value


def _own_id(value: Any) -> Any:
    whole = isinstance(value, int) and not isinstance(value, bool)
    return str(value) if whole else _stripped(value)


def _ratio(value: Any) -> Any:
    return "".join(value.split()) if isinstance(value, str) else value


def _mode(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    word = value.strip().lower()
    return MODE_ALIASES.get(word, word)


def _duration(value: Any) -> Any:
    if isinstance(value, bool):
        return value
    if isinstance(value, (int, float)) and 0 <= value < 10_000 and value == int(value):
        return str(int(value))
    match = _SECONDS.fullmatch(value.strip()) if isinstance(value, str) and len(value) <= _MAX_NUMBER else None
    return str(int(match[1])) if match else value


def _flag(value: Any) -> Any:
    return _FLAGS.get(value.strip().lower(), value) if isinstance(value, str) else value


def _sound(value: Any) -> Any:
    flag = _flag(value)
    return ("on" if flag else "off") if isinstance(flag, bool) else value


def _is_numeric(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= _MAX_NUMBER and _NUMBER.fullmatch(value.strip()) is not None


def number(value: Any) -> Any:
    """Numeric text as a number, whole numbers as int; anything else unchanged."""
    if _is_numeric(value):
        value = float(value) if "." in value else int(value)
    return int(value) if isinstance(value, float) and math.isfinite(value) and value.is_integer() else value


def _fraction(value: Any) -> Any:
    value = number(value)
    return float(value) if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1e18 else value


def _parsed(value: Any) -> Any:
    """The value of a JSON string; templates and other clients hand over lists and objects as text."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError) as error:
        raise FieldEncodingError(
            "Give {field} as a list or dict, or as JSON text",
            f"is text that is not JSON ({shown(value)}: {shown(str(error))})",
        ) from None


def _items(value: Any, convert: Callable[[Any], Any]) -> Any:
    value = _parsed(value)
    return [convert(item) for item in value] if isinstance(value, (list, tuple)) else value


def _with(item: Any, **converters: Callable[[Any], Any]) -> Any:
    """An object with some of its values converted."""
    if not isinstance(item, dict):
        return item
    return {key: converters[key](value) if key in converters else value for key, value in item.items()}


def _element(item: Any) -> Any:
    """Element ids are JSON numbers; ``element_id`` itself may be left out by the author."""
    if isinstance(item, dict):
        return _with(item, element_id=number)
    return {"element_id": number(item)} if isinstance(item, (int, str)) and not isinstance(item, bool) else item


def _voice(item: Any) -> Any:
    if isinstance(item, dict):
        return _with(item, voice_id=_voice_id)
    return {"voice_id": _voice_id(item)} if isinstance(item, (int, str)) and not isinstance(item, bool) else item


def _voice_id(value: Any) -> Any:
    whole = isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**30
    return str(value) if whole else _stripped(value)


def _shot(item: Any) -> Any:
    return _with(item, index=number, prompt=_words, duration=_duration)


def _point(item: Any) -> Any:
    return _with(item, x=_coordinate, y=_coordinate, t=_coordinate)


def _coordinate(value: Any) -> Any:
    """Numeric text as a number; ``1.0`` stays a fraction, it may mean the whole width."""
    if _is_numeric(value):
        return float(value) if "." in value else int(value)
    return value


def _mask(item: Any) -> Any:
    return _with(item, trajectories=lambda points: _items(points, _point))


def _camera(value: Any) -> Any:
    return _with(_parsed(value), type=_lower, config=_camera_config)


def _camera_config(value: Any) -> Any:
    return {key: number(item) for key, item in value.items()} if isinstance(value, dict) else value


def _lower(value: Any) -> Any:
    return value.strip().lower() if isinstance(value, str) else value


def _watermark(value: Any) -> Any:
    flag = _flag(value)
    return {"enabled": flag} if isinstance(flag, bool) else _with(_parsed(value), enabled=_flag)


#: How each field is converted. Images are not here: :mod:`.images` loads them.
CONVERTERS: Mapping[str, Callable[[Any], Any]] = {
    "model_name": _stripped,
    "prompt": _words,
    "negative_prompt": _words,
    "mode": _mode,
    "duration": _duration,
    "aspect_ratio": _ratio,
    "sound": _sound,
    "cfg_scale": _fraction,
    "multi_shot": _flag,
    "shot_type": _lower,
    "multi_prompt": lambda value: _items(value, _shot),
    "element_list": lambda value: _items(value, _element),
    "voice_list": lambda value: _items(value, _voice),
    "dynamic_masks": lambda value: _items(value, _mask),
    "camera_control": _camera,
    "watermark_info": _watermark,
    "callback_url": _stripped,
    "external_task_id": _own_id,
}

#: Fields whose value is an image. ``dynamic_masks`` carries one in each of its items.
IMAGE_FIELDS = ("image", "image_tail", "static_mask")


@dataclass(frozen=True)
class Product:
    """
    One Kling product: what its body may hold.

    :param fields: in the order in which they are sent.
    :param unsent: fields that clients of relays write and Kling does not have, with the reason to leave them out.
    """

    fields: tuple[str, ...]
    unsent: Mapping[str, str] = field(default_factory=dict)


_SHARED = (
    *("model_name", "prompt", "negative_prompt", "mode", "duration", "sound", "cfg_scale"),
    *("multi_shot", "shot_type", "multi_prompt", "voice_list", "camera_control"),
)
_COMMON = ("watermark_info", "callback_url", "external_task_id")

#: The products, one row each.
PRODUCTS: Mapping[str, Product] = {
    "image2video": Product(
        fields=(*_SHARED, "image", "image_tail", "element_list", "static_mask", "dynamic_masks", *_COMMON),
        unsent={
            "aspect_ratio": "image2video has no such field, the video follows the image; crop the image, or send the "
            "field to a relay that takes it with extra_body"
        },
    ),
    "text2video": Product(fields=(*_SHARED, "aspect_ratio", *_COMMON)),
}
