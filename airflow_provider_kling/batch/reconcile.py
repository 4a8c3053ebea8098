"""
What a batch does next: the videos that are wanted against the tasks that Kling reports. Pure: the clock and the jitter
are arguments.

A driver tells the :class:`Reconciler` what it learns, asks :meth:`Reconciler.decide`, and carries the actions out, in
any order and as slowly as it must; every answer goes back in. It can be thrown away at any moment: a new one that
surveys Kling goes on where Kling says that the batch is.

What it keeps:

* An item never has two tasks alive: a next attempt is asked for only after Kling has reported the one before as failed.
* What may have been sent holds its place among ``concurrency`` until Kling has said whether it was.
* Items are submitted in their order, so two triggers that work on one batch ask for the same ones.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from airflow_provider_kling import polling
from airflow_provider_kling.batch.actions import Failure, Finish, Look, Phase, Store, Submit, Wait, Watch
from airflow_provider_kling.batch.item import IN_FLIGHT, Item, task_units
from airflow_provider_kling.exceptions import (
    KlingAccountError,
    KlingAuthenticationError,
    KlingConcurrencyError,
    KlingConfigurationError,
    KlingError,
    KlingIpPolicyError,
    KlingRateLimitError,
    KlingResponseError,
    KlingResultError,
)
from airflow_provider_kling.identity import attempt_id
from airflow_provider_kling.models import Task, TaskStatus
from airflow_provider_kling.submission import MAX_ATTEMPTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from airflow_provider_kling.batch.actions import Action, Desired, Policy, Reason

#: Submissions under way at once; each holds a thread of the triggerer for as long as Kling takes to answer.
SENDERS = 4

#: Results that are copied at once, a thread each.
STORERS = 2

#: How often a result is fetched before the item counts as failed; the video stays at Kling.
STORE_TRIES = 3

#: Seconds before Kling is asked for a slot again without a task of ours having ended; doubled each time.
FIRST_PAUSE, MAX_PAUSE = 2.0, 60.0

#: Errors that every other item would meet too.
ACCOUNT_WIDE = (KlingAuthenticationError, KlingAccountError, KlingIpPolicyError, KlingConfigurationError)

#: A thread is at work; the batch cannot end before it has said what came of it.
BUSY = (Phase.SENDING, Phase.LOOKING, Phase.STORING)


class Reconciler:
    """
    The state of one batch.

    :param desired: the items, in the order in which they are submitted.
    :param policy: how far it may go.
    :param jitter: returns a number in [0, 1); ``random.random`` outside tests.
    """

    def __init__(self, desired: Sequence[Desired], policy: Policy, *, jitter: Callable[[], float]) -> None:
        self._items = {one.key: Item(one) for one in desired}
        self._policy = policy
        self._jitter = jitter
        self._refusal: Failure | None = None
        self._auth_refusals = 0
        # How many of ours Kling was seen to admit, and until when that is believed.
        self._ceiling: int | None = None
        self._blocked_until = self._paused_until = 0.0
        self._times_full = self._times_hurried = 0

    # ------------------------------------------------------------------ what is learned

    def survey(self, tasks: Mapping[str, Task], *, complete: bool, sent_before: bool, now: float) -> None:
        """
        Take over what Kling already has.

        :param tasks: by ``external_task_id``.
        :param complete: whether these are all tasks of the account, so that what is missing does not exist.
        :param sent_before: whether an earlier run may have sent something.
        :param now: epoch seconds.
        """
        for item in self._items.values():
            for number in range(1, MAX_ATTEMPTS + 1):
                task = tasks.get(attempt_id(item.desired.external_task_id, number))
                if task is not None:
                    self._see(item, task, now)
            item.look_first = item.look_first or (sent_before and not complete)

    def recall(self, record: Mapping[str, Any]) -> None:
        """
        Take over what only an earlier run of this batch knows: which results are stored, which items were refused.

        :param record: a line of the manifest; of another submission it says nothing.
        """
        item = self._items.get(str(record.get("key")))
        if item is None or record.get("external_task_id") != item.desired.external_task_id:
            return
        if item.phase is Phase.SUCCEED and item.task and record.get("task_id") == item.task.task_id:
            if record.get("status") == "succeed" and record.get("files"):
                item.files, item.phase = list(record["files"]), Phase.STORED
        elif item.phase is Phase.WAITING and record.get("status") == "failed" and record.get("error"):
            failure = Failure(**record["error"])
            if failure.permanent and failure.at >= self._policy.started_at:
                item.failure, item.phase = failure, Phase.FAILED

    def seen(self, key: str, task: Task, now: float) -> None:
        """
        Kling reports this task for this item, whether it was just created, found, or watched.

        :param key: the item.
        :param task: as Kling reports it now.
        :param now: epoch seconds.
        """
        item = self._items[key]
        accepted = item.phase is Phase.SENDING
        self._see(item, task, now)
        if accepted:
            self._auth_refusals = self._times_hurried = 0
            if self._ceiling is not None and self._accepted() > self._ceiling:
                self._ceiling, self._blocked_until, self._times_full = self._accepted(), 0.0, 0

    def not_submitted(self, key: str, error: KlingError, now: float) -> None:
        """
        A submission brought no task.

        :param key: the item.
        :param error: why. No slot is a wait; a transient error leaves the doubt whether it was sent.
        :param now: epoch seconds.
        """
        item = self._items[key]
        if isinstance(error, (KlingConcurrencyError, KlingRateLimitError)):
            item.phase = Phase.WAITING
            self._hold_back(error, now)
        elif error.transient:
            self._doubt(item, now)
        elif isinstance(error, KlingAuthenticationError) and self._auth_refusals + 1 < polling.MAX_REFUSALS:
            # The key may have been rotated a moment ago.
            self._auth_refusals += 1
            item.phase, item.not_before = Phase.WAITING, now + self._pause(self._auth_refusals)
        elif isinstance(error, ACCOUNT_WIDE) or (isinstance(error, KlingResponseError) and error.http_status != 413):
            item.phase = Phase.WAITING
            self._refusal = Failure.of(error, now)
        else:
            self._fail(item, error, now)

    def absent(self, key: str) -> None:
        """A doubtful submission did not arrive."""
        self._items[key].phase = Phase.WAITING

    def unseen(self, key: str, now: float) -> None:
        """Kling could not be asked; the doubt stays."""
        self._doubt(self._items[key], now)

    def unreadable(self, key: str, message: str, now: float) -> None:
        """
        A running task cannot be read any more.

        :param key: the item.
        :param message: why.
        :param now: epoch seconds.
        """
        item = self._items[key]
        error = KlingResultError(
            f"Kling task {item.task.task_id if item.task else ''} cannot be read; it may still run and be billed: "
            f"{message} Running this Airflow task again adopts it."
        )
        self._fail(item, error, now)

    def stored(self, key: str, files: list[dict[str, Any]]) -> None:
        """The results of an item stand in storage."""
        item = self._items[key]
        item.files, item.phase = files, Phase.STORED

    def not_stored(self, key: str, error: KlingError, now: float) -> None:
        """The results of an item could not be copied; they are tried again, with fresh links, a few times."""
        item = self._items[key]
        item.tries += 1
        if item.tries >= STORE_TRIES:
            self._fail(item, error, now)
        else:
            item.phase, item.not_before = Phase.SUCCEED, now + self._pause(item.tries)

    # ------------------------------------------------------------------ what to do

    def decide(self, now: float) -> list[Action]:
        """
        Return what to do now; each action is returned once.

        :param now: epoch seconds.
        """
        stopped = self._stopped_by(now)
        if finish := self._finish(stopped, now):
            return [finish]
        actions: list[Action] = [*self._watches(), *self._stores(now)]
        actions += self._looks(now) if stopped else self._submissions(now)
        return [*actions, Wait(self._until_next(now))]

    def _stopped_by(self, now: float) -> Reason | None:
        """Why nothing is submitted any more, ever."""
        if self._refusal:
            return "refused"
        if self._policy.stop_on_failure and self._any(Phase.FAILED):
            return "item_failure"
        if now >= self._policy.end_time:
            return "timeout"
        if self._any(Phase.WAITING) and not self._any(*IN_FLIGHT) and not self._affordable():
            return "max_units"
        return None

    def _finish(self, stopped: Reason | None, now: float) -> Finish | None:
        if self._any(*BUSY):
            return None
        if self._any(Phase.DOUBT, Phase.RUNNING, Phase.SUCCEED):
            return Finish("timeout", self._refusal) if now >= self._policy.end_time else None
        if self._any(Phase.WAITING):
            return Finish(stopped, self._refusal) if stopped else None
        return Finish(stopped if stopped in ("refused", "item_failure") else "done", self._refusal)

    def _watches(self) -> Iterator[Watch]:
        for item in self._items.values():
            if item.phase is Phase.RUNNING and not item.watched and item.task:
                item.watched = True
                yield Watch(item.desired.key, item.task)

    def _stores(self, now: float) -> Iterator[Store]:
        for item in self._ready(Phase.SUCCEED, now):
            if item.task and self._count(Phase.STORING) < STORERS:
                item.phase = Phase.STORING
                yield Store(item.desired.key, item.task, fresh=item.tries > 0)

    def _looks(self, now: float) -> Iterator[Look]:
        for item in self._ready(Phase.DOUBT, now):
            item.phase = Phase.LOOKING
            yield Look(item.desired.key, attempt_id(item.desired.external_task_id, item.attempt))

    def _submissions(self, now: float) -> Iterator[Submit]:
        if now < self._paused_until:
            return
        # What is in doubt has its place already; finding out comes before anything new.
        for item in [*self._ready(Phase.DOUBT, now), *self._ready(Phase.WAITING, now)]:
            if self._count(Phase.SENDING) >= SENDERS:
                return
            if item.phase is Phase.WAITING and not (self._count(*IN_FLIGHT) < self._limit(now) and self._affordable()):
                return
            item.phase = Phase.SENDING
            yield Submit(item.desired.key, item.look_first)

    def _limit(self, now: float) -> int:
        if self._ceiling is None:
            return self._policy.concurrency
        # Once the pause is over, one more is tried: others may have left their slots.
        return min(self._policy.concurrency, self._ceiling + (now >= self._blocked_until))

    def _until_next(self, now: float) -> float:
        times = [item.not_before for item in self._items.values()]
        times += [self._blocked_until, self._paused_until, self._policy.end_time]
        return max(0.0, min((when for when in times if when > now), default=self._policy.end_time) - now)

    # ------------------------------------------------------------------ money

    @property
    def units(self) -> Decimal:
        """What the finished tasks cost, as Kling says it."""
        return sum((cost for cost in self._costs() if cost is not None), Decimal(0))

    def _costs(self) -> list[Decimal | None]:
        tasks = [item.task for item in self._items.values() if item.task]
        return [task_units(task) for task in tasks if task.status is TaskStatus.SUCCEED]

    def _affordable(self) -> bool:
        """Whether one more submission stays within ``max_units``, all that run counted as if they had ended."""
        if self._policy.max_units is None:
            return True
        known = [cost for cost in self._costs() if cost is not None]
        if self._policy.units_per_item is not None:
            expected = Decimal(str(self._policy.units_per_item))
        elif known:
            expected = sum(known, Decimal(0)) / len(known)
        else:
            # The price is not known before a first one has ended: that one runs alone.
            return not self._any(*IN_FLIGHT) and self._policy.max_units > 0
        return self.units + expected * (self._count(*IN_FLIGHT) + 1) <= Decimal(str(self._policy.max_units))

    # ------------------------------------------------------------------ what is known

    def progress(self) -> dict[str, Any]:
        """Return how many items are where, and the units so far."""
        words = [item.status for item in self._items.values()]
        counts = {word: words.count(word) for word in ("succeed", "failed", "running", "storing", "waiting")}
        return {"items": len(words), "done": counts.pop("succeed"), **counts, "units": float(self.units)}

    def records(self, *, ended: bool = False) -> list[dict[str, Any]]:
        """
        Return the manifest: one line for each item.

        :param ended: whether nothing more will be submitted; what still waits is then ``stopped``.
        """
        return [item.record(ended=ended) for item in self._items.values()]

    # ------------------------------------------------------------------ steps

    def _see(self, item: Item, task: Task, now: float) -> None:
        if item.task is None or item.task.task_id != task.task_id:
            item.watched, item.tries = False, 0
        item.task, item.look_first, item.failure, item.not_before = task, True, None, 0.0
        item.attempt = item.attempt_of(task)
        if not task.status.is_terminal:
            item.phase = Phase.RUNNING
            return
        try:
            polling.conclude(task, polling.Event("success", task.task_id))
            item.phase = Phase.SUCCEED
        except KlingError as error:
            self._ended_badly(item, task, error, now)

    def _ended_badly(self, item: Item, task: Task, error: KlingError, now: float) -> None:
        if task.created_at == 0 or task.created_at / 1000 >= self._policy.started_at:
            item.failed_now.add(task.task_id)
        item.attempt += 1
        if task.status is TaskStatus.FAILED and error.transient and len(item.failed_now) <= self._policy.item_retries:
            item.phase = Phase.WAITING
        else:
            self._fail(item, error, now)

    def _fail(self, item: Item, error: KlingError, now: float) -> None:
        item.phase, item.failure = Phase.FAILED, Failure.of(error, now)

    def _doubt(self, item: Item, now: float) -> None:
        item.tries += 1
        item.phase, item.look_first, item.not_before = Phase.DOUBT, True, now + self._pause(item.tries)

    def _hold_back(self, error: KlingError, now: float) -> None:
        if isinstance(error, KlingRateLimitError):
            self._times_hurried += 1
            self._paused_until = now + self._pause(self._times_hurried)
        else:
            self._times_full += 1
            self._ceiling, self._blocked_until = self._accepted(), now + self._pause(self._times_full)

    def _pause(self, times: int) -> float:
        seconds = min(MAX_PAUSE, FIRST_PAUSE * 2.0 ** min(times - 1, 10))
        return seconds * (1 - polling.JITTER + 2 * polling.JITTER * self._jitter())

    def _accepted(self) -> int:
        return self._count(Phase.DOUBT, Phase.LOOKING, Phase.RUNNING)

    def _ready(self, phase: Phase, now: float) -> list[Item]:
        return [item for item in self._items.values() if item.phase is phase and item.not_before <= now]

    def _count(self, *phases: Phase) -> int:
        return sum(item.phase in phases for item in self._items.values())

    def _any(self, *phases: Phase) -> bool:
        return any(item.phase in phases for item in self._items.values())
