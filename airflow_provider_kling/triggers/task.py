"""The wait, in the triggerer: no worker slot, no thread of its own, only reads."""

from __future__ import annotations

import asyncio
import random
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseTrigger, TaskSuccessEvent, TriggerEvent

from airflow_provider_kling import polling
from airflow_provider_kling._airflow.compat import AIRFLOW_V_3_2_PLUS
from airflow_provider_kling._airflow.completion import is_mapped_over, is_still_deferred, set_link, set_xcom
from airflow_provider_kling.foreign import foreign_text, reason
from airflow_provider_kling.get_provider_info import DEFAULT_CONN_NAME
from airflow_provider_kling.links import KlingResultLink
from airflow_provider_kling.models import results_expired
from airflow_provider_kling.triggers.base import BACKSTOP_MARGIN, MIN_DEFERRAL, until_words
from airflow_provider_kling.waiting.threads import Work, in_thread

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from airflow_provider_kling.models import Task


class KlingTaskTrigger(BaseTrigger):
    """
    Wait for one Kling task and fire exactly one event.

    It only reads, so it may run twice or be restarted anywhere. Its arguments are strings and numbers, never a key
    or an image; arguments that other versions of the package wrote are accepted.

    :param kling_conn_id: the Kling connection, resolved in the triggerer.
    :param endpoint: the product, for example ``image2video``.
    :param kling_task_id: the task. Not ``task_id``, which Airflow overwrites on triggers.
    :param end_time: deadline, epoch seconds; wall clock, so that a restart does not reset it.
    :param poll_interval: seconds between two looks, give or take a fifth.
    :param first_poll_at: epoch seconds of the first look.
    :param deferred_at: epoch seconds of the deferral.
    :param ends_task: whether a success may end the Airflow task here, without a worker. It needs Airflow 3.2: below, an
        XCom that is set from a thread kills the trigger runner.
    :param model_name: what was asked for, for the manifest.
    :param timeout: seconds since Kling accepted the task, instead of ``end_time``, for a sensor that starts here and
        does not know yet when that was.
    """

    def __init__(
        self,
        kling_conn_id: str = DEFAULT_CONN_NAME,
        endpoint: str = "image2video",
        kling_task_id: str = "",
        end_time: float | None = None,
        poll_interval: float = polling.DEFAULT_POLL_INTERVAL,
        first_poll_at: float = 0.0,
        deferred_at: float = 0.0,
        ends_task: bool = False,
        model_name: str = "",
        timeout: float | None = None,
        **_from_other_versions: Any,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.kling_conn_id = kling_conn_id
        self.endpoint = endpoint
        self.kling_task_id = kling_task_id
        self.end_time = end_time
        self.timeout = timeout
        self.poll_interval = poll_interval
        self.first_poll_at = first_poll_at
        self.deferred_at = deferred_at
        self.ends_task = ends_task
        self.model_name = model_name

    @classmethod
    def waiting_for(
        cls,
        task: Task,
        *,
        kling_conn_id: str,
        end_time: float,
        poll_interval: float,
        ends_task: bool,
        model_name: str = "",
    ) -> KlingTaskTrigger:
        """
        Build the trigger for a task that was just read.

        :param task: as Kling reported it.
        :param kling_conn_id: the Kling connection.
        :param end_time: deadline, epoch seconds.
        :param poll_interval: seconds between two looks.
        :param ends_task: whether a success leaves nothing for a worker to do.
        :param model_name: what was asked for.
        """
        now = time.time()
        delay = polling.first_poll_delay(
            task.endpoint, accepted_at=polling.accepted_at(task, now=now), poll_interval=poll_interval, now=now
        )
        return cls(
            kling_conn_id=kling_conn_id,
            endpoint=task.endpoint,
            kling_task_id=task.task_id,
            end_time=end_time,
            poll_interval=poll_interval,
            first_poll_at=min(now + delay, end_time),
            deferred_at=now,
            ends_task=ends_task,
            model_name=model_name,
        )

    @property
    def backstop(self) -> timedelta:
        """The time after which Airflow itself ends the deferral: later than this trigger's own, clearer end."""
        end_time = self.end_time or time.time() + polling.DEFAULT_TIMEOUT
        return timedelta(seconds=max(end_time - time.time(), MIN_DEFERRAL) + self.poll_interval + BACKSTOP_MARGIN)

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and the arguments that rebuild this trigger."""
        return (
            # Rows of the database hold it: it stays, wherever the class moves.
            "airflow_provider_kling.triggers.KlingTaskTrigger",
            {
                "kling_conn_id": self.kling_conn_id,
                "endpoint": self.endpoint,
                "kling_task_id": self.kling_task_id,
                "end_time": self.end_time,
                "poll_interval": self.poll_interval,
                "first_poll_at": self.first_poll_at,
                "deferred_at": self.deferred_at,
                "ends_task": self.ends_task,
                "model_name": self.model_name,
                "timeout": self.timeout,
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Yield one event, whatever happens: the task's success, or ``{"status", "kling_task_id", "message"}``."""
        try:
            event, task = await self._wait()
            if event.status == "success" and task and await self._hand_over(task):
                yield TaskSuccessEvent()
                return
        except Exception as error:
            self.log.exception("The wait for Kling task %s broke", self.kling_task_id)
            event = polling.Event("error", foreign_text(self.kling_task_id), reason(error))
        await asyncio.sleep(self.deferred_at + MIN_DEFERRAL - time.time())
        yield TriggerEvent(event.payload())

    async def on_kill(self) -> None:
        """Say what keeps running: Kling has no call that cancels a task."""
        if await in_thread(Work.REPORT, is_still_deferred, self.task_instance):
            # Airflow 3.3.0 to 3.3.2 also call this when the wait moves to another triggerer (apache/airflow#73454).
            return
        self.log.warning(polling.KEEPS_RUNNING, self.kling_task_id)

    async def _wait(self) -> tuple[polling.Event, Task | None]:
        from airflow_provider_kling.preparation.named_task import named_task
        from airflow_provider_kling.waiting.shared_poller import SharedPoller

        # A sensor that starts here has its templates rendered by the triggerer.
        waiting = named_task(self.kling_task_id, self.endpoint)
        poller = polling.Poller(
            waiting.task_id,
            end_time=self.end_time,
            timeout=polling.DEFAULT_TIMEOUT if self.timeout is None else self.timeout,
            poll_interval=self.poll_interval,
            jitter=random.random,
        )
        until = until_words(self.end_time)
        self.log.info("Waiting for Kling task %s (%s), %s", waiting.task_id, waiting.endpoint, until)
        event, task = await SharedPoller.of(self.kling_conn_id).wait(waiting, poller, first_look=self.first_poll_at)
        if event.status == "success" and task:
            # Both times are Kling's.
            seconds = max(0, task.updated_at - task.created_at) / 1000
            self.log.info("Kling task %s is done, %.0f s after Kling accepted it", event.kling_task_id, seconds)
        elif event.status == "failed":
            self.log.info("Kling reports task %s as failed: %s", event.kling_task_id, event.message)
        else:
            self.log.info("The wait for Kling task %s ends: %s", event.kling_task_id, event.message)
        return event, task

    async def _hand_over(self, task: Task) -> bool:
        """Push what the worker would have pushed; whether the Airflow task may end here."""
        # dag.test() runs triggers without a task instance; it resumes in process.
        ti = self.task_instance
        if ti is None or is_mapped_over(ti) or not (self.ends_task and AIRFLOW_V_3_2_PLUS and task.results):
            return False
        if results_expired(task, time.time()):
            # A worker says so; links that are dead are no success.
            return False
        # In a triggerer that was frozen this may be over: its success would end whatever has the trigger's id now.
        if not await in_thread(Work.REPORT, is_still_deferred, ti):
            return False
        manifest = task.manifest(model_name=self.model_name)
        await in_thread(Work.REPORT, set_link, ti, KlingResultLink.XCOM_KEY, task.link)
        for key in ("manifest", "return_value"):
            await in_thread(Work.REPORT, set_xcom, ti, key, manifest)
        return True
