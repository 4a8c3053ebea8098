"""The wait for one Kling task in the triggerer. It only reads, and shares its thread with other waits."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, Any

from airflow_provider_kling import polling
from airflow_provider_kling.get_provider_info import DEFAULT_CONN_NAME
from airflow_provider_kling.models import results_expired
from airflow_provider_kling.plugins.links import KlingResultLink
from airflow_provider_kling.products.product import DEFAULT_ENDPOINT
from airflow_provider_kling.triggers.base import KlingTrigger, backstop, deadline_text
from airflow_provider_kling.utils._airflow.completion import is_mapped_over, set_xcom
from airflow_provider_kling.utils.untrusted import clean_text, reason
from airflow_provider_kling.waiting.threads import Work, in_thread

if TYPE_CHECKING:
    from datetime import timedelta

    from pydantic import JsonValue

    from airflow_provider_kling.models import Task


class KlingTaskTrigger(KlingTrigger):
    """
    Wait for one Kling task. It only reads, so it may run twice or be restarted anywhere.

    :param kling_conn_id: the Kling connection, resolved in the triggerer.
    :param endpoint: the product, for example ``image2video``.
    :param kling_task_id: the task. Not ``task_id``, which Airflow overwrites on triggers.
    :param end_time: deadline, epoch seconds; wall clock, so that a restart does not reset it.
    :param poll_interval: seconds between two status checks, give or take a fifth.
    :param first_poll_at: epoch seconds of the first status check.
    :param deferred_at: epoch seconds of the deferral.
    :param ends_task: whether a success may end the Airflow task here, without a worker; needs Airflow 3.2.
    :param model_name: what was asked for, for the manifest.
    :param timeout: seconds since Kling accepted the task, instead of ``end_time``, for a sensor that starts here and
        does not know yet when that was.
    """

    path = "airflow_provider_kling.triggers.KlingTaskTrigger"

    def __init__(
        self,
        kling_conn_id: str = DEFAULT_CONN_NAME,
        endpoint: str = DEFAULT_ENDPOINT,
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
        self._task: Task | None = None

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
        :param poll_interval: seconds between two status checks.
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
        """The time after which Airflow itself ends the deferral."""
        return backstop(self.end_time or time.time() + polling.DEFAULT_TIMEOUT, margin=self.poll_interval)

    def _error_event(self, error: Exception) -> dict[str, Any]:
        self.log.error("The wait for Kling task %s broke", self.kling_task_id, exc_info=error)
        return polling.Event("error", clean_text(self.kling_task_id), reason(error)).payload()

    def _warn_still_running(self) -> None:
        self.log.warning(polling.KEEPS_RUNNING, self.kling_task_id)

    async def _wait(self) -> dict[str, Any]:
        from airflow_provider_kling.preparation.task_argument import task_ref_of
        from airflow_provider_kling.waiting.shared_poller import SharedPoller

        # A sensor that starts here has its templates rendered by the triggerer.
        task_ref = task_ref_of(self.kling_task_id, self.endpoint)
        poll_decision = polling.PollDecision(
            task_ref.task_id,
            end_time=self.end_time,
            timeout=polling.DEFAULT_TIMEOUT if self.timeout is None else self.timeout,
            poll_interval=self.poll_interval,
            jitter=random.random,
        )
        until = deadline_text(self.end_time)
        self.log.info("Waiting for Kling task %s (%s), %s", task_ref.task_id, task_ref.endpoint, until)
        event, self._task = await SharedPoller.of(self.kling_conn_id).wait(
            task_ref, poll_decision, first_read=self.first_poll_at
        )
        self._log_end(event)
        return event.payload()

    def _log_end(self, event: polling.Event) -> None:
        task = self._task
        if event.status == "success" and task:
            # Both times are Kling's.
            seconds = max(0, task.updated_at - task.created_at) / 1000
            self.log.info("Kling task %s is done, %.0f s after Kling accepted it", event.kling_task_id, seconds)
        elif event.status == "failed":
            self.log.info("Kling reports task %s as failed: %s", event.kling_task_id, event.message)
        else:
            self.log.info("The wait for Kling task %s ends: %s", event.kling_task_id, event.message)

    async def _push_result(self, event: dict[str, Any]) -> dict[str, JsonValue] | None:
        ti, task = self.task_instance, self._task
        # Dead links are no success: a worker raises the error.
        if ti is None or not (task and task.results) or is_mapped_over(ti) or results_expired(task, time.time()):
            return None
        await in_thread(Work.REPORT, set_xcom, ti, "return_value", task.manifest(model_name=self.model_name))
        return {KlingResultLink.XCOM_KEY: task.link}
