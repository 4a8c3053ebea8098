"""The loop of a batch, on the triggerer's event loop: carries the reconciler's decisions out, in threads, at once."""

from __future__ import annotations

import asyncio
import random
import time
from typing import TYPE_CHECKING, Any

from airflow_provider_kling import polling
from airflow_provider_kling.batch.actions import Finish, Look, Store, Submit, Wait, Watch
from airflow_provider_kling.batch.reconcile import FIRST_PAUSE, MAX_PAUSE
from airflow_provider_kling.exceptions import KlingError
from airflow_provider_kling.poller import SharedPoller
from airflow_provider_kling.sweep import Waiting
from airflow_provider_kling.threads import Work, in_thread

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_provider_kling.batch.actions import Action
    from airflow_provider_kling.batch.hands import Hands
    from airflow_provider_kling.batch.plan import PlannedItem
    from airflow_provider_kling.batch.reconcile import Reconciler
    from airflow_provider_kling.batch.report import Reporter
    from airflow_provider_kling.models import Task

#: Seconds after which the loop looks around even when nothing happened: a report may be due.
TICK = 1.0


class BatchLoop:
    """
    Repeats look, decide, act until nothing is left to do.

    :param plan: what is wanted.
    :param reconciler: decides.
    :param hands: act; they block.
    :param reporter: writes manifest and progress.
    :param kling_conn_id: whose shared poller watches the running tasks.
    :param end_time: deadline, epoch seconds.
    :param poll_interval: seconds between two looks.
    """

    def __init__(
        self,
        plan: Sequence[PlannedItem],
        reconciler: Reconciler,
        hands: Hands,
        reporter: Reporter,
        *,
        kling_conn_id: str,
        end_time: float,
        poll_interval: float,
    ) -> None:
        self._plan = {item.key: item for item in plan}
        self._reconciler = reconciler
        self._hands = hands
        self._reporter = reporter
        self._kling_conn_id = kling_conn_id
        self._end_time = end_time
        self._poll_interval = poll_interval
        self._jobs: set[asyncio.Task[None]] = set()

    async def run(self, known: Sequence[Mapping[str, Any]]) -> Finish:
        """
        Work until the batch has ended.

        :param known: the manifest of an earlier run of this batch.
        """
        try:
            await self._survey(known)
            while True:
                pause = TICK
                for action in self._reconciler.decide(time.time()):
                    if isinstance(action, Finish):
                        return action
                    if isinstance(action, Wait):
                        pause = min(pause, action.seconds)
                    else:
                        self._jobs.add(asyncio.create_task(self._carry_out(action)))
                self._reporter.tick(self._reconciler)
                await self._pause(pause)
        finally:
            for job in self._jobs:
                job.cancel()
            await self._reporter.settle()

    async def _pause(self, seconds: float) -> None:
        if not self._jobs:
            await asyncio.sleep(seconds)
            return
        ended, self._jobs = await asyncio.wait(self._jobs, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for job in ended:
            job.result()

    async def _survey(self, known: Sequence[Mapping[str, Any]]) -> None:
        ids = {item.external_task_id for item in self._plan.values()}
        ours = [record for record in known if record.get("external_task_id") in ids]
        tasks, complete = await self._look_around(ours)
        self._reconciler.survey(tasks, complete=complete, sent_before=bool(ours), now=time.time())
        for record in ours:
            self._reconciler.recall(record)

    async def _look_around(self, ours: Sequence[Mapping[str, Any]]) -> tuple[dict[str, Task], bool]:
        """Ask until Kling answers: not being able to look is not the same as not being there."""
        pause = FIRST_PAUSE
        while True:
            try:
                return await in_thread(Work.LOOK, self._hands.survey, list(self._plan.values()), ours)
            except KlingError as error:
                if not error.transient or time.time() + pause >= self._end_time:
                    return {}, False
            await asyncio.sleep(pause)
            pause = min(MAX_PAUSE, 2 * pause)

    async def _carry_out(self, action: Action) -> None:
        match action:
            case Submit(key, look_up_first):
                await self._submit(key, look_up_first)
            case Look(key, external_task_id):
                await self._look(key, external_task_id)
            case Watch(key, _):
                await self._watch(key, action)
            case Store(key, task, fresh):
                try:
                    files = await in_thread(Work.COPY, self._hands.store, self._plan[key], task, fresh)
                    self._reconciler.stored(key, files)
                except KlingError as error:
                    self._reconciler.not_stored(key, error, time.time())

    async def _submit(self, key: str, look_up_first: bool) -> None:
        try:
            task = await in_thread(Work.SEND, self._hands.submit, self._plan[key], look_up_first)
            self._reconciler.seen(key, task, time.time())
        except KlingError as error:
            self._reconciler.not_submitted(key, error, time.time())

    async def _look(self, key: str, external_task_id: str) -> None:
        try:
            task = await in_thread(Work.LOOK, self._hands.find, external_task_id)
        except KlingError:
            self._reconciler.unseen(key, time.time())
            return
        if task is None:
            self._reconciler.absent(key)
        else:
            self._reconciler.seen(key, task, time.time())

    async def _watch(self, key: str, watch: Watch) -> None:
        task, now = watch.task, time.time()
        delay = polling.first_poll_delay(
            task.endpoint, accepted_at=task.created_at / 1000 or now, poll_interval=self._poll_interval, now=now
        )
        poller = polling.Poller(
            task.task_id, end_time=self._end_time, poll_interval=self._poll_interval, jitter=random.random
        )
        event, found = await SharedPoller.of(self._kling_conn_id).wait(
            Waiting(task.endpoint, task.task_id), poller, first_look=min(now + delay, self._end_time)
        )
        if found is not None:
            self._reconciler.seen(key, found, time.time())
        elif event.status == "error":
            self._reconciler.unreadable(key, event.message, time.time())
