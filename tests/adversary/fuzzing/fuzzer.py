"""
What all fuzzers share: a time to spend, a rule, and ways to damage what is valid.

The rule: a call succeeds, or raises an error of the package that is one readable sentence. Never a raw exception, never
a hang.
"""

from __future__ import annotations

import copy
import os
import time
from typing import TYPE_CHECKING, Any, TypeVar

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_provider_kling.exceptions import KlingError
from airflow_provider_kling.utils._airflow.compat import AirflowSkipException

if TYPE_CHECKING:
    from collections.abc import Callable

Value = TypeVar("Value")
Result = TypeVar("Result")

#: Seconds that all fuzzers together may take: a minute in ``make test``, ten in ``make fuzz``.
SECONDS = float(os.environ.get("FUZZ_SECONDS", "60"))

#: So many fuzzers share them.
FUZZERS = 14

#: One call may take this long on a busy machine; more is a hang.
HANG_SECONDS = 15.0

#: The longest error that anybody reads.
MAX_SENTENCE = 20_000


def fuzz(strategy: st.SearchStrategy[Value], check: Callable[[Value], object], *, share: float = 1.0) -> None:
    """Feed ``check`` with values of ``strategy`` for this fuzzer's part of the time."""
    end = time.monotonic() + share * SECONDS / FUZZERS

    @settings(max_examples=40, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(strategy)
    def feed(value: Value) -> None:
        began = time.monotonic()
        check(value)
        assert time.monotonic() - began < HANG_SECONDS, "that was a hang"

    while time.monotonic() < end:
        feed()


def obeys(call: Callable[[], Result]) -> Result | KlingError | None:
    """Make a call that must obey the rule; return its result, or the error of the package that it raised."""
    try:
        return call()
    except KlingError as error:
        assert_readable(error)
        return error
    except AirflowSkipException:
        return None


def assert_readable(error: KlingError) -> None:
    """An error is text that can be stored, shown, and read."""
    text = str(error)
    assert text.strip()
    assert len(text) < MAX_SENTENCE
    text.encode("utf-8")
    assert "code None" not in text
    assert "Traceback" not in text


#: Text with what breaks parsers: surrogates, separators, signs of other notations, much of it.
odd_text = st.one_of(
    st.text(st.characters(), max_size=30),
    st.sampled_from(
        [
            *("None", "null", "NaN", "inf", "-1", "0", "1e999", "../../x", "a\x00b", "\ud800", "\u2028", "\u202e"),
            *("{{ ti }}", "<svg/onload=x>", "javascript:alert(1)", "https://[::1", "http://h:99999/", "data:,"),
            *("[[[[", '{"a":', "s3://", "s3://b/*?[", "file:///", "%2e%2e/", "9" * 400, "a." * 20_000, "x" * 60_000),
        ]
    ),
)

odd_number = st.one_of(
    st.integers(),
    st.floats(),
    st.booleans(),
    st.sampled_from([10**400, -(10**30), 2**63, 0, float("nan"), float("inf")]),
)

#: Anything that JSON can say, and what Python's reader lets through besides.
odd_json = st.recursive(
    st.one_of(st.none(), odd_number, odd_text),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(odd_text, inner, max_size=4)),
    max_leaves=8,
)


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in nested JSON, the whole included."""
    found = [at]
    if isinstance(value, dict):
        found += [place for key in value for place in places(value[key], (*at, key))]
    if isinstance(value, list):
        found += [place for index in range(len(value)) for place in places(value[index], (*at, index))]
    return found


def replaced(value: Any, place: tuple[Any, ...], other: Any) -> Any:
    """A copy with another value at one place."""
    if not place:
        return other
    whole = copy.deepcopy(value)
    holder = whole
    for key in place[:-1]:
        holder = holder[key]
    holder[place[-1]] = other
    return whole


def damaged_json(valid: Any) -> st.SearchStrategy[Any]:
    """Something valid with one or two of its values replaced by anything."""
    once = st.builds(lambda place, other: replaced(valid, place, other), st.sampled_from(places(valid)), odd_json)

    def again(value: Any) -> st.SearchStrategy[Any]:
        return st.builds(lambda place, other: replaced(value, place, other), st.sampled_from(places(value)), odd_json)

    return st.one_of(once, once.flatmap(again))


def damaged_bytes(valid: bytes) -> st.SearchStrategy[bytes]:
    """A file that is cut, that has bytes changed, repeated, taken out or put in."""
    position = st.integers(0, max(len(valid) - 1, 0))
    changes = st.lists(st.tuples(position, st.binary(max_size=8), st.integers(0, 8)), min_size=1, max_size=6)

    def apply(steps: list[tuple[int, bytes, int]], end: int) -> bytes:
        data = bytearray(valid)
        for at, put, taken in steps:
            data[at : at + taken] = put
        return bytes(data[:end]) if end < len(data) else bytes(data)

    return st.builds(apply, changes, st.one_of(st.just(len(valid) + 99), position))
