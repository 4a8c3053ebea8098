"""Exponential backoff and jitter. Pure: callers define their own pauses, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

#: Share by which jitter makes a pause longer or shorter, so that callers that began together do not retry together.
JITTER = 0.2

#: The most doublings of a pause; more would overflow a float.
_DOUBLINGS = 20


def exponential(times: int, *, first: float, longest: float) -> float:
    """
    Return how long to wait before the next try: twice as long each time.

    :param times: how often it failed, from 1.
    :param first: seconds after the first failure.
    :param longest: seconds at most.
    """
    return min(longest, first * 2.0 ** min(max(times, 1) - 1, _DOUBLINGS))


def add_jitter(seconds: float, jitter: Callable[[], float]) -> float:
    """
    Return a pause that is up to a fifth longer or shorter.

    :param seconds: the pause.
    :param jitter: returns a number in [0, 1); ``random.random`` outside tests.
    """
    return seconds * (1 - JITTER + 2 * JITTER * jitter())
