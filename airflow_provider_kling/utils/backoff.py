"""Pauses that grow, and the chance that keeps callers apart. Pure: callers keep their numbers beside their reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

#: Share by which a pause is longer or shorter, so that what began together does not go on together.
JITTER = 0.2

#: Doublings after which a pause grows no more, whatever the longest is: a float has an end.
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
