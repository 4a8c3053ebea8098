"""
Converts and checks the package's own arguments (not Kling's fields), before anything is paid. Pure.

Dag authors, templates and XComs pass numbers as text, durations as ``timedelta``, paths as objects, and the text
``None`` where a template had no value. Each function returns one type, or refuses the value with a sentence that begins
with what to do.
"""

from __future__ import annotations

import contextlib
import math
import numbers
import os
import re
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

from airflow_provider_kling.exceptions import KlingConfigurationError, KlingValidationError
from airflow_provider_kling.get_provider_info import DEFAULT_CONN_NAME
from airflow_provider_kling.products.formatting import named, one_of
from airflow_provider_kling.utils.no_value import is_rendered_none

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

#: ``strict`` refuses requests with errors, ``warn`` only logs them, ``off`` checks nothing.
Validate = Literal["strict", "warn", "off"]

#: The longest time in seconds: ten years. Far longer ones overflow ``timedelta`` and the database.
MAX_SECONDS = 10 * 365 * 86_400.0

_NUMBER = re.compile(r"[+-]?(?:\d{1,18}(?:\.\d{0,18})?|\.\d{1,18})(?:[eE][+-]?\d{1,2})?", re.ASCII)

#: Invisible characters, which pasted text may hold; no name of a connection or a file is meant to have one.
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u200b\u2028\u2029\u2060\ufeff\ud800-\udfff]")

#: Airflow's own limit.
_MAX_CONNECTION = 250


def seconds(name: str, value: Any, *, default: float | None = None, minimum: float = 0.0) -> float:
    """
    Return a time in seconds.

    :param name: the argument's name.
    :param value: a number, the same as text, or a ``timedelta``.
    :param default: for ``None``; without a default, ``None`` is refused.
    :param minimum: the least that makes sense.
    :raises KlingValidationError: when it is none of these, not finite, below ``minimum`` or above ten years.
    """
    if value is None and default is not None:
        return default
    found = value.total_seconds() if isinstance(value, timedelta) else _to_finite(value)
    if found is None:
        raise KlingValidationError([f"Give {name} in seconds, or as a timedelta; {named(name, value)} is neither."])
    if not minimum <= found <= MAX_SECONDS:
        raise KlingValidationError(
            [f"Give {name} of {minimum:g} to {MAX_SECONDS:.0f} seconds; {named(name, value)} is not in between."]
        )
    return found


def whole_number(name: str, value: Any, minimum: int, maximum: int = 1_000_000) -> int:
    """
    Return a whole number.

    :param name: the argument's name.
    :param value: a number, or the same as text.
    :param minimum: the least that makes sense.
    :param maximum: the most.
    :raises KlingValidationError: when it is no whole number between the two.
    """
    found = _to_finite(value)
    if found is None or found != int(found) or not minimum <= found <= maximum:
        raise KlingValidationError(
            [f"Give {name} as a whole number of {minimum} or more; {named(name, value)} is none."]
            if found is None or found < maximum
            else [f"Give {name} of at most {maximum}; {named(name, value)} is more."]
        )
    return int(found)


def amount(name: str, value: Any) -> float | None:
    """
    Return an amount above 0, or ``None`` when none was given.

    :param name: the argument's name.
    :param value: a number, the same as text, or ``None``.
    :raises KlingValidationError: when it is no number above 0.
    """
    if value is None:
        return None
    found = _to_finite(value)
    if found is None or found <= 0:
        raise KlingValidationError([f"Give {name} as a number above 0, or leave it out; {named(name, value)} is none."])
    return found


def choice(name: str, value: Any, allowed: Collection[str]) -> str:
    """
    Return one of some words.

    :param name: the argument's name.
    :param value: what was given; capitals and blanks around it do not matter.
    :param allowed: the words.
    :raises KlingValidationError: for another word; it names the one that was probably meant.
    """
    word = value.strip().lower() if isinstance(value, str) else ""
    if word in allowed:
        return word
    # Only a wrong word needs it.
    import difflib

    near = difflib.get_close_matches(word[:60], allowed, 1)
    advice = f"Did you mean {name}={near[0]!r}?" if near else f"Give {name} as {one_of(allowed)}."
    sentence = f"{advice} {named(name, value)} is unknown; {one_of(allowed)} can be given."
    raise KlingValidationError([sentence])


def place(name: str, value: Any) -> str | None:
    """
    Return a file's or folder's URI or path as text, or ``None`` when none was given.

    :param name: the argument's name.
    :param value: text, or a path object (``Path``, ``ObjectStoragePath``).
    :raises KlingValidationError: for the text ``None``, text that no storage takes, and anything else.
    """
    if value is None:
        return None
    text = value if isinstance(value, str) else _text_of_path(value)
    if text is None:
        raise KlingValidationError([f"Give {name} as a URI or a path; {named(name, value)} is neither."])
    text = text.strip()
    if is_rendered_none(text):
        raise KlingValidationError([_without_value(name, text)])
    if unseen := _UNSEEN.search(text):
        raise KlingValidationError([_take_out(name, unseen, "it names a place")])
    return text or None


def connection(name: str, value: Any) -> str | None:
    """
    Return the name of an Airflow connection, or ``None`` when none was given.

    :param name: the argument's name.
    :param value: text, or ``None``.
    :raises KlingValidationError: for the text ``None``, and for what is no name of a connection.
    """
    if value is None:
        return None
    text = str.__str__(value).strip() if isinstance(value, str) else None
    if text is None or len(text) > _MAX_CONNECTION:
        raise KlingValidationError([f"Give {name} the name of an Airflow connection: {named(name, value)} is none."])
    if is_rendered_none(text):
        raise KlingValidationError([_without_value(name, text)])
    if unseen := _UNSEEN.search(text):
        raise KlingValidationError([_take_out(name, unseen, "no name of a connection has it")])
    return text or None


def kling_connection(value: Any) -> str:
    """
    Return the name of the Kling connection.

    :param value: text; blanks around it are dropped.
    :raises KlingConfigurationError: when it names none.
    """
    try:
        name = connection("kling_conn_id", value)
    except KlingValidationError as error:
        raise KlingConfigurationError(error.problems[0]) from None
    if name is None:
        raise KlingConfigurationError(
            "Check the template of kling_conn_id, or leave it out: it names no connection.\n"
            f"It is {value!r}; the default is {DEFAULT_CONN_NAME}."
        )
    return name


def switch(name: str, value: Any) -> bool:
    """
    Return whether something is asked for.

    :param name: the argument's name.
    :param value: ``True`` or ``False``; text is neither, because the text ``False`` would count as true.
    :raises KlingValidationError: for anything else.
    """
    if not isinstance(value, bool):
        raise KlingValidationError([f"Give {name} as True or False: {named(name, value)} is neither."])
    return value


def _take_out(name: str, unseen: re.Match[str], why: str) -> str:
    return f"Take U+{ord(unseen[0]):04X} out of {name}: {why} (character {unseen.start() + 1})."


def _without_value(name: str, text: str) -> str:
    return f"Give the template of {name} a value, or leave {name} out: it rendered to {named(name, text)}."


def fields(value: Any) -> Mapping[str, Any]:
    """
    Return a request's fields.

    :param value: by their names.
    :raises KlingValidationError: when they have none.
    """
    if not isinstance(value, Mapping):
        raise KlingValidationError([f"Give fields as a dict {{field: value}}: {named('fields', value)} is not a dict."])
    return value


def _text_of_path(value: Any) -> str | None:
    # ObjectStoragePath is not always an os.PathLike, and its text names the connection too.
    if hasattr(value, "protocol") and hasattr(value, "path"):
        return str(value)
    return os.fsdecode(value) if isinstance(value, os.PathLike) else None


def _to_finite(value: Any) -> float | None:
    """Return a value as a finite number; ``None`` when it is none."""
    if isinstance(value, str):
        text = value.strip()
        return float(text) if _NUMBER.fullmatch(text) else None
    if isinstance(value, bool) or not isinstance(value, (numbers.Real, Decimal)):
        return None
    try:
        found = float(value)
    except (ArithmeticError, ValueError):
        return None
    return found if math.isfinite(found) else None


@contextlib.contextmanager
def collect(problems: list[str]) -> Iterator[None]:
    """
    Collect the problems of a :class:`KlingValidationError` instead of raising it, so that all are reported at once.

    :param problems: the list to which they are added.
    """
    try:
        yield
    except KlingValidationError as error:
        problems.extend(error.problems)
