"""Validation that all products share. Errors are 1201 with Kling's text.

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

#: Maximum bytes of an image on paths of the second generation.
MAX_LARGE_IMAGE_BYTES: Final = 50 * 1024 * 1024

_TYPE_NAMES: Final[dict[type, str]] = {
    str: "string",
    bool: "boolean",
    int: "integer",
    float: "number",
    list: "array",
    dict: "object",
}

#: Longer numbers are neither a page nor a time, and Python raises an error for very long ones.
MAX_DIGITS: Final = 16

Body = Mapping[str, Any]


class LenientObject(dict[str, Any]):
    """An object of a request that may have a number for a string field, and a string for a number or boolean."""

    def converted(self, value: Any, kind: type) -> Any:
        """``value`` converted to ``kind`` if possible; else unchanged."""
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


def invalid(message: str) -> KlingError:
    """The error for an invalid key or value."""
    return KlingError(1201, message)


def typed(body: Body, field: str, kind: type, default: Any = None, *, label: str = "") -> Any:
    """The value of ``field``, which must be of ``kind``; ``null`` counts as absent."""
    value = body.get(field)
    if isinstance(body, LenientObject):
        value = body.converted(value, kind)
    if value is None:
        return default
    is_flag = isinstance(value, bool)
    accepted = (int, float) if kind is float else kind
    if not isinstance(value, accepted) or (is_flag and kind is not bool):
        raise invalid(f"{label or field} value type is invalid, expected {_TYPE_NAMES[kind]}")
    return value


def choice(body: Body, field: str, allowed: Sequence[str], default: str | None, *, label: str = "") -> Any:
    """A string that must be one of ``allowed``."""
    value = typed(body, field, str, default, label=label)
    if value is not None and value not in allowed:
        raise invalid(f"{label or field} value '{value}' is invalid, allowed values: {', '.join(allowed)}")
    return value


def text(body: Body, field: str, limit: int, *, label: str = "") -> str:
    """A string of at most ``limit`` characters; empty if absent."""
    value: str = typed(body, field, str, "", label=label)
    if len(value) > limit:
        raise invalid(f"{label or field} length must be less than or equal to {limit}")
    return value


def number(body: Body, field: str, low: float, high: float, *, label: str = "") -> float | None:
    """A number between ``low`` and ``high``."""
    value: float | None = typed(body, field, float, label=label)
    if value is not None and not low <= value <= high:
        raise invalid(f"{label or field} value '{value}' is invalid, must be between {low} and {high}")
    return value


def url_or_base64(body: Body, field: str, *, label: str = "", limit: int = MAX_IMAGE_BYTES) -> str | None:
    """An image or a sound, as URL or base64. Its content is checked after the task was accepted, as Kling does."""
    value: str | None = typed(body, field, str, label=label)
    if not value or is_url(value):
        return value or None
    try:
        content = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        # A "data:" URI is rejected here too: the colon is not in the base64 alphabet.
        raise invalid("File is not in a valid base64 format") from None
    if len(content) > limit:
        raise invalid(f"{label or field} size must be less than or equal to {limit // 2**20}MB")
    return value


def strip_data_uri_prefix(value: str) -> str:
    """The base64 part of a ``data:`` URI; any other value unchanged."""
    head, comma, content = value.partition(",")
    return content if comma and head.startswith("data:image/") and head.endswith(";base64") else value


def is_url(value: str) -> bool:
    """Whether an input is a URL rather than the content."""
    return value.startswith(("http://", "https://"))


def query_number(query: Mapping[str, str], name: str, *, default: int | None, high: int) -> int:
    """An integer query parameter between 1 and ``high``; required if it has no default."""
    text = query.get(name)
    if text is None:
        if default is None:
            raise invalid(f"{name} is required")
        return default
    if not (text.isascii() and text.isdecimal() and len(text) <= MAX_DIGITS) or not 1 <= int(text) <= high:
        raise invalid(f"{name} value '{text}' is invalid")
    return int(text)
