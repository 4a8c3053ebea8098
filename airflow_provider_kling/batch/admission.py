"""
Whether Kling takes one more submission now: speed, and refusals that concern all items. Pure.

Slots belong to all who use the account: :mod:`airflow_provider_kling.batch.slots` asks for one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_kling import polling
from airflow_provider_kling.batch.actions import Failure
from airflow_provider_kling.exceptions import (
    KlingAccountError,
    KlingAuthenticationError,
    KlingConcurrencyError,
    KlingConfigurationError,
    KlingIpPolicyError,
    KlingThrottledError,
)
from airflow_provider_kling.utils import backoff

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from airflow_provider_kling.batch.actions import Policy
    from airflow_provider_kling.batch.item import Item
    from airflow_provider_kling.batch.slots import BatchSlots
    from airflow_provider_kling.exceptions import KlingError
    from airflow_provider_kling.models import Task

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
    :param slots: the batch among those who want a slot, for each of its pools.
    """

    def __init__(self, policy: Policy, jitter: Callable[[], float], slots: Sequence[BatchSlots]) -> None:
        self._policy = policy
        self._slots = slots
        self._jitter = jitter
        #: Why nothing is submitted any more.
        self.refusal: Failure | None = None
        self._paused_until = self._refused_since = 0.0
        self._rate_refusals = self._refusals = self._strange_answers = 0

    def pause(self, times: int) -> float:
        """Return a jittered pause, in seconds, after so many failures."""
        return backoff.add_jitter(self._policy.pace.pause(times), self._jitter)

    def is_open(self, now: float) -> bool:
        """Whether anything may be submitted now."""
        return now >= self._paused_until

    def next_times(self) -> tuple[float, ...]:
        """When more may be submitted, epoch seconds."""
        return *(slots.next_time() for slots in self._slots), self._paused_until

    def may_submit(self, item: Item, in_flight: int, beside: int, now: float) -> bool:
        """
        Return whether there is a slot for one more, which is submitted then.

        :param item: the next that needs such a slot.
        :param in_flight: how many of ours are at Kling now, or may be.
        :param beside: how many of those have, or may have, slots of its kind.
        :param now: epoch seconds.
        """
        return in_flight < self._policy.concurrency and self._slots[item.pool].may_submit(item.key, beside, now)

    def nothing_to_submit(self, but: Collection[int]) -> None:
        """
        Leave the slots to others.

        :param but: the pools of which something is to be submitted.
        """
        for pool, slots in enumerate(self._slots):
            if pool not in but:
                slots.leave_queue()

    def accepted(self, item: Item, task: Task, beside: int, now: float) -> None:
        """
        Kling took a submission.

        :param item: whose.
        :param task: as Kling reports it.
        :param beside: how many of ours have, or may have, slots of its kind.
        :param now: epoch seconds.
        """
        self._refusals = self._rate_refusals = self._strange_answers = 0
        self._slots[item.pool].accepted(item.key, task, beside, now)

    def not_accepted(self, item: Item, error: KlingError, running: int, now: float) -> None:
        """
        A submission brought no task: Kling has no slot (1303), requests come too fast (1302), or something else.

        :param item: whose.
        :param error: why.
        :param running: how many of ours have slots of its kind.
        :param now: epoch seconds.
        """
        slots = self._slots[item.pool]
        if isinstance(error, KlingConcurrencyError):
            slots.refused(item.key, running, now)
            return
        slots.not_accepted(item.key)
        if isinstance(error, KlingThrottledError):
            self._rate_refusals += 1
            self._paused_until = now + self.pause(self._rate_refusals)

    def ended(self, item: Item, task: Task, now: float) -> None:
        """A task of ours ended; its slot is free."""
        self._slots[item.pool].ended(task, now)

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
