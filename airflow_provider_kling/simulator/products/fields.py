"""Checks a body against rows of fields: presence, type, range, and the media that it names.

The texts of a missing field are of the style of those that were observed ("image can not be null").
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_kling.simulator.media import RESULT
from airflow_provider_kling.simulator.validation import bad, is_url, number, text, typed, url_or_base64

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airflow_provider_kling.simulator.context import Context
    from airflow_provider_kling.simulator.validation import Body

#: Kling documentation: sound files of avatar and lip sync.
MAX_SOUND_BYTES: Final = 5 * 1024 * 1024

#: What an input is, by the kind of its field.
MEDIA: Final = {
    "image": "image",
    "video": "video",
    "audio": "audio",
    "video_id": "video",
    "audio_id": "audio",
    "session": "video",
}

#: An earlier result as an input: the form of its file, by the kind of the field that names it.
FORMS: Final = {"video_id": "mp4", "audio_id": "mp3", "session": "mp4"}


@dataclass(frozen=True, kw_only=True)
class Field:
    """One field of a request, as its row in ``data/products/`` says.

    :param kind: a JSON type; ``nearest`` (a number that is brought into its range); ``numeral`` (an integer or its
        digits), ``amount`` (that, or ``auto``); the id of an ``element``, of one's ``own_element`` or ``own_voice``, of
        a ``speaker`` (a voice of text to speech); a kind of media, which is a string in JSON, ``images``, or the id of
        earlier media (``video_id``, ``audio_id``, ``session``).
    :param enum: the values that are allowed.
    :param low: smallest number, or fewest items.
    :param high: largest number, most items, or most characters.
    :param fields: of an object, or of each item of an array.
    :param of: product whose session this is.
    """

    name: str
    kind: str = "string"
    required: bool = False
    default: Any = None
    enum: tuple[Any, ...] = ()
    low: float | None = None
    high: float | None = None
    fields: tuple[Field, ...] = ()
    of: str = ""

    @classmethod
    def from_row(cls, name: str, row: Mapping[str, Any]) -> Field:
        """Read one entry of ``fields``."""
        values = dict(row)
        inner = tuple(cls.from_row(key, value or {}) for key, value in values.pop("fields", {}).items())
        return cls(name=name, enum=tuple(values.pop("enum", ())), fields=inner, **values)


@dataclass
class Reading:
    """What a body said.

    :param context: what exists.
    :param given: the body itself.
    :param values: checked values by name, with the defaults filled in; nested as in the body.
    :param media: URL or base64 by role; a role is the place in the body, such as ``image_list[0].image``.
    :param kinds: ``image``, ``video`` or ``audio`` by role.
    """

    context: Context
    given: Body
    values: dict[str, Any] = field(default_factory=dict)
    media: dict[str, str] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)


def read(fields: tuple[Field, ...], body: Body, context: Context) -> Reading:
    """Check ``body`` against ``fields``; what has no field is ignored, as measured.

    :raises KlingError: 1201.
    """
    reading = Reading(context, body)
    reading.values = _object(fields, body, "", reading)
    return reading


def _object(fields: tuple[Field, ...], body: Body, prefix: str, reading: Reading) -> dict[str, Any]:
    return {field.name: _value(field, body, f"{prefix}{field.name}", reading) for field in fields}


def _value(field: Field, body: Body, label: str, reading: Reading) -> Any:
    value = _CHECKS[field.kind](field, body, label, reading)
    if value is None or value == "":
        if field.required:
            raise bad(f"{label} can not be null")
        return field.default
    if field.enum and value not in field.enum:
        raise bad(f"{label} value '{value}' is invalid, allowed values: {', '.join(map(str, field.enum))}")
    if field.kind in MEDIA:
        source = f"{RESULT}{value}.{FORMS[field.kind]}" if field.kind in FORMS else value
        reading.media[label], reading.kinds[label] = source, MEDIA[field.kind]
    return value


def _string(field: Field, body: Body, label: str, _reading: Reading) -> str:
    return text(body, field.name, int(field.high or 10**9), label=label)


def _number(field: Field, body: Body, label: str, _reading: Reading) -> float | None:
    low, high = (field.low if field.low is not None else -(10**18)), (field.high if field.high is not None else 10**18)
    return number(body, field.name, low, high, label=label)


def _nearest(field: Field, body: Body, label: str, _reading: Reading) -> float | None:
    value = number(body, field.name, -(10**18), 10**18, label=label)
    return None if value is None else min(max(value, field.low or 0), field.high or 0)


def _integer(field: Field, body: Body, label: str, reading: Reading) -> int | None:
    typed(body, field.name, int, label=label)
    value = _number(field, body, label, reading)
    return None if value is None else int(value)


def _numeral(field: Field, body: Body, label: str, reading: Reading) -> int | None:
    value = body.get(field.name)
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= 18:
        body = {field.name: int(value)}
    elif isinstance(value, str):
        raise bad(f"{label} value '{value}' is invalid")
    return _integer(field, body, label, reading)


def _boolean(field: Field, body: Body, label: str, _reading: Reading) -> Any:
    return typed(body, field.name, bool, label=label)


def _nested(field: Field, body: Body, label: str, reading: Reading) -> dict[str, Any] | None:
    value = typed(body, field.name, dict, label=label)
    return None if value is None else _object(field.fields, value, f"{label}.", reading)


def _array(field: Field, body: Body, label: str, reading: Reading) -> list[Any] | None:
    items = typed(body, field.name, list, label=label)
    if not items:
        return None
    if field.low is not None and len(items) < field.low:
        raise bad(f"{label} size must be greater than or equal to {field.low}")
    if field.high is not None and len(items) > field.high:
        raise bad(f"{label} size must be less than or equal to {field.high}")
    checked = []
    for index, item in enumerate(items):
        if not isinstance(item, dict):
            raise bad(f"{label}[{index}] value type is invalid, expected object")
        checked.append(_object(field.fields, item, f"{label}[{index}].", reading))
    return checked


def _image(field: Field, body: Body, label: str, _reading: Reading) -> str | None:
    return url_or_base64(body, field.name, label=label)


def _video(field: Field, body: Body, label: str, _reading: Reading) -> str | None:
    value: str | None = typed(body, field.name, str, label=label)
    if value and not is_url(value):
        raise bad("Video URL is invalid")
    return value


def _audio(field: Field, body: Body, label: str, _reading: Reading) -> str | None:
    return url_or_base64(body, field.name, label=label, limit=MAX_SOUND_BYTES)


def _element(field: Field, body: Body, label: str, reading: Reading) -> int | None:
    value = _integer(field, {field.name: reading.context.numbered(body.get(field.name))}, label, reading)
    if value is not None and not reading.context.knows_element(value):
        raise bad(f"Element id not found: {value}")
    return value


def _speaker(field: Field, body: Body, label: str, reading: Reading) -> str:
    # Measured: text to speech has voices of its own, and the ids of other voices, all digits, are not found.
    value = _string(field, body, label, reading)
    if value.isdecimal():
        raise bad("Voice id not found")
    return value


def _earlier(field: Field, body: Body, label: str, reading: Reading) -> str:
    """The id of something that this account made; the text for one that it did not make was not observed."""
    value = _string(field, body, label, reading)
    task = reading.context.result(value) if value else None
    made = {"video_id": "fps", "audio_id": "seconds"}
    if value and (task is None or (task.product != field.of if field.of else made[field.kind] not in task.recipe)):
        raise bad(f"{label} value '{value}' is invalid")
    return value


def _own_voice(field: Field, body: Body, label: str, reading: Reading) -> str:
    value = _string(field, body, label, reading)
    task = reading.context.result(value) if value else None
    if value and (task is None or task.product != "custom-voices" or task.recipe.get("deleted")):
        raise bad("Voice id not found")
    return value


def _own_element(field: Field, body: Body, label: str, reading: Reading) -> str | None:
    """The id of the result that an element is."""
    value = _numeral(field, body, label, reading)
    if value is None:
        return None
    task = reading.context.own_element(value)
    if task is None or task.recipe.get("deleted"):
        raise bad(f"Element id not found: {value}")
    return task.result_id


def _amount(field: Field, body: Body, label: str, reading: Reading) -> int | str | None:
    if body.get(field.name) == "auto":
        return "auto"
    value = _numeral(field, body, label, reading)
    if value is not None and not 2 <= value <= 9:
        raise bad(f"{label} value '{value}' is invalid, must be between 2 and 9")
    return value


def _images(field: Field, body: Body, label: str, reading: Reading) -> list[str] | None:
    values: list[Any] | None = typed(body, field.name, list, label=label)
    for index, value in enumerate(values or []):
        place = f"{label}[{index}]"
        if not (checked := url_or_base64({place: value}, place)):
            raise bad(f"{place} can not be null")
        reading.media[place], reading.kinds[place] = checked, "image"
    return values


_CHECKS: Final[dict[str, Callable[[Field, Body, str, Reading], Any]]] = {
    "string": _string,
    "number": _number,
    "nearest": _nearest,
    "integer": _integer,
    "numeral": _numeral,
    "boolean": _boolean,
    "object": _nested,
    "array": _array,
    "element": _element,
    "speaker": _speaker,
    "video_id": _earlier,
    "audio_id": _earlier,
    "session": _earlier,
    "own_voice": _own_voice,
    "own_element": _own_element,
    "amount": _amount,
    "images": _images,
    "image": _image,
    "video": _video,
    "audio": _audio,
}
