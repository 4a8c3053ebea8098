"""When a waiter may submit without a free slot: as a probe, or with a slot left to another triggerer. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_kling.utils import backoff

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_kling.waiting.pace import SlotPace

#: After this many refusals in a row, even a slot that a task of this process left is not used at once.
REPEATED = 3


class Probes:
    """
    Spaces submissions that may be refused, further apart while they are.

    All times are epoch seconds.

    :param jitter: returns a number in [0, 1).
    :param pace: how far apart.
    """

    def __init__(self, jitter: Callable[[], float], pace: SlotPace) -> None:
        self._jitter = jitter
        self._pace = pace
        self._refusals = 0
        self._backoff_until = self._next_probe = self._next_probe_despite_list = 0.0
        self._next_take_from_others = self._took_from_others_at = 0.0

    def start(self, now: float) -> None:
        """Begin to count: a first waiter has joined an empty queue."""
        self._next_probe = max(self._next_probe, now + self._probe_pause())
        self._next_probe_despite_list = max(
            self._next_probe_despite_list, now + self._jittered(self._pace.probe_despite_list)
        )
        self._next_take_from_others = max(
            self._next_take_from_others, now + self._jittered(self._pace.take_from_others)
        )

    def is_backing_off(self, now: float) -> bool:
        """Whether a submission was refused a moment ago."""
        return now < self._backoff_until

    @property
    def is_refused_repeatedly(self) -> bool:
        """Whether so many submissions in a row were refused that no free slot is used at once."""
        return self._refusals >= REPEATED

    def may_probe_without_list(self, now: float) -> bool:
        """Whether a waiter may submit now, when Kling's list cannot be read; counts as a probe then."""
        if now < self._next_probe:
            return False
        self._next_probe = now + self._probe_pause()
        return True

    def may_probe_despite_list(self, now: float) -> bool:
        """Whether a waiter may submit now, although the list shows no free slot; counts as a probe then."""
        if now < self._next_probe_despite_list:
            return False
        self._next_probe_despite_list = now + self._jittered(self._pace.probe_despite_list)
        return True

    def may_take_from_others(self, now: float) -> bool:
        """Whether a waiter may use a slot now that is left to another triggerer; counts as taken then."""
        if now < self._next_take_from_others:
            return False
        self._next_take_from_others = now + self._jittered(self._pace.take_from_others)
        self._took_from_others_at = now
        return True

    def on_refused(self, now: float) -> None:
        """Kling refused a submission that was granted."""
        self._refusals += 1
        pause = backoff.exponential(self._refusals, first=self._pace.backoff_first, longest=self._pace.backoff_longest)
        self._backoff_until = now + self._jittered(pause)
        self._next_probe = now + self._probe_pause()

    def on_accepted(self) -> None:
        """Kling accepted a submission that was granted."""
        self._refusals = 0

    def on_unlisted_slot(self, now: float) -> None:
        """A probe found a slot that the list did not show; there may be more."""
        self._next_probe = self._next_probe_despite_list = now

    def on_taken_from_others(self, granted_at: float) -> None:
        """
        A slot that was left to another triggerer was free; the next one may be, too.

        :param granted_at: when it was granted.
        """
        if granted_at == self._took_from_others_at:
            self._next_take_from_others = 0.0

    def _probe_pause(self) -> float:
        pace = self._pace
        return self._jittered(
            backoff.exponential(self._refusals + 1, first=pace.probe_first, longest=pace.probe_longest)
        )

    def _jittered(self, seconds: float) -> float:
        return backoff.add_jitter(seconds, self._jitter)
