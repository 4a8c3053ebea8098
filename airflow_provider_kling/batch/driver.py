"""The loop of a batch on the triggerer's event loop: it runs the reconciler's actions in threads, several at once."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
from typing import TYPE_CHECKING

from airflow_provider_kling import polling
from airflow_provider_kling.api.task_ref import TaskRef
from airflow_provider_kling.batch.actions import FindTask, Finish, Store, Submit, Wait, Watch
from airflow_provider_kling.batch.calls import step_error
from airflow_provider_kling.exceptions import KlingConnectionError, KlingError
from airflow_provider_kling.utils.untrusted import clean_text, reason
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

#: Seconds between two warnings about one class of error: every item meets a storage that does not answer.
LOG_AGAIN_AFTER = 300.0

#: Seconds at the end of a batch in which its waits may end, too.
WATCHES_TIMEOUT = 2.0

#: Actions that start before other coroutines run: after a restart thousands are due.
ACTIONS_PER_SLICE = 25


class BatchLoop:
    """
    Decides and acts until nothing is left to do.

    :param plan: the items.
    :param reconciler: decides.
    :param calls: carry out the actions; they block.
    :param reporter: writes manifest and progress.
    :param fence: whether this trigger may go on.
    :param policy: the limits.
    :param kling_conn_id: the connection whose shared poller reads the running tasks.
    :param account: the account that the connection named when the batch was planned.
    :param poll_interval: seconds between two status checks.
    :param changed: set when a job has ended or a slot was granted.
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
        self._job_error: BaseException | None = None
        self._logged_at: dict[str, float] = {}

    async def run(self, known: Records, *, sent_before: bool) -> Finish:
        """
        Run until the batch has ended.

        :param known: the manifest of an earlier run of this batch.
        :param sent_before: whether an earlier run without records may have sent something.
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
                        await self._wait_for_watches()
                        return action
                    if isinstance(action, Wait):
                        pause = min(pause, action.seconds)
                        continue
                    self._start(action)
                    if number % ACTIONS_PER_SLICE == 0:
                        await asyncio.sleep(0)
                self._reporter.tick(self._reconciler)
                await self._pause(pause)
        finally:
            for job in self._jobs:
                job.cancel()
            await self._reporter.wait_for_report()

    async def _wait_for_watches(self) -> None:
        """Waits that end with the batch still report their last error, for the manifest."""
        if self._jobs:
            await asyncio.wait(self._jobs, timeout=WATCHES_TIMEOUT)

    async def _pause(self, seconds: float) -> None:
        """Wait until something has changed. Not asyncio.wait, which visits every job each time one of them ends."""
        # Not wait_for: in Python 3.11 it can lose a cancellation that meets the event.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        self._changed.clear()
        if self._job_error is not None:
            raise self._job_error

    def _start(self, action: Action) -> None:
        job = asyncio.create_task(self._carry_out(action))
        self._jobs.add(job)
        job.add_done_callback(self._on_end)

    def _on_end(self, job: asyncio.Task[None]) -> None:
        self._jobs.discard(job)
        self._changed.set()
        if not job.cancelled():
            self._job_error = self._job_error or job.exception()

    async def _find_tasks(self, known: Records, sent_before: bool) -> None:
        # In threads: comparing tens of thousands of ids takes a moment, and the event loop belongs to all triggers.
        ours = await in_thread(Work.READ, self._without_other_batches, known)
        tasks, complete = await self._find_tasks_with_retries(ours)
        missing = await in_thread(Work.REPORT, self._missing_files, ours)
        await in_thread(Work.READ, self._restore, tasks, complete, ours, missing, sent_before)

    def _without_other_batches(self, known: Records) -> Records:
        ids = {wanted.external_task_id for wanted in self._plan.desired}
        return known.filter(lambda record: record.external_task_id in ids)

    def _missing_files(self, ours: Records) -> set[str]:
        stored = ours.filter(lambda record: record.is_stored)
        return self._calls.missing_files(stored) if stored else set()

    def _restore(
        self, tasks: dict[str, Task], complete: bool, ours: Records, missing: set[str], sent_before: bool
    ) -> None:
        sent_before = sent_before or bool(ours)
        self._reconciler.observe_all(tasks, complete=complete, sent_before=sent_before, now=time.time())
        for record in ours:
            self._reconciler.restore(
                record, files_exist=record.key not in missing, endpoint=self._plan.endpoint_of(record.key)
            )

    async def _find_tasks_with_retries(self, ours: Records) -> tuple[dict[str, Task], bool]:
        """Ask until Kling answers: an error does not mean that there are no tasks."""
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
                self._log_problem("Kling cannot be asked what it has of this batch", error)
            await self._fence.check()
            await asyncio.sleep(self._pace.pause(times))

    async def _carry_out(self, action: Action) -> None:
        match action:
            case Submit(key, look_up_first):
                await self._submit(key, look_up_first)
            case FindTask(key, external_task_id):
                await self._look_up(key, external_task_id)
            case Watch(key, task):
                await self._watch(key, task)
            case Store(key, task, fresh):
                await self._store(key, task, fresh)

    async def _submit(self, key: str, look_up_first: bool) -> None:
        try:
            task = await in_thread(Work.SUBMIT, self._calls.submit, self._plan.item(key), look_up_first)
        except Exception as error:  # noqa: BLE001 - whatever it is, it concerns this item
            self._reconciler.not_submitted(
                key, self._logged_error(f"Item {key!r} was not submitted", error), time.time()
            )
        else:
            self._reconciler.observed(key, task, time.time())

    async def _look_up(self, key: str, external_task_id: str) -> None:
        try:
            task = await in_thread(Work.READ, self._calls.find, key, external_task_id)
        except Exception as error:  # noqa: BLE001 - the item stays in doubt
            self._logged_error(f"Item {key!r} could not be looked up", error)
            self._reconciler.lookup_failed(key, time.time())
            return
        if task is None:
            self._reconciler.not_found(key)
        else:
            self._reconciler.observed(key, task, time.time())

    async def _store(self, key: str, task: Task, fresh: bool) -> None:
        try:
            files = await in_thread(Work.STORE, self._calls.store, self._plan.item(key), task, fresh)
        except Exception as error:  # noqa: BLE001 - the video is paid; storing is repeated
            self._reconciler.not_stored(key, self._logged_error(f"Item {key!r} was not stored", error), time.time())
        else:
            self._reconciler.stored(key, files)

    async def _watch(self, key: str, task: Task) -> None:
        now = time.time()
        delay = polling.first_poll_delay(
            task.endpoint, accepted_at=task.created_at / 1000 or now, poll_interval=self._poll_interval, now=now
        )
        poll_decision = polling.PollDecision(
            task.task_id, end_time=self._end_time, poll_interval=self._poll_interval, jitter=random.random
        )
        try:
            event, found = await SharedPoller.of(self._kling_conn_id).wait(
                TaskRef(task.endpoint, task.task_id), poll_decision, first_read=min(now + delay, self._end_time)
            )
        except Exception as error:  # noqa: BLE001 - the task runs on, and is read again later
            event, found = polling.Event("error", task.task_id, reason(error)), None
        if found is not None:
            self._reconciler.observed(key, found, time.time())
        else:
            message = self._unreadable(task, event.message)
            self._log_problem(f"Item {key!r} cannot be read now", KlingConnectionError(message))
            self._reconciler.unreadable(key, message, time.time())

    def _unreadable(self, task: Task, message: str) -> str:
        return (
            f"Check that the connection {self._kling_conn_id!r} names the account that paid. Kling task {task.task_id} "
            f"was accepted under {self._account or 'it'} and cannot be read there now; it may run and be billed. "
            f"{clean_text(message)}"
        )

    def _logged_error(self, what: str, error: Exception) -> KlingError:
        """Log an exception, and return it as a KlingError."""
        if not isinstance(error, KlingError):
            error = step_error(error)
        self._log_problem(what, error)
        return error

    def _log_problem(self, what: str, error: KlingError) -> None:
        now, kind = time.monotonic(), type(error).__name__
        # The advice comes first: a log shows the beginning of a line.
        first, newline, rest = error.message.partition("\n")
        if now - self._logged_at.get(kind, -LOG_AGAIN_AFTER) >= LOG_AGAIN_AFTER:
            self._logged_at[kind] = now
            log.warning("%s (%s)%s%s", first, what, newline, rest)
        else:
            log.debug("%s (%s)%s%s", first, what, newline, rest)
