"""
The state of a batch: the wanted videos, and the tasks that Kling reports. Pure: the clock and the jitter are arguments.

A driver reports Kling's responses to the :class:`Reconciler`, calls :meth:`Reconciler.decide`, and carries out the
actions in any order and at any speed; it reports every result. A reconciler can be discarded at any time: a new one
reads the state from Kling and goes on.

Invariants:

* An item never has two running tasks: the next attempt is submitted only after Kling has reported the last as failed.
* An item that may have been sent counts for ``concurrency`` until Kling has said whether it was.
* An item that is paid, or may be, is read and stored until the batch's end; nothing else makes it ``failed``.
* Items are submitted in their order, so two triggers that work on one batch submit the same items.
"""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING, Any

from airflow_provider_kling import polling
from airflow_provider_kling.batch.actions import Failure, ImageUnavailableError, Phase
from airflow_provider_kling.batch.admission import ACCOUNT_ERRORS, Admission
from airflow_provider_kling.batch.decisions import MAX_ITEM_TRIES, Decisions
from airflow_provider_kling.batch.item import IN_FLIGHT, NO_IDS, attempt_ids
from airflow_provider_kling.batch.ledger import Ledger
from airflow_provider_kling.batch.slots import BatchSlots, PrivateQueue
from airflow_provider_kling.exceptions import (
    KlingError,
    KlingResponseError,
    KlingResultError,
    KlingThrottledError,
)
from airflow_provider_kling.models import Task, TaskStatus
from airflow_provider_kling.products.product import DEFAULT_ENDPOINT
from airflow_provider_kling.submission.protocol import MAX_ATTEMPTS
from airflow_provider_kling.waiting.arbiter import Arbiter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from airflow_provider_kling.batch.actions import Action, Desired, Policy
    from airflow_provider_kling.batch.item import Item
    from airflow_provider_kling.batch.records import Record
    from airflow_provider_kling.models import BatchRecord, FileRecord

#: Lines of the manifest that are made before other coroutines run: about 5 ms.
LINES_PER_SLICE = 250


class Reconciler:
    """
    The state of one batch.

    :param desired: the items, in the order in which they are submitted.
    :param policy: the limits of the batch.
    :param jitter: returns a number in [0, 1); ``random.random`` outside tests.
    :param slots: the batch in the queue for slots, for each pool of its items; default are queues for this batch alone.
    """

    def __init__(
        self,
        desired: Iterable[Desired],
        policy: Policy,
        *,
        jitter: Callable[[], float],
        slots: Sequence[BatchSlots] = (),
    ) -> None:
        self._ledger = Ledger(desired)
        self._policy = policy
        slots = slots or [BatchSlots(PrivateQueue(Arbiter(jitter)), "the batch") for _ in range(self._ledger.pools)]
        self._admission = Admission(policy, jitter, slots)
        self._decisions = Decisions(self._ledger, self._admission, policy)

    # ------------------------------------------------------------------ reports

    def observe_all(self, tasks: Mapping[str, Task], *, complete: bool, sent_before: bool, now: float) -> None:
        """
        Take over the tasks that Kling already has.

        :param tasks: by ``external_task_id``.
        :param complete: whether these are all tasks of the account, so that a missing task does not exist.
        :param sent_before: whether an earlier run may have sent something.
        :param now: epoch seconds.
        """
        self._ledger.look_up_first = sent_before and not complete
        for key, external_task_id in self._ledger.names() if tasks else ():
            for name in attempt_ids(external_task_id):
                if name in tasks:
                    # Only Kling's clock tells here which run a failed task belongs to.
                    in_this_run = self._is_from_this_run(tasks[name])
                    self._observe(self._ledger[key], tasks[name], now, in_this_run=in_this_run)

    def restore(self, record: Record, *, files_exist: bool = True, endpoint: str = DEFAULT_ENDPOINT) -> None:
        """
        Take over the manifest of an earlier run: what is stored, what was refused, what was paid.

        :param record: a line of the manifest; one of another submission is ignored.
        :param files_exist: whether its files exist.
        :param endpoint: the product of the item.
        """
        item = self._ledger.get(record.key)
        if item is None or record.external_task_id != item.external_task_id:
            return
        known = item.task is not None and item.task.task_id == record.task_id
        if item.phase is Phase.SUCCEED and known and record.is_stored and files_exist:
            item.files = record.files
            self._ledger.move(item, Phase.STORED)
        elif item.phase is Phase.WAITING and item.task is None and record.may_be_paid:
            self._restore_paid(item, record, files_exist, endpoint)
        elif item.phase is Phase.WAITING and (failure := record.permanent_failure_since(self._policy.started_at)):
            self._fail(item, failure)
        elif item.phase is Phase.WAITING and record.may_be_sent:
            # Its response may be lost, and its task may not be in the list yet.
            item.look_up_first = True
            self._ledger.move(item, Phase.WAITING)
        elif item.phase is Phase.FAILED and known and item.failure and record.failed_before(self._policy.started_at):
            # Kling's clock is ahead of ours: the attempt belongs to an earlier run.
            item.failed_in_this_run = NO_IDS
            self._next_attempt(item, item.failure)

    def _restore_paid(self, item: Item, record: Record, files_exist: bool, endpoint: str) -> None:
        """Kling did not list its task: it is read by its id, and not paid again."""
        self._ledger.set_task(item, record.task(endpoint))
        item.look_up_first, item.files = True, record.files
        self._ledger.move(item, Phase.STORED if record.is_stored and files_exist else Phase.RUNNING)

    def observed(self, key: str, task: Task, now: float) -> None:
        """
        Kling reports a task of an item: it was created, found, or read.

        :param key: the item.
        :param task: as Kling reports it now.
        :param now: epoch seconds.
        """
        item = self._ledger[key]
        accepted = item.phase is Phase.SENDING
        self._observe(item, task, now)
        if accepted:
            self._admission.accepted(item, task, self._ledger.count(*IN_FLIGHT, pool=item.pool), now)

    def not_submitted(self, key: str, error: KlingError, now: float) -> None:
        """
        A submission ended without a task.

        :param key: the item.
        :param error: why. Without a slot the item waits; a transient error leaves it in doubt.
        :param now: epoch seconds.
        """
        item = self._ledger[key]
        self._admission.not_accepted(item, error, self._count_accepted(item.pool), now)
        if isinstance(error, KlingThrottledError):
            self._ledger.move(item, Phase.WAITING)
        elif isinstance(error, ImageUnavailableError):
            self._retry_unsent(item, error, now)
        elif error.transient:
            self._put_in_doubt(item, now)
        elif isinstance(error, ACCOUNT_ERRORS):
            self._ledger.move(item, Phase.WAITING)
            self._admission.refused(error, now)
        elif isinstance(error, KlingResponseError) and error.http_status != 413:
            # An error page of a proxy may pass. Only a look-up tells whether Kling has a task.
            item.failure = Failure.of(error, now, permanent=False)
            self._put_in_doubt(item, now)
            self._admission.unexpected_response(error, now)
        else:
            self._fail(item, Failure.of(error, now))

    def not_found(self, key: str) -> None:
        """Kling has no task of a doubtful submission."""
        item = self._ledger[key]
        if item.failure and item.tries >= MAX_ITEM_TRIES:
            self._fail(item, item.failure)
        else:
            self._ledger.move(item, Phase.WAITING)

    def lookup_failed(self, key: str, now: float) -> None:
        """The look-up failed; the item stays in doubt."""
        self._put_in_doubt(self._ledger[key], now)

    def unreadable(self, key: str, message: str, now: float) -> None:
        """
        A running task could not be read; it is read again after a pause, until the batch's end.

        :param key: the item.
        :param message: why.
        :param now: epoch seconds.
        """
        item = self._ledger[key]
        self._retry_later(item, Phase.RUNNING, Failure.of(KlingResultError(message), now), now)

    def stored(self, key: str, files: list[FileRecord]) -> None:
        """The results of an item are in storage."""
        item = self._ledger[key]
        item.files, item.failure = files, None
        self._ledger.move(item, Phase.STORED)

    def not_stored(self, key: str, error: KlingError, now: float) -> None:
        """The results of an item could not be copied; this is repeated with fresh links until the batch's end."""
        item = self._ledger[key]
        if isinstance(error, KlingResultError) and not error.transient:
            # The result itself is wrong; another download brings the same.
            self._fail(item, Failure.of(error, now))
        else:
            self._retry_later(item, Phase.SUCCEED, Failure.of(error, now, permanent=False), now)

    # ------------------------------------------------------------------ decisions, and the state

    def decide(self, now: float) -> list[Action]:
        """
        Return what to do now; each action is returned once.

        :param now: epoch seconds.
        """
        return self._decisions.decide(now)

    @property
    def version(self) -> int:
        """Grows with every change of :meth:`records`."""
        return self._ledger.version

    def progress(self) -> dict[str, Any]:
        """Return the number of items in each status, and the cost so far."""
        return self._ledger.progress()

    def records(self, *, ended: bool = False) -> list[BatchRecord]:
        """
        Return the manifest: one line for each item.

        :param ended: whether nothing more will be submitted; what still waits is then ``stopped``.
        """
        return [json.loads(line) for line in self._lines(ended=ended)]

    def line_slices(self, *, ended: bool = False) -> Iterator[list[bytes]]:
        """
        Yield the manifest in pieces, between which other coroutines may run; only changed lines are made again.

        :param ended: as with :meth:`records`.
        """
        lines = self._lines(ended=ended)
        while piece := list(itertools.islice(lines, LINES_PER_SLICE)):
            yield piece

    def records_with_errors(self) -> list[BatchRecord]:
        """Return the records, as of the last manifest, of the items with an error that are not stored."""
        return [json.loads(item.manifest_line(ended=True)) for item in self._ledger.under_way() if item.failure]

    # ------------------------------------------------------------------ steps

    def _lines(self, *, ended: bool) -> Iterator[bytes]:
        return (self._ledger.line(place, ended=ended) for place in range(len(self._ledger)))

    def _observe(self, item: Item, task: Task, now: float, *, in_this_run: bool = True) -> None:
        self._ledger.set_task(item, task)
        item.look_up_first, item.failure, item.tries = True, None, 0
        item.attempt = item.attempt_of(task)
        if not task.status.is_terminal:
            self._ledger.move(item, Phase.RUNNING)
            return
        self._admission.ended(item, task, now)
        try:
            polling.require_success(task, polling.Event("success", task.task_id))
            self._ledger.move(item, Phase.SUCCEED)
        except KlingError as error:
            self._on_failed_task(item, task, error, now, in_this_run=in_this_run)

    def _on_failed_task(self, item: Item, task: Task, error: KlingError, now: float, *, in_this_run: bool) -> None:
        if task.status is not TaskStatus.FAILED:
            # It is paid, and Kling may list its result later.
            self._retry_later(item, Phase.SUCCEED, Failure.of(error, now, permanent=False), now)
            return
        if in_this_run:
            item.failed_in_this_run |= {task.task_id}
        item.attempt += 1
        self._next_attempt(item, Failure.of(error, now))

    def _is_from_this_run(self, task: Task) -> bool:
        return task.created_at == 0 or task.created_at / 1000 >= self._policy.started_at

    def _next_attempt(self, item: Item, failure: Failure) -> None:
        is_left = len(item.failed_in_this_run) <= self._policy.item_retries and item.attempt <= MAX_ATTEMPTS
        if is_left and not failure.permanent:
            self._ledger.move(item, Phase.WAITING)
        else:
            self._fail(item, failure)

    def _fail(self, item: Item, failure: Failure) -> None:
        item.failure = failure
        self._ledger.move(item, Phase.FAILED)

    def _put_in_doubt(self, item: Item, now: float) -> None:
        item.tries, item.look_up_first = item.tries + 1, True
        self._ledger.move(item, Phase.DOUBT, not_before=now + self._admission.pause(item.tries))

    def _retry_later(self, item: Item, phase: Phase, failure: Failure, now: float) -> None:
        item.tries, item.failure = item.tries + 1, failure
        self._ledger.move(item, phase, not_before=now + self._admission.pause(item.tries))

    def _retry_unsent(self, item: Item, error: KlingError, now: float) -> None:
        """Try an item again that was not sent; nothing is paid."""
        failure = Failure.of(error, now, permanent=False)
        if item.tries + 1 >= MAX_ITEM_TRIES:
            self._fail(item, failure)
        else:
            self._retry_later(item, Phase.WAITING, failure, now)

    def _count_accepted(self, pool: int) -> int:
        return self._ledger.count(Phase.DOUBT, Phase.LOOKING, Phase.RUNNING, pool=pool)
