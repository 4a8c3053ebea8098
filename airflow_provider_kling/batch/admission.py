"""
Whether one more item may be submitted now: rate limits, slots, and refusals that concern all items. Pure.

The slots are shared with others who use the account: :mod:`airflow_provider_kling.batch.slots` asks for one.
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
ACCOUNT_ERRORS = (KlingAuthenticationError, KlingAccountError, KlingIpPolicyError, KlingConfigurationError)

#: Refusals that only a person can resolve; they end all submissions at once.
FINAL_ERRORS = (KlingAccountError, KlingIpPolicyError)

#: Responses in a row that are not Kling's (error pages of a proxy) after which they concern all items.
MAX_UNEXPECTED_RESPONSES = 4


class Admission:
    """
    Decides whether an item may be submitted, from Kling's responses so far.

    :param policy: the limits of the batch.
    :param jitter: returns a number in [0, 1).
    :param slots: the batch in the queue for slots, for each of its pools.
    """

    def __init__(self, policy: Policy, jitter: Callable[[], float], slots: Sequence[BatchSlots]) -> None:
        self._policy = policy
        self._slots = slots
        self._jitter = jitter
        #: Why nothing more is submitted.
        self.refusal: Failure | None = None
        self._paused_until = self._refused_since = 0.0
        self._rate_refusals = self._refusals = self._unexpected_responses = 0

    def pause(self, times: int) -> float:
        """Return a jittered pause, in seconds, after this many failures."""
        return backoff.add_jitter(self._policy.pace.pause(times), self._jitter)

    def is_open(self, now: float) -> bool:
        """Whether anything may be submitted now."""
        return now >= self._paused_until

    def next_times(self) -> tuple[float, ...]:
        """When more may be submitted, epoch seconds."""
        return *(slots.next_time() for slots in self._slots), self._paused_until

    def may_submit(self, item: Item, in_flight: int, in_pool: int, now: float) -> bool:
        """
        Return whether there is a slot for one more; the caller then submits it.

        :param item: the next item.
        :param in_flight: how many tasks of the batch are at Kling, or may be.
        :param in_pool: how many of those use, or may use, the item's pool.
        :param now: epoch seconds.
        """
        return in_flight < self._policy.concurrency and self._slots[item.pool].may_submit(item.key, in_pool, now)

    def leave_queues(self, except_pools: Collection[int]) -> None:
        """
        Leave the queues of all pools but some.

        :param except_pools: the pools with an item to submit.
        """
        for pool, slots in enumerate(self._slots):
            if pool not in except_pools:
                slots.leave_queue()

    def accepted(self, item: Item, task: Task, in_pool: int, now: float) -> None:
        """
        Kling accepted a submission.

        :param item: the item.
        :param task: as Kling reports it.
        :param in_pool: how many tasks of the batch use, or may use, the item's pool.
        :param now: epoch seconds.
        """
        self._refusals = self._rate_refusals = self._unexpected_responses = 0
        self._slots[item.pool].accepted(item.key, task, in_pool, now)

    def not_accepted(self, item: Item, error: KlingError, running: int, now: float) -> None:
        """
        Kling did not accept a submission: no slot (1303), too many requests (1302), or another reason.

        :param item: the item.
        :param error: why.
        :param running: how many tasks of the batch use the item's pool.
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
        """A task of the batch ended; its slot is free."""
        self._slots[item.pool].ended(task, now)

    def unexpected_response(self, error: KlingError, now: float) -> None:
        """A response to a submission is not Kling's; several in a row concern all items."""
        self._unexpected_responses += 1
        if self._unexpected_responses >= MAX_UNEXPECTED_RESPONSES:
            self.refused(error, now)

    def refused(self, error: KlingError, now: float) -> None:
        """
        Record a refusal that concerns all items. Some are final; others (a key, a connection, an error page) may pass.

        Those pause all submissions, longer each time, and end them when they last.
        """
        if isinstance(error, FINAL_ERRORS):
            self.refusal = Failure.of(error, now)
        # Refusals that several threads meet at the same time count once.
        if self.refusal or now < self._paused_until:
            return
        self._refused_since = self._refused_since if self._refusals else now
        self._refusals += 1
        self._paused_until = now + self.pause(self._refusals)
        is_key_refused = isinstance(error, KlingAuthenticationError)
        lasts = now - self._refused_since >= self._policy.pace.patience
        if (is_key_refused and self._refusals >= polling.MAX_REFUSALS) or lasts:
            self.refusal = Failure.of(error, now, permanent=is_key_refused)
