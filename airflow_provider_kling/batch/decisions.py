"""What a batch does next, from the phases of its items. Pure; the cost depends on the actions, not on the items."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from airflow_provider_kling.batch.actions import (
    MAX_BACKLOG_PER_THREAD,
    FindTask,
    Finish,
    Phase,
    Store,
    Submit,
    Wait,
    Watch,
)
from airflow_provider_kling.batch.item import IN_FLIGHT
from airflow_provider_kling.submission.identity import attempt_id

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_kling.batch.actions import Action, Policy, Reason
    from airflow_provider_kling.batch.admission import Admission
    from airflow_provider_kling.batch.item import Item
    from airflow_provider_kling.batch.ledger import Ledger

#: How often an item that was not sent, or that a proxy refused, is tried before it counts as failed.
MAX_ITEM_TRIES = 8

#: A thread works on the item. The batch waits for its result before it ends, unless the thread hangs.
BUSY_PHASES = (Phase.SENDING, Phase.LOOKING, Phase.STORING)


class Decisions:
    """
    Turns the phases of the items into actions.

    :param ledger: the items by phase; an action moves its item.
    :param admission: whether an item may be submitted.
    :param policy: the limits of the batch.
    """

    def __init__(self, ledger: Ledger, admission: Admission, policy: Policy) -> None:
        self._ledger = ledger
        self._admission = admission
        self._policy = policy

    def decide(self, now: float) -> list[Action]:
        """
        Return what to do now; each action is returned once.

        :param now: epoch seconds.
        """
        stopped = self._stopped_by(now)
        if finish := self._finish(stopped, now):
            return [finish]
        actions: list[Action] = [*self._watches(now), *self._stores(now)]
        if stopped:
            self._admission.leave_queues(())
        actions += self._look_ups(now) if stopped else self._submissions(now)
        return [*actions, Wait(self._until_next(now))]

    def _stopped_by(self, now: float) -> Reason | None:
        """Return why nothing more will be submitted."""
        if self._admission.refusal:
            return "refused"
        if self._policy.stop_on_failure and self._any(Phase.FAILED):
            return "item_failure"
        if now >= self._policy.end_time:
            return "timeout"
        if self._any(Phase.WAITING) and not self._any(*IN_FLIGHT) and not self._is_affordable():
            return "max_units"
        return None

    def _finish(self, stopped: Reason | None, now: float) -> Finish | None:
        refusal, pace = self._admission.refusal, self._policy.pace
        if self._any(*BUSY_PHASES) and now < self._policy.end_time + pace.grace_period:
            return None
        if self._any(*BUSY_PHASES, Phase.DOUBT, Phase.RUNNING, Phase.SUCCEED):
            return Finish("timeout", refusal) if now >= self._policy.end_time else None
        if self._any(Phase.WAITING):
            return Finish(stopped, refusal) if stopped else None
        return Finish(stopped if stopped in ("refused", "item_failure") else "done", refusal)

    def _watches(self, now: float) -> Iterator[Watch]:
        while item := self._ledger.take_due(Phase.RUNNING, now):
            if item.task:
                yield Watch(item.key, item.task)

    def _stores(self, now: float) -> Iterator[Store]:
        while self._ledger.count(Phase.STORING) < self._policy.store_concurrency:
            item = self._ledger.due(Phase.SUCCEED, now)
            if item is None or item.task is None:
                return
            self._ledger.move(item, Phase.STORING)
            yield Store(item.key, item.task, fresh=item.tries > 0)

    def _look_ups(self, now: float) -> Iterator[FindTask]:
        while self._ledger.count(Phase.LOOKING) < self._policy.pace.lookup_concurrency:
            item = self._ledger.due(Phase.DOUBT, now)
            if item is None:
                return
            yield self._look_up(item)

    def _look_up(self, item: Item) -> FindTask:
        self._ledger.move(item, Phase.LOOKING)
        return FindTask(item.key, attempt_id(item.external_task_id, item.attempt))

    def _submissions(self, now: float) -> Iterator[Submit | FindTask]:
        if not self._admission.is_open(now):
            return
        while self._ledger.count(Phase.SENDING) < self._policy.submit_concurrency and (item := self._next_to_send(now)):
            if item.phase is Phase.DOUBT and item.failure and item.tries >= MAX_ITEM_TRIES:
                # It was sent often enough. It counts as failed only when Kling has said that it has no such task.
                yield self._look_up(item)
                continue
            self._ledger.move(item, Phase.SENDING)
            yield Submit(item.key, item.look_up_first)

    def _next_to_send(self, now: float) -> Item | None:
        # A doubtful item already counts as in flight; it is resolved before anything new is sent.
        if item := self._ledger.due(Phase.DOUBT, now):
            return item
        wanted = not self._has_store_backlog() and self._is_affordable()
        waiting = self._ledger.waiting(now) if wanted else []
        self._admission.leave_queues({item.pool for item in waiting})
        in_flight = self._ledger.count(*IN_FLIGHT)
        for item in waiting:
            in_pool = self._ledger.count(*IN_FLIGHT, pool=item.pool)
            if self._admission.may_submit(item, in_flight, in_pool, now):
                return item
        return None

    def _has_store_backlog(self) -> bool:
        """Whether too many results wait to be stored."""
        return self._ledger.count(Phase.SUCCEED) >= MAX_BACKLOG_PER_THREAD * self._policy.store_concurrency

    def _until_next(self, now: float) -> float:
        end_time = self._policy.end_time
        times = [*self._ledger.next_times(now), *self._admission.next_times()]
        times += [end_time, end_time + self._policy.pace.grace_period]
        return max(0.0, min((when for when in times if when > now), default=now) - now)

    def _is_affordable(self) -> bool:
        """Whether one more submission stays within ``max_units``; running tasks count with their expected cost."""
        if self._policy.max_units is None:
            return True
        if self._policy.units_per_item is not None:
            expected = Decimal(str(self._policy.units_per_item))
        elif self._ledger.priced:
            expected = self._ledger.units / self._ledger.priced
        else:
            # The price is not known before a first video has ended, so the first one runs alone.
            return not self._any(*IN_FLIGHT) and self._policy.max_units > 0
        running = self._ledger.count(*IN_FLIGHT)
        return self._ledger.units + expected * (running + 1) <= Decimal(str(self._policy.max_units))

    def _any(self, *phases: Phase) -> bool:
        return self._ledger.count(*phases) > 0
