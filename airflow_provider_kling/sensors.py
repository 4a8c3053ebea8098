"""A sensor that waits for a Kling task by its id: on a worker, between reschedules, or in the triggerer."""

from __future__ import annotations

import time
import warnings
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from airflow.sdk import BaseSensorOperator, PokeReturnValue
from airflow.triggers.base import StartTriggerArgs

from airflow_provider_kling import polling
from airflow_provider_kling.exceptions import (
    KlingContentPolicyError,
    KlingError,
    KlingTaskFailedError,
    KlingTimeoutError,
)
from airflow_provider_kling.get_provider_info import DEFAULT_CONN_NAME, UI_COLOR
from airflow_provider_kling.plugins.links import KlingResultLink, remove_empty_button
from airflow_provider_kling.preparation import arguments
from airflow_provider_kling.preparation.task_argument import task_ref_of, unfinished_since
from airflow_provider_kling.products.product import DEFAULT_ENDPOINT
from airflow_provider_kling.results.failure import push_failure
from airflow_provider_kling.triggers.base import BACKSTOP_MARGIN
from airflow_provider_kling.triggers.task import KlingTaskTrigger
from airflow_provider_kling.utils._airflow.asset_events import describe_outlets
from airflow_provider_kling.utils._airflow.compat import (
    AirflowSensorTimeout,
    AirflowSkipException,
    TaskDeferralError,
    TaskDeferralTimeout,
)
from airflow_provider_kling.utils._airflow.completion import can_finish_in_triggerer
from airflow_provider_kling.utils._airflow.start_from_trigger import CannotStartInTriggererError, rendered_in_triggerer
from airflow_provider_kling.utils.untrusted import clean_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from airflow.sdk import Context

    from airflow_provider_kling.api.task_ref import TaskRef
    from airflow_provider_kling.hooks import KlingHook
    from airflow_provider_kling.models import Manifest, Task

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

    :param kling_task_id: Kling's task id or an ``external_task_id``, for example ``animate.output["task_id"]``; or a
        task's manifest, for example ``animate.output``, which names the ``endpoint`` too (templated).
    :param endpoint: the product that the task was created with; default ``image2video`` (templated).
    :param kling_conn_id: the :ref:`Kling connection <howto/connection:kling>` (templated).
    :param deferrable: whether the wait leaves the worker; default ``True``. Without it, ``mode="poke"`` holds the
        worker and ``mode="reschedule"`` starts it for each status check.
    :param poke_interval: seconds between two status checks, or a ``timedelta``; default 15.
    :param timeout: seconds since Kling accepted the task after which the sensor gives up, or a ``timedelta``; default
        3600.
    :param soft_fail: whether a timeout or a task that Kling reports failed skips instead of failing. Other errors
        always fail.
    """

    template_fields: Sequence[str] = ("kling_task_id", "endpoint", "kling_conn_id")
    #: For :class:`~airflow_provider_kling.operators.KlingRunSummaryOperator`.
    returns_manifest: ClassVar[bool] = True

    operator_extra_links = (KlingResultLink(),)
    ui_color = UI_COLOR

    def __init__(
        self,
        *,
        kling_task_id: str | dict[str, Any],
        endpoint: str = DEFAULT_ENDPOINT,
        kling_conn_id: str = DEFAULT_CONN_NAME,
        deferrable: bool = True,
        poke_interval: float | timedelta | None = polling.DEFAULT_POLL_INTERVAL,
        timeout: float | timedelta | None = polling.DEFAULT_TIMEOUT,
        soft_fail: bool = False,
        start_from_trigger: bool = False,
        **kwargs: Any,
    ) -> None:
        # Airflow's own soft_fail would also skip on a wrong key; see SOFT_FAILURES.
        super().__init__(
            poke_interval=arguments.seconds("poke_interval", poke_interval, default=polling.DEFAULT_POLL_INTERVAL),
            timeout=arguments.seconds("timeout", timeout, default=polling.DEFAULT_TIMEOUT),
            soft_fail=False,
            **kwargs,
        )
        self.kling_task_id = kling_task_id
        self.endpoint = endpoint
        self.kling_conn_id = kling_conn_id
        self.deferrable = arguments.switch("deferrable", deferrable)
        self.skips_soft_failures = arguments.switch("soft_fail", soft_fail)
        #: What the sensor returns, for its link.
        self.kling_result: Any = None
        self._was_read = False
        self._started_at: float | None = None
        if arguments.switch("start_from_trigger", start_from_trigger):
            self._start_in_triggerer()

    def _start_in_triggerer(self) -> None:
        try:
            kwargs = {name: rendered_in_triggerer(name, getattr(self, name)) for name in self.template_fields}
        except CannotStartInTriggererError as reason:
            warnings.warn(f"{self.task_id}: start_from_trigger is not possible: {reason}.", UserWarning, stacklevel=4)
            return
        self.start_from_trigger = True
        self.start_trigger_args = StartTriggerArgs(
            trigger_cls=f"{KlingTaskTrigger.__module__}.{KlingTaskTrigger.__qualname__}",
            trigger_kwargs={
                **kwargs,
                "poll_interval": self.poke_interval,
                "timeout": self.timeout,
                "ends_task": can_finish_in_triggerer(self, plugins_loaded=False),
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
        """Check once if the task can have ended, then wait in the triggerer; or poke, when not deferrable."""
        if self.start_from_trigger and context["ti"].map_index not in (-1, None):
            self.log.warning("Airflow cannot start a mapped sensor in the triggerer; it was started on a worker")
        return self._run_or_skip(lambda: self._execute(context), context)

    def _execute(self, context: Context) -> Any:
        if self.deferrable:
            self._defer_if_too_early()
            return self._finish_or_defer(self._read_task())
        self._started_at = time.time()
        first = context["ti"].get_first_reschedule_date(context) if self.reschedule else None
        if first is not None:
            # Airflow reschedules a sensor only after a poke that read the task, or met a transient error.
            self._was_read = True
            self._started_at = first.timestamp()
        try:
            return super().execute(context)
        except AirflowSensorTimeout:
            # Airflow never retries this error; but the task may be done, or a retry may find it done.
            return self._finish(self._read_paid_task())

    def poke(self, context: Context) -> bool | PokeReturnValue:
        """Check once."""
        try:
            task = self._read_task()
        except KlingError as error:
            if not (error.transient or self._was_read):
                raise
            self.log.warning("Status check of Kling task %s: %s", self.kling_task_id, error.message)
            return False
        self._was_read = True
        self.log.debug("Kling task %s is %s", task.task_id, task.status.value)
        if not task.status.is_terminal and time.time() < self._end_time(task):
            return False
        return PokeReturnValue(is_done=True, xcom_value=self._finish(task))

    def execute_complete(self, context: Context, event: dict[str, Any] | None = None) -> Manifest:
        """
        Resume after the wait: read the task once more, which is free and renews its links.

        :param event: what the trigger fired.
        """
        ended = polling.read_event(event, {self._task_ref.task_id})
        # Without a read by a worker, and with a wait that could not read it either, the task may not exist.
        is_unread_here = self.start_from_trigger or unfinished_since(self.kling_task_id) is not None
        may_not_exist = is_unread_here and ended is not None and ended.status == "error"
        task = self._read_task() if may_not_exist else self._read_paid_task()
        ended = ended or polling.read_event(event, {task.task_id, task.external_task_id})
        if ended is None:
            self.log.warning(
                "Kling task %s: resumed by an event that is not about it: %s", task.task_id, clean_text(event)
            )
            return self._finish_or_defer(task)
        if ended.needs_worker and not task.status.is_terminal:
            return self._wait_on_worker(task, ended.message)
        return _manifest_or_raise(task, ended)

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """Resume; when the trigger broke or Airflow ended the wait, read the task. Only soft failures may skip."""
        return self._run_or_skip(lambda: self._resume(next_method, next_kwargs, context), context)

    def _resume(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        try:
            return super().resume_execution(next_method, next_kwargs, context)
        except (TaskDeferralError, AirflowSensorTimeout) as error:
            if isinstance(error, AirflowSensorTimeout) and not isinstance(error.__cause__, TaskDeferralTimeout):
                raise
            self.log.warning("The trigger ended without an event (%s); reading the task", clean_text(error))
        return self._finish_or_defer(self._read_paid_task())

    def on_kill(self) -> None:
        """Log what keeps running."""
        self.log.warning(polling.KEEPS_RUNNING, self.kling_task_id)

    @property
    def _task_ref(self) -> TaskRef:
        """The task that the rendered arguments name."""
        return task_ref_of(self.kling_task_id, self.endpoint)

    def _read_task(self) -> Task:
        """Read a task that may not exist."""
        return self.hook.get_task(self._task_ref.task_id, self._task_ref.endpoint)

    def _read_paid_task(self) -> Task:
        """Read a task that was accepted."""
        return self.hook.get_paid_task(self._task_ref.task_id, self._task_ref.endpoint)

    def _finish(self, task: Task) -> Manifest:
        """Return the manifest of a task that has ended, or raise the timeout."""
        event = polling.Event("timeout", task.task_id, f"{self.timeout:.0f} s have passed since Kling accepted it")
        return _manifest_or_raise(task, event)

    def _defer_if_too_early(self) -> None:
        """Defer without a request when a first status check would rarely find a result."""
        accepted = unfinished_since(self.kling_task_id)
        now = time.time()
        if accepted is None or accepted + self.timeout <= now:
            return
        named = self._task_ref
        interval = self.poke_interval
        delay = polling.first_poll_delay(named.endpoint, accepted_at=accepted, poll_interval=interval, now=now)
        if delay > 0:
            trigger = KlingTaskTrigger(
                self.kling_conn_id,
                named.endpoint,
                named.task_id,
                poll_interval=interval,
                first_poll_at=now + delay,
                deferred_at=now,
                ends_task=can_finish_in_triggerer(self),
                timeout=self.timeout,
            )
            self._defer(trigger, timedelta(seconds=self.timeout + BACKSTOP_MARGIN))

    def _defer(self, trigger: KlingTaskTrigger, timeout: timedelta) -> NoReturn:
        remove_empty_button(self)
        self.defer(trigger=trigger, method_name="execute_complete", timeout=timeout)

    def _finish_or_defer(self, task: Task) -> Manifest:
        end_time = self._end_time(task)
        if task.status.is_terminal or time.time() >= end_time:
            return self._finish(task)
        trigger = KlingTaskTrigger.waiting_for(
            task,
            kling_conn_id=self.kling_conn_id,
            end_time=end_time,
            poll_interval=self.poke_interval,
            ends_task=can_finish_in_triggerer(self),
        )
        self._defer(trigger, trigger.backstop)

    def _wait_on_worker(self, task: Task, why: str) -> Manifest:
        """Wait on this worker, because the triggerer cannot read the connection."""
        self.log.warning("Waiting on this worker, no retry is used: the triggerer cannot. %s", why)
        finished = self.hook.wait(
            task.task_id, task.endpoint, poll_interval=self.poke_interval, end_time=self._end_time(task)
        )
        return _manifest_or_raise(finished, polling.Event("success", finished.task_id))

    def _end_time(self, task: Task) -> float:
        # The task was accepted before the sensor began, even if Kling's clock differs.
        return polling.end_time_of(task, timeout=self.timeout, now=self._started_at or time.time())

    def _run_or_skip(self, action: Callable[[], Any], context: Context) -> Any:
        try:
            self.kling_result = action()
        except (KlingError, AirflowSensorTimeout) as error:
            if isinstance(error, KlingError):
                push_failure(error, context, clean_text(self.kling_task_id, 64))
            if self.skips_soft_failures and isinstance(error, SOFT_FAILURES):
                raise AirflowSkipException(f"soft_fail: {error}") from error
            raise
        describe_outlets(self, context, self.kling_result)
        return self.kling_result


def _manifest_or_raise(task: Task, event: polling.Event) -> Manifest:
    """Return the manifest of a task that has succeeded; else raise the error that fits."""
    task = polling.require_success(task, event)
    polling.check_links(task, now=time.time())
    return task.manifest()
