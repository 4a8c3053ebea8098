"""
Reads single values of a response: each function takes any JSON and returns a usable value or an empty one; none raises.

Kling's own types are narrow. Relays send numbers as text, seconds for milliseconds, ids as numbers and null for absent.
"""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal, InvalidOperation
from typing import Any

from airflow_provider_kling.utils.no_value import NO_VALUE_WORDS
from airflow_provider_kling.utils.untrusted import clean_text

#: The form of an id. Kling's have 18 decimal digits today. An id becomes part of a path, so other forms are refused.
_IDENTIFIER = re.compile(r"(?=.*[A-Za-z0-9])[A-Za-z0-9_-]{1,128}")

#: What programs write in place of a missing id.
_PLACEHOLDER_IDS = NO_VALUE_WORDS | {"0", "nil"}

#: The most characters of a number that comes as text.
_NUMBER_CHARACTERS = 40

#: The largest power of ten of a number, positive or negative; beyond it, computing with it takes time and memory.
_LARGEST_POWER = 30

#: The largest number of units, or amount of money, that is taken for the price of a task.
_LARGEST_AMOUNT = Decimal(10) ** 12

#: Divisors that make milliseconds of seconds, milliseconds, microseconds and nanoseconds.
_TIME_UNITS = (Decimal("0.001"), Decimal(1), Decimal(1000), Decimal(1_000_000))
_EARLIEST, _LATEST = 978_307_200_000, 4_102_444_800_000


def json_object(value: Any) -> dict[str, Any]:
    """Return a JSON object, or an empty one."""
    return value if isinstance(value, dict) else {}


def json_objects(value: Any) -> list[dict[str, Any]]:
    """Return the JSON objects of a list; what else is in it is left out."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def first(source: dict[str, Any], *names: str) -> Any:
    """Return the first field that is there and is not empty."""
    return next((source[name] for name in names if source.get(name) not in (None, "")), None)


def text(value: Any, limit: int = 500) -> str:
    """
    Return text that is safe to log, or an empty one.

    :param value: text or a number; anything else gives an empty text.
    :param limit: the most characters.
    """
    usable = isinstance(value, (str, int, float)) and not isinstance(value, bool)
    return clean_text(value, limit) if usable else ""


def identifier(value: Any) -> str:
    """
    Return an id of the form ``[A-Za-z0-9_-]``, at most 128 characters, or nothing.

    :param value: text or a whole number. A fraction is none: an id that was a floating-point number has lost digits.
    """
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 10**_NUMBER_CHARACTERS:
        value = str(value)
    if not isinstance(value, str) or not _IDENTIFIER.fullmatch(value) or value.lower() in _PLACEHOLDER_IDS:
        return ""
    return value


def number(value: Any) -> Decimal | None:
    """Return a finite number that came as a number or as text, or ``None``."""
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() < 4 * _LARGEST_POWER:
        return Decimal(value)
    if isinstance(value, float) or (isinstance(value, str) and len(value) <= _NUMBER_CHARACTERS):
        try:
            read = Decimal(str(value).strip())
        except InvalidOperation:
            return None
        return read if read.is_finite() and abs(read.adjusted()) <= _LARGEST_POWER else None
    return None


def amount(value: Any) -> str:
    """Return units or money as decimal text; empty when it is no number, negative, or larger than any price."""
    read = number(value)
    if read is None or read < 0 or read >= _LARGEST_AMOUNT:
        return ""
    return format(abs(read), "f")


def milliseconds(value: Any) -> int:
    """
    Return a point in time as epoch milliseconds, or 0.

    :param value: epoch seconds, milliseconds, microseconds or nanoseconds, distinguished by their size; or an ISO 8601
        date with its offset. Without an offset, the time zone would be a guess.
    """
    read = number(value)
    if read is None:
        return _milliseconds_of_date(value)
    fitting = (int(read / unit) for unit in _TIME_UNITS if _EARLIEST <= read / unit < _LATEST)
    return next(fitting, 0)


def _milliseconds_of_date(value: Any) -> int:
    try:
        moment = dt.datetime.fromisoformat(value.strip()) if isinstance(value, str) else None
        read = int(moment.timestamp() * 1000) if moment and moment.tzinfo else 0
    except (ValueError, OverflowError):
        return 0
    return read if _EARLIEST <= read < _LATEST else 0
