"""The loop of a batch, on the triggerer's event loop: carries the reconciler's decisions out, in threads, at once."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
from typing import TYPE_CHECKING

from airflow_provider_kling import polling
from airflow_provider_kling.api.read_plan import TaskRef
from airflow_provider_kling.batch.actions import FindTask, Finish, Store, Submit, Wait, Watch
from airflow_provider_kling.batch.calls import broken_step
from airflow_provider_kling.exceptions import KlingConnectionError, KlingError
from airflow_provider_kling.utils.foreign import foreign_text, reason
from airflow_provider_kling.waiting.shared_poller import SharedPoller
from airflow_provider_kling.waiting.threads import Work, in_thread

if TYPE_CHECKING:
    from airflow_provider_kling.batch.actions import Action, Policy
    from airflow_provider_kling.batch.calls import BatchCalls
    from airflow_provider_kling.batch.fence import Fence
    from airflow_provider_kling.batch.plan import Plan
    from airflow_provider_kling.batch.reconciler import Reconciler
    from airflow_provider_kling.batch.records import Records
    from airflow_provider_kling.batch.report import Reporter
    from airflow_provider_kling.models import Task

log = logging.getLogger(__name__)

#: Seconds between two lines in the log about one kind of trouble; a storage that is away is met by every item.
SAY_AGAIN_AFTER = 300.0

#: Seconds at the end of a batch for what waits in it to end, too.
WATCHES_END_WITHIN = 2.0

#: Actions that begin, at most, before the event loop's others have their turn: after a restart thousands are due.
SLICE = 25


class BatchLoop:
    """
    Repeats look, decide, act until nothing is left to do.

    :param plan: what is wanted.
    :param reconciler: decides.
    :param calls: act; they block.
    :param reporter: writes manifest and progress.
    :param fence: whether this trigger may go on.
    :param policy: how far, and how fast.
    :param kling_conn_id: whose shared poller watches the running tasks.
    :param account: what that connection named when the batch was planned.
    :param poll_interval: seconds between two status checks.
    :param learned: set when a job has ended or there is a slot for one more.
    """

    def __init__(
        self,
        plan: Plan,
        reconciler: Reconciler,
        calls: BatchCalls,
        reporter: Reporter,
        fence: Fence,
        policy: Policy,
        *,
        kling_conn_id: str,
        account: str,
        poll_interval: float,
        changed: asyncio.Event | None = None,
    ) -> None:
        self._plan = plan
        self._reconciler = reconciler
        self._calls = calls
        self._reporter = reporter
        self._fence = fence
        self._pace = policy.pace
        self._end_time = policy.end_time
        self._kling_conn_id = kling_conn_id
        self._account = account
        self._poll_interval = poll_interval
        self._jobs: set[asyncio.Task[None]] = set()
        self._changed = changed or asyncio.Event()
        self._broken: BaseException | None = None
        self._said: dict[str, float] = {}

    async def run(self, known: Records, *, sent_before: bool) -> Finish:
        """
        Work until the batch has ended.

        :param known: the manifest of an earlier run of this batch.
        :param sent_before: whether an earlier run, of which nothing else is known, may have sent something.
        :raises SupersededError: when another run of the Airflow task works on it.
        """
        try:
            await self._fence.check()
            await self._find_tasks(known, sent_before)
            while True:
                await self._fence.check()
                pause = self._pace.tick
                for number, action in enumerate(self._reconciler.decide(time.time()), 1):
                    if isinstance(action, Finish):
                        await self._let_watches_end()
                        return action
                    if isinstance(action, Wait):
                        pause = min(pause, action.seconds)
                        continue
                    self._start(action)
                    if number % SLICE == 0:
                        await asyncio.sleep(0)
                self._reporter.tick(self._reconciler)
                await self._pause(pause)
        finally:
            for job in self._jobs:
                job.cancel()
            await self._reporter.wait_for_report()

    async def _let_watches_end(self) -> None:
        """Waits that end with the batch say what their last look met; the manifest tells it."""
        if self._jobs:
            await asyncio.wait(self._jobs, timeout=WATCHES_END_WITHIN)

    async def _pause(self, seconds: float) -> None:
        """Wait until something was learned. Not asyncio.wait, which asks every job each time one of them ends."""
        # Not wait_for: in Python 3.11 it can lose a cancellation that meets the event.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        self._changed.clear()
        if self._broken is not None:
            raise self._broken

    def _start(self, action: Action) -> None:
        job = asyncio.create_task(self._carry_out(action))
        self._jobs.add(job)
        job.add_done_callback(self._on_end)

    def _on_end(self, job: asyncio.Task[None]) -> None:
        self._jobs.discard(job)
        self._changed.set()
        if not job.cancelled():
            self._broken = self._broken or job.exception()

    async def _find_tasks(self, known: Records, sent_before: bool) -> None:
        # In threads: comparing tens of thousands of names takes a moment, and the event loop belongs to all.
        ours = await in_thread(Work.READ, self._of_this_batch, known)
        tasks, complete = await self._look_around(ours)
        missing = await in_thread(Work.REPORT, self._missing, ours)
        await in_thread(Work.READ, self._take_over, tasks, complete, ours, missing, sent_before)

    def _of_this_batch(self, known: Records) -> Records:
        ids = {wanted.external_task_id for wanted in self._plan.desired}
        return known.only(lambda record: record.external_task_id in ids)

    def _missing(self, ours: Records) -> set[str]:
        stored = ours.only(lambda record: record.is_stored)
        return self._calls.missing_files(stored) if stored else set()

    def _take_over(
        self, tasks: dict[str, Task], complete: bool, ours: Records, missing: set[str], sent_before: bool
    ) -> None:
        sent_before = sent_before or bool(ours)
        self._reconciler.observe_all(tasks, complete=complete, sent_before=sent_before, now=time.time())
        for record in ours:
            self._reconciler.restore(
                record, files_exist=record.key not in missing, endpoint=self._plan.endpoint_of(record.key)
            )

    async def _look_around(self, ours: Records) -> tuple[dict[str, Task], bool]:
        """Ask until Kling answers: not being able to look is not the same as not being there."""
        refused_after = time.time() + self._pace.patience
        times = 0
        while True:
            try:
                return await in_thread(Work.READ, self._calls.find_tasks, ours)
            except KlingError as error:
                times += 1
                until = self._end_time if error.transient else min(refused_after, self._end_time)
                if time.time() + self._pace.pause(times) >= until:
                    return {}, False
                self._say("Kling cannot be asked what it has of this batch", error)
            await self._fence.check()
            await asyncio.sleep(self._pace.pause(times))

    async def _carry_out(self, action: Action) -> None:
        match action:
            case Submit(key, look_up_first):
                await self._submit(key, look_up_first)
            case FindTask(key, external_task_id):
                await self._look(key, external_task_id)
            case Watch(key, task):
                await self._watch(key, task)
            case Store(key, task, fresh):
                await self._store(key, task, fresh)

    async def _submit(self, key: str, look_up_first: bool) -> None:
        try:
            task = await in_thread(Work.SUBMIT, self._calls.submit, self._plan.item(key), look_up_first)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is about this item
            self._reconciler.not_submitted(key, self._problem(f"Item {key!r} was not submitted", error), time.time())
        else:
            self._reconciler.observed(key, task, time.time())

    async def _look(self, key: str, external_task_id: str) -> None:
        try:
            task = await in_thread(Work.READ, self._calls.find, key, external_task_id)
        except Exception as error:  # noqa: BLE001 - the doubt stays
            self._problem(f"Item {key!r} could not be looked up", error)
            self._reconciler.lookup_failed(key, time.time())
            return
        if task is None:
            self._reconciler.not_found(key)
        else:
            self._reconciler.observed(key, task, time.time())

    async def _store(self, key: str, task: Task, fresh: bool) -> None:
        try:
            files = await in_thread(Work.STORE, self._calls.store, self._plan.item(key), task, fresh)
        except Exception as error:  # noqa: BLE001 - the video is paid; it is tried again
            self._reconciler.not_stored(key, self._problem(f"Item {key!r} was not stored", error), time.time())
        else:
            self._reconciler.stored(key, files)

    async def _watch(self, key: str, task: Task) -> None:
        now = time.time()
        delay = polling.first_poll_delay(
            task.endpoint, accepted_at=task.created_at / 1000 or now, poll_interval=self._poll_interval, now=now
        )
        poller = polling.PollDecision(
            task.task_id, end_time=self._end_time, poll_interval=self._poll_interval, jitter=random.random
        )
        try:
            event, found = await SharedPoller.of(self._kling_conn_id).wait(
                TaskRef(task.endpoint, task.task_id), poller, first_read=min(now + delay, self._end_time)
            )
        except Exception as error:  # noqa: BLE001 - the task runs on; it is watched again
            event, found = polling.Event("error", task.task_id, reason(error)), None
        if found is not None:
            self._reconciler.observed(key, found, time.time())
        else:
            message = self._unreadable(task, event.message)
            self._say(f"Item {key!r} cannot be read now", KlingConnectionError(message))
            self._reconciler.unreadable(key, message, time.time())

    def _unreadable(self, task: Task, message: str) -> str:
        return (
            f"Check that the connection {self._kling_conn_id!r} names the account that paid. Kling task {task.task_id} "
            f"was accepted under {self._account or 'it'} and cannot be read there now; it may run and be billed. "
            f"{foreign_text(message)}"
        )

    def _problem(self, what: str, error: Exception) -> KlingError:
        """Make every problem one of ours, and tell it."""
        if not isinstance(error, KlingError):
            error = broken_step(error)
        self._say(what, error)
        return error

    def _say(self, what: str, error: KlingError) -> None:
        now, kind = time.monotonic(), type(error).__name__
        # What to do comes first: a log shows the beginning of a line.
        first, newline, rest = error.message.partition("\n")
        if now - self._said.get(kind, -SAY_AGAIN_AFTER) >= SAY_AGAIN_AFTER:
            self._said[kind] = now
            log.warning("%s (%s)%s%s", first, what, newline, rest)
        else:
            log.debug("%s (%s)%s%s", first, what, newline, rest)
