"""The wait for a slot at Kling, the submission, and the wait for its task, in the triggerer."""

from __future__ import annotations

import functools
import json
import time
from typing import TYPE_CHECKING, Any

from airflow_provider_kling import polling
from airflow_provider_kling.exceptions import KlingConcurrencyError, KlingConfigurationError, KlingThrottledError
from airflow_provider_kling.models import SUBMISSION_KEY, TaskStatus, is_time, results_expired
from airflow_provider_kling.products.catalogue import product_of
from airflow_provider_kling.submission import identity, log_lines
from airflow_provider_kling.submission.protocol import Done
from airflow_provider_kling.submission.submission_record import submission_record
from airflow_provider_kling.triggers.base import backstop
from airflow_provider_kling.triggers.slot import KlingSlotTrigger
from airflow_provider_kling.triggers.task import KlingTaskTrigger
from airflow_provider_kling.utils._airflow.compat import AIRFLOW_V_3_2_PLUS
from airflow_provider_kling.utils._airflow.completion import get_xcom, is_still_deferred, set_xcom
from airflow_provider_kling.utils.untrusted import reason
from airflow_provider_kling.waiting.hook_cache import HookCache
from airflow_provider_kling.waiting.threads import Work, in_thread

if TYPE_CHECKING:
    from datetime import timedelta

    from pydantic import JsonValue

    from airflow_provider_kling.models import Task

#: Logged when somebody cancels the Airflow task while its request is sent; takes the external_task_id.
MAY_BE_PAID = (
    "The request %s was being sent. If Kling accepts it, it runs and is billed when it succeeds; running this Airflow "
    "task again adopts it."
)


class KlingSubmitTrigger(KlingSlotTrigger):
    """
    Wait for a slot, submit, and wait for the task, without a worker.

    It prepares the request again, and sends it only when it is what the worker prepared. Whatever does not go as
    planned resumes the worker, which submits by itself and says what is wrong. The pay-once protocol looks a request up
    by its ``external_task_id`` before it is sent, so this trigger may run twice or be restarted anywhere.

    Its event is that of :class:`KlingSlotTrigger` until Kling has accepted the task, then that of
    :class:`KlingTaskTrigger`.

    :param request: JSON of the arguments that the request is prepared from: rendered fields, options.
    :param fingerprint: of the request that the worker prepared: account, product and content.
    :param waits: whether the Airflow task ends with the result instead of with the submission.
    :param timeout: seconds since Kling accepted the task after which the wait for it gives up.
    :param poll_interval: seconds between two status checks.
    :param ends_task: whether a success may end the Airflow task here, without a worker.
    :param slot: the arguments of :class:`KlingSlotTrigger`.
    """

    path = "airflow_provider_kling.triggers.KlingSubmitTrigger"

    def __init__(
        self,
        request: str = "",
        fingerprint: str = "",
        waits: bool = True,
        timeout: float = polling.DEFAULT_TIMEOUT,
        poll_interval: float = polling.DEFAULT_POLL_INTERVAL,
        ends_task: bool = False,
        **slot: Any,
    ) -> None:
        super().__init__(**slot)
        self.request = request
        self.fingerprint = fingerprint
        self.waits = waits
        self.timeout = timeout
        self.poll_interval = poll_interval
        self.ends_task = ends_task
        self._task: Task | None = None
        self._task_trigger: KlingTaskTrigger | None = None
        self._is_sending = False
        # Epoch seconds, by this clock, before which Kling has not accepted the task; Kling's clock may be behind.
        self._sent_after: float | None = None

    @functools.cached_property
    def _hooks(self) -> HookCache:
        return HookCache.shared(self.kling_conn_id)

    @property
    def backstop(self) -> timedelta:
        """The time after which Airflow itself ends the deferral."""
        return backstop(self.until + self.timeout, margin=self.poll_interval)

    async def _wait(self) -> dict[str, Any]:
        if not self._has_times():
            return self._event()
        done = await self._find_submitted() or await self._submit()
        # Sensors and the worker need the id. Without it the worker adopts the task and pushes the id.
        if done is None or not await self._push("task_id", done.task.task_id):
            return self._event()
        self._task = task = done.task
        if not self.waits:
            return polling.Event("success", task.task_id).payload()
        self._task_trigger = KlingTaskTrigger.waiting_for(
            task,
            kling_conn_id=self.kling_conn_id,
            end_time=polling.end_time_of(task, timeout=self.timeout, now=time.time(), submitted_at=self._sent_after),
            poll_interval=self.poll_interval,
            ends_task=self.ends_task,
            model_name=self.model_name,
        )
        self._task_trigger.task_instance = self.task_instance
        return await self._task_trigger._wait()

    def _has_times(self) -> bool:
        return super()._has_times() and all(map(is_time, (self.timeout, self.poll_interval)))

    async def _find_submitted(self) -> Done | None:
        """Return the task that this trigger submitted before it was restarted."""
        if abs(time.time() - self.deferred_at) < self.min_deferral:
            # It submits after that time.
            return None
        try:
            task = await in_thread(Work.READ, self._find)
        except Exception as error:  # noqa: BLE001 - it is looked up again before it is sent
            self.log.debug("Kling does not say whether the task was submitted: %s", reason(error))
            return None
        if task is None or task.status is TaskStatus.FAILED:
            return None
        done = Done(task, adopted=True, attempt=1, answer_lost=True)
        submitted_at = await self._submitted_before()
        self._sent_after = submitted_at or self.deferred_at
        await self._report(done, submitted_at=submitted_at)
        return done

    async def _submitted_before(self) -> float | None:
        """Return when this trigger sent the task before it was restarted, epoch seconds, if its XCom says so."""
        try:
            record = await in_thread(Work.REPORT, get_xcom, self.task_instance, SUBMISSION_KEY)
        except Exception as error:  # noqa: BLE001 - only the page and a clock that is behind need it
            self.log.debug("The XCom %s cannot be read: %s", SUBMISSION_KEY, reason(error))
            return None
        at = record.get("submitted_at") if isinstance(record, dict) else None
        return at / 1000 if is_time(at, per_second=1000) else None

    def _find(self) -> Task | None:
        return self._hooks.get().find_task(self.external_task_id, self.endpoint)

    async def _submit(self) -> Done | None:
        """Submit when there is a slot. Return ``None`` when a worker has to go on."""
        requested_at, refused_at = self.deferred_at, self.refused_at
        while slots := await self._wait_for_slot(requested_at, refused_at):
            requested_at = time.time()
            self._is_sending = False
            try:
                done = await in_thread(Work.SUBMIT, self._send)
            except KlingThrottledError as error:
                requested_at = time.time()
                refused_at = requested_at if isinstance(error, KlingConcurrencyError) else 0.0
                continue
            except Exception as error:  # noqa: BLE001 - the worker meets it too, and ends the task with it
                self.log.info("A worker goes on with the submission: %s", reason(error))
                return None
            with slots.lock:
                slots.arbiter(self.model_name).accepted(self.external_task_id, done.task, time.time())
            if done.answer_lost or not done.adopted:
                self._sent_after = requested_at
            await self._report(done, submitted_at=self._sent_after)
            return done
        return None

    def _send(self) -> Done:
        """
        Prepare the request and run the pay-once protocol.

        :raises KlingConfigurationError: when it is not what the worker prepared, or a worker has to send it.
        """
        # Not needed by those that only wait.
        from airflow_provider_kling.preparation.prepare import prepare

        hook = self._hooks.get()
        prepared = prepare(product_of(self.endpoint), **json.loads(self.request))
        fingerprint = identity.fingerprint(account=hook.account_name, endpoint=self.endpoint, content=prepared.content)
        if fingerprint != self.fingerprint:
            self._hooks.invalidate()
            raise KlingConfigurationError("The request, a file of it or the connection changed during the wait.")
        # Asked again: the connection may have changed during the wait.
        if hook.needs_task_state(self.endpoint, prepared.body):
            raise KlingConfigurationError("A worker has to write down what it is about to pay.")
        return hook.submit(
            self.endpoint,
            prepared.body,
            external_task_id=self.external_task_id,
            look_up_first=True,
            permit=self._check_still_deferred,
        )

    def _check_still_deferred(self) -> None:
        """
        Refuse to pay for a task that somebody has cleared, or marked as failed, even while its request was prepared.

        :raises KlingConfigurationError: when the task is not known to be deferred.
        """
        if not (AIRFLOW_V_3_2_PLUS and is_still_deferred(self.task_instance)):
            raise KlingConfigurationError("The Airflow task is not known to be deferred any more.")
        self._is_sending = True

    async def _report(self, done: Done, *, submitted_at: float | None) -> None:
        self.log.info("%s", log_lines.accepted(done, is_own_id=False, looked_up_first=True).text)
        record = submission_record(
            done,
            model_name=self.model_name,
            estimate=self.estimate,
            submitted_at=submitted_at,
            slot_since=self.since,
        )
        await self._push(SUBMISSION_KEY, record)

    async def _push_result(self, event: dict[str, Any]) -> dict[str, JsonValue] | None:
        if self._task_trigger:
            return await self._task_trigger._push_result(event)
        ti, task = self.task_instance, self._task
        # A worker raises that it failed, or that its links are dead.
        if ti is None or task is None or task.status is TaskStatus.FAILED or results_expired(task, time.time()):
            return None
        await in_thread(Work.REPORT, set_xcom, ti, "return_value", task.manifest(model_name=self.model_name))
        return {}

    def _error_event(self, error: Exception) -> dict[str, Any]:
        return self._task_trigger._error_event(error) if self._task_trigger else super()._error_event(error)

    def _warn_still_running(self) -> None:
        if self._task:
            self.log.warning(polling.KEEPS_RUNNING, self._task.task_id)
        elif self._is_sending:
            self.log.warning(MAY_BE_PAID, self.external_task_id)
