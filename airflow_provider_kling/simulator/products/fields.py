"""Checks a body against rows of fields: presence, type, range, and the media that it names.

The texts of a missing field are of the style of those that were observed ("image can not be null").
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_kling.simulator.validation import bad, image, is_url, number, text, typed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airflow_provider_kling.simulator.validation import Body
    from airflow_provider_kling.simulator.world import World

#: Kling documentation: sound files of avatar and lip sync.
MAX_SOUND_BYTES: Final = 5 * 1024 * 1024

MEDIA: Final = frozenset({"image", "video", "audio"})


@dataclass(frozen=True, kw_only=True)
class Field:
    """One field of a request, as its row in ``data/products/`` says.

    :param kind: a JSON type, ``numeral`` (an integer or its digits), ``element`` (the id of one), ``speaker`` (a voice
        of text to speech), or a kind of media, which is a string in JSON.
    :param enum: the values that are allowed.
    :param low: smallest number, or fewest items.
    :param high: largest number, most items, or most characters.
    :param fields: of an object, or of each item of an array.
    """

    name: str
    kind: str = "string"
    required: bool = False
    default: Any = None
    enum: tuple[Any, ...] = ()
    low: float | None = None
    high: float | None = None
    fields: tuple[Field, ...] = ()

    @classmethod
    def from_row(cls, name: str, row: Mapping[str, Any]) -> Field:
        """Read one entry of ``fields``."""
        values = dict(row)
        inner = tuple(cls.from_row(key, value or {}) for key, value in values.pop("fields", {}).items())
        return cls(name=name, enum=tuple(values.pop("enum", ())), fields=inner, **values)


@dataclass
class Reading:
    """What a body said.

    :param world: what exists.
    :param given: the body itself.
    :param values: checked values by name, with the defaults filled in; nested as in the body.
    :param media: URL or base64 by role; a role is the place in the body, such as ``image_list[0].image``.
    :param kinds: ``image``, ``video`` or ``audio`` by role.
    """

    world: World
    given: Body
    values: dict[str, Any] = field(default_factory=dict)
    media: dict[str, str] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)


def read(fields: tuple[Field, ...], body: Body, world: World) -> Reading:
    """Check ``body`` against ``fields``; what has no field is ignored, as measured.

    :raises KlingError: 1201.
    """
    reading = Reading(world, body)
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
        reading.media[label], reading.kinds[label] = value, field.kind
    return value


def _string(field: Field, body: Body, label: str, _reading: Reading) -> str:
    return text(body, field.name, int(field.high or 10**9), label=label)


def _number(field: Field, body: Body, label: str, _reading: Reading) -> float | None:
    low, high = (field.low if field.low is not None else -(10**18)), (field.high if field.high is not None else 10**18)
    return number(body, field.name, low, high, label=label)


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
    return image(body, field.name, label=label)


def _video(field: Field, body: Body, label: str, _reading: Reading) -> str | None:
    value: str | None = typed(body, field.name, str, label=label)
    if value and not is_url(value):
        raise bad("Video URL is invalid")
    return value


def _audio(field: Field, body: Body, label: str, _reading: Reading) -> str | None:
    value: str | None = typed(body, field.name, str, label=label)
    if not value or is_url(value):
        return value
    try:
        content = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise bad("File is not in a valid base64 format") from None
    if len(content) > MAX_SOUND_BYTES:
        raise bad(f"{label} size must be less than or equal to 5MB")
    return value


def _element(field: Field, body: Body, label: str, reading: Reading) -> int | None:
    value = _integer(field, body, label, reading)
    if value is not None and not reading.world.knows_element(value):
        raise bad(f"Element id not found: {value}")
    return value


def _speaker(field: Field, body: Body, label: str, reading: Reading) -> str:
    # Measured: text to speech has voices of its own, and the ids of other voices, all digits, are not found.
    value = _string(field, body, label, reading)
    if value.isdecimal():
        raise bad("Voice id not found")
    return value


_CHECKS: Final[dict[str, Callable[[Field, Body, str, Reading], Any]]] = {
    "string": _string,
    "number": _number,
    "integer": _integer,
    "numeral": _numeral,
    "boolean": _boolean,
    "object": _nested,
    "array": _array,
    "element": _element,
    "speaker": _speaker,
    "image": _image,
    "video": _video,
    "audio": _audio,
}
