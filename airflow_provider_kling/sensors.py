"""A sensor that waits for a Kling task by its id: on a worker, between reschedules, or in the triggerer."""

from __future__ import annotations

import time
import warnings
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseSensorOperator, PokeReturnValue
from airflow.triggers.base import StartTriggerArgs

from airflow_provider_kling import polling
from airflow_provider_kling._airflow.compat import AirflowSensorTimeout, AirflowSkipException
from airflow_provider_kling.exceptions import (
    KlingContentPolicyError,
    KlingError,
    KlingTaskFailedError,
    KlingTimeoutError,
)
from airflow_provider_kling.failure import push_failure
from airflow_provider_kling.links import KlingResultLink
from airflow_provider_kling.provider_info import DEFAULT_CONN_NAME
from airflow_provider_kling.start_from_trigger import OrdinaryRoadError, rendered_in_triggerer
from airflow_provider_kling.triggerer import leaves_nothing_to_do, nobody_listens
from airflow_provider_kling.triggers import BACKSTOP_MARGIN, KlingTaskTrigger

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from airflow.sdk import Context

    from airflow_provider_kling.hooks import KlingHook
    from airflow_provider_kling.models import Task

#: What ``soft_fail`` may turn into a skip: the wait ran out, or Kling reports the task failed. A wrong key or a bug is
#: never a skip; it would make a sensor that never worked look like one that had nothing to do.
SOFT_FAILURES = (AirflowSensorTimeout, KlingTimeoutError, KlingTaskFailedError, KlingContentPolicyError)


class KlingTaskSensor(BaseSensorOperator):
    """
    Wait until a Kling task has succeeded; the return value is its manifest, with the results.

    A failure leaves the XCom ``failure``, as with the operators. To pay for another take after Kling has reported the
    task failed, run the operator that submitted it again.

    .. seealso::
        For more information on how to use this sensor, take a look at the guide:
        :ref:`howto/sensor:KlingTaskSensor`

    :param kling_task_id: Kling's task id or an ``external_task_id``, for example ``animate.output["task_id"]``
        (templated).
    :param endpoint: the product that the task was created with; default ``image2video`` (templated).
    :param kling_conn_id: the :ref:`Kling connection <howto/connection:kling>` (templated).
    :param deferrable: whether the wait leaves the worker; default ``True``. Without it, ``mode="poke"`` holds the
        worker and ``mode="reschedule"`` comes back to it for each look.
    :param poke_interval: seconds between two looks; default 15.
    :param timeout: seconds since Kling accepted the task after which the sensor gives up; default 3600.
    :param soft_fail: whether a timeout or a task that Kling reports failed skips instead of failing. Other errors
        always fail.
    """

    template_fields: Sequence[str] = ("kling_task_id", "endpoint", "kling_conn_id")
    operator_extra_links = (KlingResultLink(),)
    ui_color = "#e8f4d9"

    def __init__(
        self,
        *,
        kling_task_id: str,
        endpoint: str = "image2video",
        kling_conn_id: str = DEFAULT_CONN_NAME,
        deferrable: bool = True,
        poke_interval: float = polling.DEFAULT_POLL_INTERVAL,
        timeout: float = polling.DEFAULT_TIMEOUT,
        soft_fail: bool = False,
        start_from_trigger: bool = False,
        **kwargs: Any,
    ) -> None:
        # Airflow's own soft_fail would also skip on a wrong key; see SOFT_FAILURES.
        super().__init__(poke_interval=poke_interval, timeout=timeout, soft_fail=False, **kwargs)
        self.kling_task_id = kling_task_id
        self.endpoint = endpoint
        self.kling_conn_id = kling_conn_id
        self.deferrable = deferrable
        self.skips_soft_failures = soft_fail
        if start_from_trigger:
            self._start_in_triggerer()

    def _start_in_triggerer(self) -> None:
        try:
            kwargs = {name: rendered_in_triggerer(name, getattr(self, name)) for name in self.template_fields}
        except OrdinaryRoadError as reason:
            warnings.warn(f"{self.task_id}: start_from_trigger is not possible: {reason}.", UserWarning, stacklevel=4)
            return
        self.start_from_trigger = True
        self.start_trigger_args = StartTriggerArgs(
            trigger_cls=f"{KlingTaskTrigger.__module__}.{KlingTaskTrigger.__qualname__}",
            trigger_kwargs={
                **kwargs,
                "poll_interval": self.poke_interval,
                "timeout": self.timeout,
                "ends_task": leaves_nothing_to_do(self),
            },
            next_method="execute_complete",
            timeout=timedelta(seconds=self.timeout + BACKSTOP_MARGIN),
        )

    @cached_property
    def hook(self) -> KlingHook:
        """The hook of this sensor."""
        from airflow_provider_kling.hooks import KlingHook

        return KlingHook(self.kling_conn_id)

    def execute(self, context: Context) -> Any:
        """Look once, then wait in the triggerer; or poke, when not deferrable."""
        if self.start_from_trigger and context["ti"].map_index not in (-1, None):
            self.log.warning("Airflow cannot start a mapped sensor in the triggerer; it was started on a worker")
        if not self.deferrable:
            return self._or_skip(lambda: super(KlingTaskSensor, self).execute(context), context)
        return self._or_skip(self._look_or_defer, context)

    def poke(self, context: Context) -> bool | PokeReturnValue:
        """Look once."""
        try:
            task = self.hook.get_task(self.kling_task_id, self.endpoint)
        except KlingError as error:
            if not error.transient:
                raise
            self.log.warning("Status check of Kling task %s: %s", self.kling_task_id, error.message)
            return False
        self.log.info("Kling task %s is %s", task.task_id, task.status.value)
        if not task.status.is_terminal and time.time() < self._end_time(task.created_at):
            return False
        event = polling.Event("timeout", task.task_id, f"{self.timeout} s have passed since Kling accepted it")
        return PokeReturnValue(is_done=True, xcom_value=_delivered(task, event))

    def execute_complete(self, context: Context, event: dict[str, Any] | None = None) -> dict[str, Any]:
        """
        Resume after the wait: read the task once more (free, and its links are fresh).

        :param event: what the trigger fired.
        """
        task = self.hook.get_task(self.kling_task_id, self.endpoint)
        ended = polling.event_of(event, {self.kling_task_id, task.task_id, task.external_task_id})
        if ended is None:
            self.log.warning("Kling task %s: resumed by %r, which is not about it", task.task_id, event)
            return self._conclude_or_defer(task)
        return _delivered(task, ended)

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """Resume; only soft failures may skip."""
        return self._or_skip(
            lambda: super(KlingTaskSensor, self).resume_execution(next_method, next_kwargs, context), context
        )

    def on_kill(self) -> None:
        """Say what keeps running."""
        self.log.warning(polling.KEEPS_RUNNING, self.kling_task_id)

    def _look_or_defer(self) -> dict[str, Any]:
        return self._conclude_or_defer(self.hook.get_task(self.kling_task_id, self.endpoint))

    def _conclude_or_defer(self, task: Task) -> dict[str, Any]:
        if task.status.is_terminal:
            return _delivered(task, polling.Event("success", task.task_id))
        trigger = KlingTaskTrigger.waiting_for(
            task,
            kling_conn_id=self.kling_conn_id,
            end_time=self._end_time(task.created_at),
            poll_interval=self.poke_interval,
            ends_task=leaves_nothing_to_do(self) and nobody_listens(),
        )
        self.defer(trigger=trigger, method_name="execute_complete", timeout=trigger.backstop)

    def _end_time(self, created_at: int) -> float:
        return (created_at / 1000 or time.time()) + self.timeout

    def _or_skip(self, action: Callable[[], Any], context: Context) -> Any:
        try:
            return action()
        except (KlingError, AirflowSensorTimeout) as error:
            if isinstance(error, KlingError):
                push_failure(error, context, self.kling_task_id)
            if self.skips_soft_failures and isinstance(error, SOFT_FAILURES):
                raise AirflowSkipException(f"soft_fail: {error}") from error
            raise


def _delivered(task: Task, event: polling.Event) -> dict[str, Any]:
    """Return the manifest of a finished task, or raise what the wait became."""
    task = polling.conclude(task, event)
    polling.check_links(task, now=time.time())
    return task.manifest()
