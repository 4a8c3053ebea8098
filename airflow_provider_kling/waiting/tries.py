"""When somebody may go who has seen no free slot, or one that is another triggerer's to take. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_kling.utils import backoff

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_kling.waiting.pace import SlotPace

#: Refusals in a row after which even slots that our own tasks left are not believed in at once.
DOUBTFUL = 3


class Tries:
    """
    Spaces tries, further apart while they are refused.

    :param jitter: returns a number in [0, 1).
    :param pace: how far apart.
    """

    def __init__(self, jitter: Callable[[], float], pace: SlotPace) -> None:
        self._jitter = jitter
        self._pace = pace
        self._refusals = 0
        self._hold_until = self._next_probe = self._next_rare_probe = 0.0
        self._next_overtake = self._overtook_at = 0.0

    def begin(self, now: float) -> None:
        """Somebody waits, and nobody did."""
        self._next_probe = max(self._next_probe, now + self._probe_pause())
        self._next_rare_probe = max(self._next_rare_probe, now + self._jittered(self._pace.rare_probe))
        self._next_overtake = max(self._next_overtake, now + self._jittered(self._pace.overtake))

    def is_held(self, now: float) -> bool:
        """Whether somebody was refused a moment ago."""
        return now < self._hold_until

    @property
    def is_doubtful(self) -> bool:
        """Whether so many were refused that no slot is believed in at once."""
        return self._refusals >= DOUBTFUL

    def blind(self, now: float) -> bool:
        """Whether one may try now, when the list cannot be read."""
        if now < self._next_probe:
            return False
        self._next_probe = now + self._probe_pause()
        return True

    def rare(self, now: float) -> bool:
        """Whether one may try now, when the list shows no free slot."""
        if now < self._next_rare_probe:
            return False
        self._next_rare_probe = now + self._jittered(self._pace.rare_probe)
        return True

    def overtake(self, now: float) -> bool:
        """Whether one may try now for a slot that is left to others."""
        if now < self._next_overtake:
            return False
        self._next_overtake, self._overtook_at = now + self._jittered(self._pace.overtake), now
        return True

    def refused(self, now: float) -> None:
        """One who was let go was refused."""
        self._refusals += 1
        hold = backoff.growing(self._refusals, first=self._pace.hold_first, longest=self._pace.hold_longest)
        self._hold_until = now + self._jittered(hold)
        self._next_probe = now + self._probe_pause()

    def accepted(self) -> None:
        """One who was let go was not refused."""
        self._refusals = 0

    def found_unseen(self, now: float) -> None:
        """There was a slot that nobody saw; there may be more."""
        self._next_probe = self._next_rare_probe = now

    def overtaken(self, at: float) -> None:
        """
        Whoever left a slot may leave another one.

        :param at: epoch seconds when the one who got it was let go.
        """
        if at == self._overtook_at:
            self._next_overtake = 0.0

    def _probe_pause(self) -> float:
        pace = self._pace
        return self._jittered(backoff.growing(self._refusals + 1, first=pace.probe_first, longest=pace.probe_longest))

    def _jittered(self, seconds: float) -> float:
        return backoff.jittered(seconds, self._jitter)
