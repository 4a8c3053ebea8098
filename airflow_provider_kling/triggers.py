"""The wait, in the triggerer: no worker slot, no thread of its own, only reads."""

from __future__ import annotations

import asyncio
import random
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_provider_kling import polling
from airflow_provider_kling.exceptions import KlingError
from airflow_provider_kling.hooks import KlingHook

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from airflow_provider_kling.models import Task

#: Seconds that a deferral lasts at least. A trigger that fires at once can meet the executor's late "success" of the
#: deferring process and lose a healthy task (apache/airflow#72716).
MIN_DEFERRAL = 5.0

#: Seconds between the trigger's own deadline and Airflow's; the triggerer may be restarting.
BACKSTOP_MARGIN = 120.0


class KlingTaskTrigger(BaseTrigger):
    """
    Wait for one Kling task and fire exactly one event.

    It only reads, so it may run twice or be restarted anywhere. Its arguments are strings and numbers, never a key or
    an image; arguments that other versions of the package wrote are accepted.

    :param kling_conn_id: the Kling connection, resolved in the triggerer.
    :param endpoint: the product, for example ``image2video``.
    :param kling_task_id: the task. Not ``task_id``, which Airflow overwrites on triggers.
    :param end_time: deadline, epoch seconds; wall clock, so that a restart does not reset it.
    :param poll_interval: seconds between two looks, give or take a fifth.
    :param first_poll_at: epoch seconds of the first look.
    """

    def __init__(
        self,
        kling_conn_id: str = KlingHook.default_conn_name,
        endpoint: str = "image2video",
        kling_task_id: str = "",
        end_time: float | None = None,
        poll_interval: float = polling.DEFAULT_POLL_INTERVAL,
        first_poll_at: float = 0.0,
        **_from_other_versions: Any,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.kling_conn_id = kling_conn_id
        self.endpoint = endpoint
        self.kling_task_id = kling_task_id
        self.end_time = time.time() + polling.DEFAULT_TIMEOUT if end_time is None else end_time
        self.poll_interval = poll_interval
        self.first_poll_at = first_poll_at

    @classmethod
    def waiting_for(
        cls, task: Task, *, kling_conn_id: str, end_time: float, poll_interval: float, now: float
    ) -> KlingTaskTrigger:
        """
        Build the trigger for a task that was just read.

        :param task: as Kling reported it.
        :param kling_conn_id: the Kling connection.
        :param end_time: deadline, epoch seconds.
        :param poll_interval: seconds between two looks.
        :param now: epoch seconds.
        """
        accepted_at = task.created_at / 1000 or now
        delay = polling.first_poll_delay(task.endpoint, accepted_at=accepted_at, poll_interval=poll_interval, now=now)
        first_poll_at = max(now + MIN_DEFERRAL, min(now + delay, end_time))
        return cls(kling_conn_id, task.endpoint, task.task_id, end_time, poll_interval, first_poll_at)

    @property
    def backstop(self) -> timedelta:
        """The time after which Airflow itself ends the deferral: later than this trigger's own, clearer end."""
        last_look = max(self.end_time, self.first_poll_at) - time.time()
        return timedelta(seconds=max(last_look, 0) + self.poll_interval + BACKSTOP_MARGIN)

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and the arguments that rebuild this trigger."""
        return (
            f"{type(self).__module__}.{type(self).__qualname__}",
            {
                "kling_conn_id": self.kling_conn_id,
                "endpoint": self.endpoint,
                "kling_task_id": self.kling_task_id,
                "end_time": self.end_time,
                "poll_interval": self.poll_interval,
                "first_poll_at": self.first_poll_at,
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Yield one event: ``{"status", "kling_task_id", "message"}``, whatever happens."""
        try:
            event = await self._wait()
        except Exception as error:
            self.log.exception("The wait for Kling task %s broke", self.kling_task_id)
            event = polling.Event("error", self.kling_task_id, f"{type(error).__name__}: {error}")
        yield TriggerEvent(event.payload())

    async def on_kill(self) -> None:
        """Say what keeps running: Kling has no call that cancels a task."""
        self.log.warning(
            "Kling task %s keeps running and is billed when it succeeds: Kling cannot cancel a task. Running this "
            "Airflow task again adopts it.",
            self.kling_task_id,
        )

    async def _wait(self) -> polling.Event:
        hook = KlingHook(self.kling_conn_id)
        poller = polling.Poller(
            self.kling_task_id, end_time=self.end_time, poll_interval=self.poll_interval, jitter=random.random
        )
        await asyncio.sleep(self.first_poll_at - time.time())
        while True:
            decision = await self._look(hook, poller)
            if isinstance(decision, polling.Event):
                self.log.info("Kling task %s: %s %s", self.kling_task_id, decision.status, decision.message)
                return decision
            await asyncio.sleep(decision.seconds)

    async def _look(self, hook: KlingHook, poller: polling.Poller) -> polling.Event | polling.Sleep:
        try:
            # requests blocks; in a thread it does not stop the other triggers.
            task = await asyncio.to_thread(hook.get_task, self.kling_task_id, self.endpoint)
        except KlingError as error:
            self.log.warning("Status check of Kling task %s: %s", self.kling_task_id, error.message)
            return poller.on_error(error, now=time.time())
        return poller.on_task(task, now=time.time())
