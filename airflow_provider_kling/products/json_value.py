"""
Converts whatever a Dag author, a template or an XCom passes into plain JSON values, or raises a sentence that says why
it cannot.

Airflow passes more than lists and dicts: the output of a mapped task is a lazy sequence, native rendering makes tuples
and sets, a database returns ``Decimal``.
"""

from __future__ import annotations

import itertools
import math
import numbers
import re
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from decimal import Decimal
from typing import Any

from airflow_provider_kling.products.formatting import named, shown
from airflow_provider_kling.products.media import InlineImage, TooDeep

#: Deepest nesting; Kling's deepest field, a point of a path of a mask, has four levels.
MAX_DEPTH = 50
#: Most values of one field; Kling's largest, six masks with 77 points each, has 1,400.
MAX_VALUES = 20_000
#: Longest name of a place that begins a sentence.
MAX_PLACE = 40

#: Control characters and halves of surrogate pairs; tab, line ends and U+0085 are text.
_INVALID_CHARACTERS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff]")
_KINDS = "text, numbers, True, False, None, lists and dicts"


class NotJsonError(Exception):
    """A value cannot become JSON; its text is a full sentence. Internal."""


def json_value(value: Any, place: str, *, keep: frozenset[str] = frozenset()) -> Any:
    """
    Return the value in JSON's types; a value that has them already is returned unchanged.

    :param place: the field, for sentences.
    :param keep: keys whose values are left as they are, because they hold a file.
    :raises NotJsonError: when it cannot become JSON, or Kling could not read it.
    """
    return _JsonConverter(keep).read(value, place, 0)


class _JsonConverter:
    """Converts one field. It counts values, because a list that contains itself twice would never end."""

    def __init__(self, keep: frozenset[str]) -> None:
        self.keep = keep
        self.left = MAX_VALUES

    def read(self, value: Any, place: str, depth: int) -> Any:
        if isinstance(value, InlineImage):  # redacted for the UI only
            value = value.content
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, str):
            return _text(str.__str__(value), place)
        if isinstance(value, (numbers.Real, Decimal)):
            return _number(value, place)
        if depth >= MAX_DEPTH or isinstance(value, TooDeep):
            raise NotJsonError(f"Nest {shorten(place)} less deeply: it has more than {MAX_DEPTH} levels.")
        if isinstance(value, Mapping):
            return self._object(value, place, depth)
        if isinstance(value, (Sequence, Iterator)) and not isinstance(value, (bytes, bytearray, memoryview)):
            items = self._bounded(value, place)
            return [self.read(item, f"{place}[{index}]", depth + 1) for index, item in enumerate(items)]
        raise NotJsonError(_type_sentence(value, place))

    def _object(self, value: Mapping[Any, Any], place: str, depth: int) -> dict[str, Any]:
        plain = {}
        for key in self._bounded(value, place):
            if not isinstance(key, str):
                raise NotJsonError(f"Write the keys of {shorten(place)} as text: one of them is {shown(key)}.")
            name = _text(str.__str__(key), f"the keys of {place}")
            inside = f"{place}.{shown(name)[1:-1]}"
            plain[name] = value[key] if name in self.keep else self.read(value[key], inside, depth + 1)
        return plain

    def _bounded(self, values: Any, place: str) -> list[Any]:
        """Read all items once: a lazy sequence fetches each from Airflow, and a generator may be endless."""
        items = list(itertools.islice(values, self.left + 1))
        self.left -= len(items)
        if self.left < 0:
            raise NotJsonError(f"Shorten {shorten(place)}: it has more than {MAX_VALUES} values.")
        return items


def _type_sentence(value: Any, place: str) -> str:
    kind = type(value).__name__
    if isinstance(value, AbstractSet):
        return f"Give {shorten(place)} as a list: it is {_with_article(kind)}, which has no order."
    return f"Give {shorten(place)} in another type: it is {_with_article(kind)}; {_KINDS} can become JSON."


def shorten(place: str) -> str:
    """Cut the name of a place, so that it fits into the beginning of a sentence."""
    return place if len(place) <= MAX_PLACE else f"{place[: MAX_PLACE - 1]}…"


def _with_article(name: str) -> str:
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {shown(name)[1:-1]}"


def _text(text: str, place: str) -> str:
    found = _INVALID_CHARACTERS.search(text)
    if found is None:
        return text
    code = f"U+{ord(found[0]):04X}"
    kind = "half of a surrogate pair" if found[0] >= "\ud800" else "a control character"
    raise NotJsonError(
        f"Take {code} out of {shorten(place)}: it is {kind}, which no text for Kling may hold "
        f"(character {found.start() + 1} of {len(text)})."
    )


def _number(value: Any, place: str) -> int | float:
    if isinstance(value, numbers.Integral):
        whole = int(value)
        if whole.bit_length() > 200:
            raise NotJsonError(f"Give {shorten(place)} as a smaller number: {named(place, whole)}.")
        return whole
    try:
        fraction = float(value)
    except (ValueError, OverflowError):  # Decimal("sNaN"), a Fraction beyond all floats
        fraction = math.nan
    if not math.isfinite(fraction):
        raise NotJsonError(f"Give {shorten(place)} as a finite number: {named(place, value)} cannot become JSON.")
    whole_decimal = isinstance(value, Decimal) and value == value.to_integral_value() and abs(value) < 10**30
    return int(value) if whole_decimal else fraction
