"""The progress of a Dag run in one sentence. Pure."""

from __future__ import annotations

import dataclasses
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

#: The fewest finished results from which the remaining time is estimated.
MIN_FINISHED = 2

#: States of a card, in the order in which the sentence names them, with its words.
WORDS = {
    "making": "being made",
    "slot": "waiting for a slot",
    "waiting": "waiting",
    "storing": "being stored",
    "failed": "failed",
    "stopped": "not made",
}

#: States that nothing follows.
ENDED = ("done", "failed", "stopped")


@dataclasses.dataclass(frozen=True)
class Progress:
    """
    Counts of a run.

    :param counts: results in each state; ``done`` and the keys of :data:`WORDS`.
    :param units: what the finished ones cost together, by Kling's word.
    :param priced: for how many finished ones Kling returned a price.
    :param started: epoch seconds when the first began; 0 when none has.
    :param ended: epoch seconds when the last ended; 0 while something is under way.
    """

    counts: Mapping[str, int]
    units: Decimal = Decimal(0)
    priced: int = 0
    started: float = 0.0
    ended: float = 0.0

    @property
    def total(self) -> int:
        """All results, whatever became of them."""
        return sum(self.counts.values())

    @property
    def left(self) -> int:
        """Results that may still come."""
        return self.total - sum(self.counts.get(state, 0) for state in ENDED)

    def sentence(self, now: float) -> str:
        """
        Return the progress in words, such as ``137 of 200 done, 6 being made, about 40 min left, 411 of about 600
        units``.

        :param now: epoch seconds.
        """
        if not self.total:
            return "Nothing of Kling's in this run so far"
        parts = [f"{self.counts.get('done', 0)} of {self.total} done"]
        parts += [f"{self.counts[state]} {words}" for state, words in WORDS.items() if self.counts.get(state)]
        seconds = self.seconds_left(now)
        if seconds is not None:
            parts.append(f"about {format_duration(seconds)} left")
        elif not self.left and self.ended > self.started > 0:
            parts.append(f"took {format_duration(self.ended - self.started)}")
        return ", ".join([*parts, *self._units()])

    def seconds_left(self, now: float) -> float | None:
        """
        Return how long the rest takes if it goes on as before.

        :param now: epoch seconds.
        :return: ``None`` when nothing is left, or too little is known.
        """
        finished = self.counts.get("done", 0) + self.counts.get("failed", 0)
        passed = now - self.started
        if not self.left or finished < MIN_FINISHED or not self.started or passed <= 0:
            return None
        return passed / finished * self.left

    def _units(self) -> list[str]:
        if not self.priced:
            return []
        so_far = f"{_format_number(self.units)}"
        if not self.left:
            return [f"{so_far} units"]
        expected = self.units / self.priced * (self.counts.get("done", 0) + self.left)
        return [f"{so_far} of about {_format_number(expected)} units"]


def format_duration(seconds: float) -> str:
    """
    Return a duration as text, such as ``40 min``.

    :param seconds: how long.
    """
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{round(seconds / 3600, 1):g} h"


def _format_number(value: Decimal) -> str:
    return f"{float(round(value, 1)):g}" if value < 1000 else f"{round(value):,}"
