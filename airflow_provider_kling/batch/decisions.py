"""What a batch does next, from where its items stand. Pure; it costs what it decides, however many items there are."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from airflow_provider_kling.batch.actions import BACKLOG_SHARE, FindTask, Finish, Phase, Store, Submit, Wait, Watch
from airflow_provider_kling.batch.item import IN_FLIGHT
from airflow_provider_kling.submission.identity import attempt_id

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_kling.batch.actions import Action, Policy, Reason
    from airflow_provider_kling.batch.admission import Admission
    from airflow_provider_kling.batch.item import Item
    from airflow_provider_kling.batch.ledger import Ledger

#: How often an item that was not sent, or not taken by something before Kling, is tried before it counts as failed.
ITEM_TRIES = 8

#: A thread is at work; the batch does not end before it has said what came of it, unless it hangs.
BUSY = (Phase.SENDING, Phase.LOOKING, Phase.STORING)


class Decisions:
    """
    Turns what is known into actions.

    :param ledger: where the items stand; an action moves its item.
    :param admission: whether Kling takes more.
    :param policy: how far the batch may go.
    """

    def __init__(self, ledger: Ledger, admission: Admission, policy: Policy) -> None:
        self._ledger = ledger
        self._admission = admission
        self._policy = policy

    def at(self, now: float) -> list[Action]:
        """
        Return what to do now; each action is returned once.

        :param now: epoch seconds.
        """
        stopped = self._stopped_by(now)
        if finish := self._finish(stopped, now):
            return [finish]
        actions: list[Action] = [*self._watches(now), *self._stores(now)]
        if stopped:
            self._admission.nothing_to_submit(())
        actions += self._looks(now) if stopped else self._submissions(now)
        return [*actions, Wait(self._until_next(now))]

    def _stopped_by(self, now: float) -> Reason | None:
        """Why nothing is submitted any more, ever."""
        if self._admission.refusal:
            return "refused"
        if self._policy.stop_on_failure and self._any(Phase.FAILED):
            return "item_failure"
        if now >= self._policy.end_time:
            return "timeout"
        if self._any(Phase.WAITING) and not self._any(*IN_FLIGHT) and not self._affordable():
            return "max_units"
        return None

    def _finish(self, stopped: Reason | None, now: float) -> Finish | None:
        refusal, pace = self._admission.refusal, self._policy.pace
        if self._any(*BUSY) and now < self._policy.end_time + pace.grace_period:
            return None
        if self._any(*BUSY, Phase.DOUBT, Phase.RUNNING, Phase.SUCCEED):
            return Finish("timeout", refusal) if now >= self._policy.end_time else None
        if self._any(Phase.WAITING):
            return Finish(stopped, refusal) if stopped else None
        return Finish(stopped if stopped in ("refused", "item_failure") else "done", refusal)

    def _watches(self, now: float) -> Iterator[Watch]:
        while item := self._ledger.take(Phase.RUNNING, now):
            if item.task:
                yield Watch(item.key, item.task)

    def _stores(self, now: float) -> Iterator[Store]:
        while self._ledger.count(Phase.STORING) < self._policy.store_concurrency:
            item = self._ledger.due(Phase.SUCCEED, now)
            if item is None or item.task is None:
                return
            self._ledger.move(item, Phase.STORING)
            yield Store(item.key, item.task, fresh=item.tries > 0)

    def _looks(self, now: float) -> Iterator[FindTask]:
        while self._ledger.count(Phase.LOOKING) < self._policy.pace.lookers:
            item = self._ledger.due(Phase.DOUBT, now)
            if item is None:
                return
            yield self._look(item)

    def _look(self, item: Item) -> FindTask:
        self._ledger.move(item, Phase.LOOKING)
        return FindTask(item.key, attempt_id(item.external_task_id, item.attempt))

    def _submissions(self, now: float) -> Iterator[Submit | FindTask]:
        if not self._admission.is_open(now):
            return
        while self._ledger.count(Phase.SENDING) < self._policy.submit_concurrency and (item := self._next_to_send(now)):
            if item.phase is Phase.DOUBT and item.failure and item.tries >= ITEM_TRIES:
                # It was sent often enough; it may only be given up once Kling has said that it is not there.
                yield self._look(item)
                continue
            self._ledger.move(item, Phase.SENDING)
            yield Submit(item.key, item.look_first)

    def _next_to_send(self, now: float) -> Item | None:
        # What is in doubt has its place already; finding out comes before anything new.
        if item := self._ledger.due(Phase.DOUBT, now):
            return item
        wanted = not self._is_behind() and self._affordable()
        waiting = self._ledger.waiting(now) if wanted else []
        self._admission.nothing_to_submit({item.pool for item in waiting})
        in_flight = self._ledger.count(*IN_FLIGHT)
        for item in waiting:
            beside = self._ledger.count(*IN_FLIGHT, pool=item.pool)
            if self._admission.may_submit(item, in_flight, beside, now):
                return item
        return None

    def _is_behind(self) -> bool:
        """Whether so many results wait to be stored that more would only pile up."""
        return self._ledger.count(Phase.SUCCEED) >= BACKLOG_SHARE * self._policy.store_concurrency

    def _until_next(self, now: float) -> float:
        end_time = self._policy.end_time
        times = [*self._ledger.next_turns(now), *self._admission.next_times()]
        times += [end_time, end_time + self._policy.pace.grace_period]
        return max(0.0, min((when for when in times if when > now), default=now) - now)

    def _affordable(self) -> bool:
        """Whether one more submission stays within ``max_units``, all that run counted as if they had ended."""
        if self._policy.max_units is None:
            return True
        if self._policy.units_per_item is not None:
            expected = Decimal(str(self._policy.units_per_item))
        elif self._ledger.priced:
            expected = self._ledger.units / self._ledger.priced
        else:
            # The price is not known before a first video has ended: that one runs alone.
            return not self._any(*IN_FLIGHT) and self._policy.max_units > 0
        running = self._ledger.count(*IN_FLIGHT)
        return self._ledger.units + expected * (running + 1) <= Decimal(str(self._policy.max_units))

    def _any(self, *phases: Phase) -> bool:
        return self._ledger.count(*phases) > 0
