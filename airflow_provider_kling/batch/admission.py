"""Whether Kling takes one more submission now: slots, speed, and refusals that concern all items. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_kling import backoff, polling
from airflow_provider_kling.batch.actions import Failure
from airflow_provider_kling.exceptions import (
    KlingAccountError,
    KlingAuthenticationError,
    KlingConfigurationError,
    KlingIpPolicyError,
    KlingRateLimitError,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_kling.batch.actions import Policy
    from airflow_provider_kling.exceptions import KlingError

#: Errors that every other item would meet too.
CONCERNS_ALL = (KlingAuthenticationError, KlingAccountError, KlingIpPolicyError, KlingConfigurationError)

#: Refusals that a person has to mend; they end all submissions at once.
FINAL = (KlingAccountError, KlingIpPolicyError)

#: Strange answers (an error page of something in between) in a row that are taken to concern all items.
STRANGE_IN_A_ROW = 4


class Admission:
    """
    What was learned of Kling's readiness.

    :param policy: how far the batch may go.
    :param jitter: returns a number in [0, 1).
    """

    def __init__(self, policy: Policy, jitter: Callable[[], float]) -> None:
        self._policy = policy
        self._jitter = jitter
        #: Why nothing is submitted any more.
        self.refusal: Failure | None = None
        # Tasks of ours that were running when Kling answered 1303 last; the limit until ``_blocked_until``.
        self._ceiling: int | None = None
        self._blocked_until = self._paused_until = self._refused_since = 0.0
        self._slot_refusals = self._rate_refusals = self._refusals = self._strange_answers = 0

    def pause(self, times: int) -> float:
        """Return a jittered pause, in seconds, after so many failures."""
        return backoff.jittered(self._policy.pace.pause(times), self._jitter)

    def is_open(self, now: float) -> bool:
        """Whether anything may be submitted now."""
        return now >= self._paused_until

    def limit(self, now: float) -> int:
        """Return how many tasks may be at Kling at once, now."""
        if self._ceiling is None:
            return self._policy.concurrency
        # Once the pause is over, one more is tried: others may have left their slots.
        return min(self._policy.concurrency, self._ceiling + (now >= self._blocked_until))

    def next_times(self) -> tuple[float, float]:
        """When more may be submitted, epoch seconds."""
        return self._blocked_until, self._paused_until

    def accepted(self, running: int) -> None:
        """
        Kling took a submission.

        :param running: how many of ours are at Kling now.
        """
        self._refusals = self._rate_refusals = self._strange_answers = 0
        if self._ceiling is not None and running > self._ceiling:
            self._ceiling, self._blocked_until, self._slot_refusals = running, 0.0, 0

    def throttled(self, error: KlingError, running: int, now: float) -> None:
        """Kling has no slot (1303), or requests come too fast (1302)."""
        if isinstance(error, KlingRateLimitError):
            self._rate_refusals += 1
            self._paused_until = now + self.pause(self._rate_refusals)
        else:
            self._slot_refusals += 1
            self._ceiling, self._blocked_until = running, now + self.pause(self._slot_refusals)

    def strange_answer(self, error: KlingError, now: float) -> None:
        """An answer to one submission is not Kling's; several in a row concern all."""
        self._strange_answers += 1
        if self._strange_answers >= STRANGE_IN_A_ROW:
            self.refused(error, now)

    def refused(self, error: KlingError, now: float) -> None:
        """
        Note a refusal that concerns all items: some are final; others (a key, a connection, an error page) may pass.

        Those pause everything, longer each time, and are believed when they last.
        """
        if isinstance(error, FINAL):
            self.refusal = Failure.of(error, now)
        # What several threads meet in the same moment counts once.
        if self.refusal or now < self._paused_until:
            return
        self._refused_since = self._refused_since if self._refusals else now
        self._refusals += 1
        self._paused_until = now + self.pause(self._refusals)
        key = isinstance(error, KlingAuthenticationError)
        lasts = now - self._refused_since >= self._policy.pace.patience
        if (key and self._refusals >= polling.MAX_REFUSALS) or lasts:
            self.refusal = Failure.of(error, now, permanent=key)
