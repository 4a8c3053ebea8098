"""Validates a body against rows of fields: presence, type, range; collects the media inputs.

The texts for a missing field follow the style of an observed one ("image can not be null").
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_kling.simulator.media import RESULT
from airflow_provider_kling.simulator.validation import invalid, is_url, number, text, typed, url_or_base64

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airflow_provider_kling.simulator.context import Context
    from airflow_provider_kling.simulator.validation import Body

#: Kling documentation: sound files of avatar and lip sync.
MAX_SOUND_BYTES: Final = 5 * 1024 * 1024

#: Kind of media, by kind of the field.
MEDIA: Final = {
    "image": "image",
    "video": "video",
    "audio": "audio",
    "video_id": "video",
    "audio_id": "audio",
    "session": "video",
}

#: File format of an input that is an earlier result, by kind of the field.
FORMS: Final = {"video_id": "mp4", "audio_id": "mp3", "session": "mp4"}


@dataclass(frozen=True, kw_only=True)
class Field:
    """One field of a request: a row in ``data/products/``.

    :param kind: a JSON type; ``clamped`` (a number that is limited to its range); ``numeral`` (an integer or a string
        of digits), ``amount`` (that, or ``auto``); the id of an ``element``, of an ``own_element`` or ``own_voice`` of
        the account, of a ``speaker`` (a voice of text to speech); a kind of media, which is a string in JSON,
        ``images``, or the id of earlier media (``video_id``, ``audio_id``, ``session``).
    :param enum: allowed values.
    :param low: minimum, or minimum number of items.
    :param high: maximum, or maximum number of items or characters.
    :param fields: fields of an object, or of each item of an array.
    :param of: product that created the session.
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
class ParsedBody:
    """A validated body.

    :param context: context of the validation.
    :param given: the body as received.
    :param values: validated values by name, with defaults; nested as in the body.
    :param media: URL or base64 by role; a role is the position in the body, such as ``image_list[0].image``.
    :param kinds: ``image``, ``video`` or ``audio`` by role.
    """

    context: Context
    given: Body
    values: dict[str, Any] = field(default_factory=dict)
    media: dict[str, str] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)


def parse_body(fields: tuple[Field, ...], body: Body, context: Context) -> ParsedBody:
    """Validate ``body`` against ``fields``; unknown keys are ignored, as measured.

    :raises KlingError: 1201.
    """
    parsed = ParsedBody(context, body)
    parsed.values = _object(fields, body, "", parsed)
    return parsed


def _object(fields: tuple[Field, ...], body: Body, prefix: str, parsed: ParsedBody) -> dict[str, Any]:
    return {field.name: _value(field, body, f"{prefix}{field.name}", parsed) for field in fields}


def _value(field: Field, body: Body, label: str, parsed: ParsedBody) -> Any:
    value = _CHECKS[field.kind](field, body, label, parsed)
    if value is None or value == "":
        if field.required:
            raise invalid(f"{label} can not be null")
        return field.default
    if field.enum and value not in field.enum:
        raise invalid(f"{label} value '{value}' is invalid, allowed values: {', '.join(map(str, field.enum))}")
    if field.kind in MEDIA:
        source = f"{RESULT}{value}.{FORMS[field.kind]}" if field.kind in FORMS else value
        parsed.media[label], parsed.kinds[label] = source, MEDIA[field.kind]
    return value


def _string(field: Field, body: Body, label: str, _parsed: ParsedBody) -> str:
    return text(body, field.name, int(field.high or 10**9), label=label)


def _number(field: Field, body: Body, label: str, _parsed: ParsedBody) -> float | None:
    low, high = (field.low if field.low is not None else -(10**18)), (field.high if field.high is not None else 10**18)
    return number(body, field.name, low, high, label=label)


def _clamped(field: Field, body: Body, label: str, _parsed: ParsedBody) -> float | None:
    value = number(body, field.name, -(10**18), 10**18, label=label)
    return None if value is None else min(max(value, field.low or 0), field.high or 0)


def _integer(field: Field, body: Body, label: str, parsed: ParsedBody) -> int | None:
    typed(body, field.name, int, label=label)
    value = _number(field, body, label, parsed)
    return None if value is None else int(value)


def _numeral(field: Field, body: Body, label: str, parsed: ParsedBody) -> int | None:
    value = body.get(field.name)
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= 18:
        body = {field.name: int(value)}
    elif isinstance(value, str):
        raise invalid(f"{label} value '{value}' is invalid")
    return _integer(field, body, label, parsed)


def _boolean(field: Field, body: Body, label: str, _parsed: ParsedBody) -> Any:
    return typed(body, field.name, bool, label=label)


def _nested(field: Field, body: Body, label: str, parsed: ParsedBody) -> dict[str, Any] | None:
    value = typed(body, field.name, dict, label=label)
    return None if value is None else _object(field.fields, value, f"{label}.", parsed)


def _array(field: Field, body: Body, label: str, parsed: ParsedBody) -> list[Any] | None:
    items = typed(body, field.name, list, label=label)
    if not items:
        return None
    if field.low is not None and len(items) < field.low:
        raise invalid(f"{label} size must be greater than or equal to {field.low}")
    if field.high is not None and len(items) > field.high:
        raise invalid(f"{label} size must be less than or equal to {field.high}")
    checked = []
    for index, item in enumerate(items):
        if not isinstance(item, dict):
            raise invalid(f"{label}[{index}] value type is invalid, expected object")
        checked.append(_object(field.fields, item, f"{label}[{index}].", parsed))
    return checked


def _image(field: Field, body: Body, label: str, _parsed: ParsedBody) -> str | None:
    return url_or_base64(body, field.name, label=label)


def _video(field: Field, body: Body, label: str, _parsed: ParsedBody) -> str | None:
    value: str | None = typed(body, field.name, str, label=label)
    if value and not is_url(value):
        raise invalid("Video URL is invalid")
    return value


def _audio(field: Field, body: Body, label: str, _parsed: ParsedBody) -> str | None:
    return url_or_base64(body, field.name, label=label, limit=MAX_SOUND_BYTES)


def _element(field: Field, body: Body, label: str, parsed: ParsedBody) -> int | None:
    value = _integer(field, {field.name: parsed.context.element_number(body.get(field.name))}, label, parsed)
    if value is not None and not parsed.context.knows_element(value):
        raise invalid(f"Element id not found: {value}")
    return value


def _speaker(field: Field, body: Body, label: str, parsed: ParsedBody) -> str:
    # Measured: text to speech has separate voices; ids of other voices, which are all digits, are not found.
    value = _string(field, body, label, parsed)
    if value.isdecimal():
        raise invalid("Voice id not found")
    return value


def _earlier_result(field: Field, body: Body, label: str, parsed: ParsedBody) -> str:
    """The id of an earlier result of the account; the error text for another id was not observed."""
    value = _string(field, body, label, parsed)
    task = parsed.context.result(value) if value else None
    required_key = {"video_id": "fps", "audio_id": "seconds"}
    if value and (
        task is None or (task.product != field.of if field.of else required_key[field.kind] not in task.recipe)
    ):
        raise invalid(f"{label} value '{value}' is invalid")
    return value


def _own_voice(field: Field, body: Body, label: str, parsed: ParsedBody) -> str:
    value = _string(field, body, label, parsed)
    task = parsed.context.result(value) if value else None
    if value and (task is None or task.product != "custom-voices" or task.recipe.get("deleted")):
        raise invalid("Voice id not found")
    return value


def _own_element(field: Field, body: Body, label: str, parsed: ParsedBody) -> str | None:
    """The result id of an element of the account."""
    value = _numeral(field, body, label, parsed)
    if value is None:
        return None
    task = parsed.context.own_element(value)
    if task is None or task.recipe.get("deleted"):
        raise invalid(f"Element id not found: {value}")
    return task.result_id


def _amount(field: Field, body: Body, label: str, parsed: ParsedBody) -> int | str | None:
    if body.get(field.name) == "auto":
        return "auto"
    value = _numeral(field, body, label, parsed)
    if value is not None and not 2 <= value <= 9:
        raise invalid(f"{label} value '{value}' is invalid, must be between 2 and 9")
    return value


def _images(field: Field, body: Body, label: str, parsed: ParsedBody) -> list[str] | None:
    values: list[Any] | None = typed(body, field.name, list, label=label)
    for index, value in enumerate(values or []):
        place = f"{label}[{index}]"
        if not (checked := url_or_base64({place: value}, place)):
            raise invalid(f"{place} can not be null")
        parsed.media[place], parsed.kinds[place] = checked, "image"
    return values


_CHECKS: Final[dict[str, Callable[[Field, Body, str, ParsedBody], Any]]] = {
    "string": _string,
    "number": _number,
    "clamped": _clamped,
    "integer": _integer,
    "numeral": _numeral,
    "boolean": _boolean,
    "object": _nested,
    "array": _array,
    "element": _element,
    "speaker": _speaker,
    "video_id": _earlier_result,
    "audio_id": _earlier_result,
    "session": _earlier_result,
    "own_voice": _own_voice,
    "own_element": _own_element,
    "amount": _amount,
    "images": _images,
    "image": _image,
    "video": _video,
    "audio": _audio,
}
