"""Checks that every product shares. Each raises 1201 with Kling's text.

These texts were observed: "image can not be null", "File is not in a valid base64 format",
"<field> value '<x>' is invalid, allowed values: ...", "mode value '<x>' is invalid",
"aspect_ratio value '<x>' is invalid, supported values: ...", "duration value '<x>' is invalid",
"<field> value type is invalid, expected array", "<model> is not supported with motion brush",
"model/mode/duration(...) is not supported with image_tail", "model is not supported",
"not supported for this API" (1203), "The model '<x>' has been discontinued and is no longer available.",
"Element id not found: <x>" and "camera_control is only supported in std mode with 5s duration and kling-v1"; the last
was seen for one combination and is sent for every wrong one.
All other texts here and in :mod:`.video_fields` were not observed; they follow the same style.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any, Final

from airflow_provider_kling.simulator.envelope import KlingError

#: Kling documentation: 10 MB per image on classic paths.
MAX_IMAGE_BYTES: Final = 10 * 1024 * 1024

#: The same on paths of the new generation.
MAX_LARGE_IMAGE_BYTES: Final = 50 * 1024 * 1024

_TYPE_NAMES: Final[dict[type, str]] = {
    str: "string",
    bool: "boolean",
    int: "integer",
    float: "number",
    list: "array",
    dict: "object",
}

#: Longer numbers are no page and no time, and Python refuses to convert the very long ones.
MAX_DIGITS: Final = 16

Body = Mapping[str, Any]


class Lenient(dict[str, Any]):
    """An object of a request in which a number may stand where text is asked, and text where a number or a flag is."""

    def converted(self, value: Any, kind: type) -> Any:
        """``value`` as ``kind``, if one can be read as the other; else as it is."""
        if kind is str and isinstance(value, int | float) and not isinstance(value, bool):
            return f"{value:g}" if isinstance(value, float) else str(value)
        if not isinstance(value, str):
            return value
        if kind is bool:
            return {"true": True, "false": False}.get(value, value)
        try:
            return kind(value) if kind in {int, float} else value
        except ValueError:
            return value


def bad(message: str) -> KlingError:
    """A refusal of a key or value."""
    return KlingError(1201, message)


def typed(body: Body, field: str, kind: type, default: Any = None, *, label: str = "") -> Any:
    """The value of ``field``, which must be of ``kind``; ``null`` counts as absent."""
    value = body.get(field)
    if isinstance(body, Lenient):
        value = body.converted(value, kind)
    if value is None:
        return default
    is_flag = isinstance(value, bool)
    accepted = (int, float) if kind is float else kind
    if not isinstance(value, accepted) or (is_flag and kind is not bool):
        raise bad(f"{label or field} value type is invalid, expected {_TYPE_NAMES[kind]}")
    return value


def choice(body: Body, field: str, allowed: Sequence[str], default: str | None, *, label: str = "") -> Any:
    """A string out of ``allowed``."""
    value = typed(body, field, str, default, label=label)
    if value is not None and value not in allowed:
        raise bad(f"{label or field} value '{value}' is invalid, allowed values: {', '.join(allowed)}")
    return value


def text(body: Body, field: str, limit: int, *, label: str = "") -> str:
    """A string of at most ``limit`` characters; empty if absent."""
    value: str = typed(body, field, str, "", label=label)
    if len(value) > limit:
        raise bad(f"{label or field} length must be less than or equal to {limit}")
    return value


def number(body: Body, field: str, low: float, high: float, *, label: str = "") -> float | None:
    """A number between ``low`` and ``high``."""
    value: float | None = typed(body, field, float, label=label)
    if value is not None and not low <= value <= high:
        raise bad(f"{label or field} value '{value}' is invalid, must be between {low} and {high}")
    return value


def url_or_base64(body: Body, field: str, *, label: str = "", limit: int = MAX_IMAGE_BYTES) -> str | None:
    """An image or a sound, as URL or base64. What it is, is found out after the task was accepted, as Kling does."""
    value: str | None = typed(body, field, str, label=label)
    if not value or is_url(value):
        return value or None
    try:
        content = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        # A "data:" prefix ends here too: the colon is not in the alphabet.
        raise bad("File is not in a valid base64 format") from None
    if len(content) > limit:
        raise bad(f"{label or field} size must be less than or equal to {limit // 2**20}MB")
    return value


def without_prefix(value: str) -> str:
    """The base64 of a ``data:`` URI; anything else as it is."""
    head, comma, content = value.partition(",")
    return content if comma and head.startswith("data:image/") and head.endswith(";base64") else value


def is_url(value: str) -> bool:
    """Whether an input names a place instead of holding the content."""
    return value.startswith(("http://", "https://"))


def bounded(query: Mapping[str, str], name: str, *, default: int | None, high: int) -> int:
    """A whole number out of a query; required if it has no default."""
    text = query.get(name)
    if text is None:
        if default is None:
            raise bad(f"{name} is required")
        return default
    if not (text.isascii() and text.isdecimal() and len(text) <= MAX_DIGITS) or not 1 <= int(text) <= high:
        raise bad(f"{name} value '{text}' is invalid")
    return int(text)
