"""A batch in the triggerer: it holds no worker slot, however long it takes."""

from __future__ import annotations

import asyncio
import random
import time
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_kling.batch.actions import Pace, Policy
from airflow_provider_kling.batch.calls import BatchCalls
from airflow_provider_kling.batch.driver import BatchLoop
from airflow_provider_kling.batch.fence import Fence, SupersededError
from airflow_provider_kling.batch.load import BatchFiles
from airflow_provider_kling.batch.outcome import SUPERSEDED, cost_text, outcome_event
from airflow_provider_kling.batch.reconciler import Reconciler
from airflow_provider_kling.batch.report import Reporter
from airflow_provider_kling.batch.slots import BatchSlots
from airflow_provider_kling.batch.trigger_arguments import BatchArguments
from airflow_provider_kling.exceptions import KlingError
from airflow_provider_kling.products.catalogue import product_of
from airflow_provider_kling.products.formatting import counted
from airflow_provider_kling.triggers.base import KlingTrigger
from airflow_provider_kling.utils._airflow.compat import AIRFLOW_V_3_2_PLUS
from airflow_provider_kling.utils._airflow.completion import is_still_deferred
from airflow_provider_kling.utils.untrusted import clean_text, reason
from airflow_provider_kling.waiting.slot_queue import AccountSlots, ModelQueue
from airflow_provider_kling.waiting.threads import Work, in_thread

if TYPE_CHECKING:
    from pydantic import JsonValue

    from airflow_provider_kling.batch.actions import Finish, Policy
    from airflow_provider_kling.batch.plan import Plan
    from airflow_provider_kling.models import BatchSummary

#: Seconds between two warnings about a storage that does not answer.
STORAGE_WARNING_EVERY = 60.0

#: Seconds after the grace period when the trigger ends even if a thread or the storage hangs.
GRACE_MARGIN = 60.0


class KlingBatchTrigger(KlingTrigger):
    """
    Run a planned batch. It pays and stores, through the pay-once protocol, in a bounded number of threads.

    It may be restarted anywhere and may run twice at once: its state is in the plan, at Kling and in the manifest, and
    an external id has one task. Its arguments are strings and numbers; arguments that other
    versions of the package wrote are accepted.

    :param arguments: those of :class:`~airflow_provider_kling.batch.trigger_arguments.BatchArguments`.
    """

    path = "airflow_provider_kling.triggers.batch.KlingBatchTrigger"

    #: How fast; not serialized.
    pace: ClassVar[Pace] = Pace()

    def __init__(self, **arguments: Any) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.batch = BatchArguments.read(arguments, time.time())
        self.ends_task = self.batch.ends_task
        self._reconciler: Reconciler | None = None
        self._next_storage_warning = 0.0

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and the arguments that rebuild this trigger."""
        return self.path, self.batch.to_dict()

    async def _wait(self) -> dict[str, Any]:
        try:
            event = await self._run_with_limit()
        except SupersededError:
            self.log.warning("%s (batch %s)", SUPERSEDED, self.batch.batch_id)
            event = {"status": "error", "message": SUPERSEDED}
        except KlingError as error:
            # Logged without a traceback.
            self.log.error("%s (batch %s)", error.message, self.batch.batch_id)  # noqa: TRY400
            event = {"status": "error", "message": clean_text(error.message)}
        return {**self._event_fields, **event}

    def _error_event(self, error: Exception) -> dict[str, Any]:
        self.log.error("The batch broke (%s)", self.batch.batch_id, exc_info=error)
        return {**self._event_fields, "status": "error", "message": f"The batch broke ({reason(error)})."}

    @property
    def _event_fields(self) -> dict[str, Any]:
        return {"batch_id": self.batch.batch_id, "manifest_uri": self.batch.manifest_uri}

    @property
    def deferred_at(self) -> float:  # type: ignore[override]
        """Epoch seconds of the deferral."""
        return self.batch.started_at

    def _warn_still_running(self) -> None:
        running = self._reconciler.progress()["running"] if self._reconciler else "Some"
        self.log.warning(
            "Nothing more is submitted. %s Kling tasks of this batch keep running and are billed when they succeed: "
            "Kling cannot cancel a task. Running this Airflow task again adopts them.",
            running,
        )

    async def _run_with_limit(self) -> dict[str, Any]:
        """Run the batch; a thread or a storage that hangs must not keep it from ending."""
        limit = max(self.batch.end_time - time.time(), 0.0) + self.pace.grace_period + GRACE_MARGIN
        try:
            async with asyncio.timeout(limit) as scope:
                return await self._run_batch()
        except TimeoutError:
            if not scope.expired():
                raise
        message = (
            "The time given to the batch has passed, and a last step (storage, or a request to Kling) still hangs."
        )
        return {"status": "timeout", "message": message}

    async def _run_batch(self) -> dict[str, Any]:
        conn_id = self.batch.output_conn_id or None
        fence = self._fence()
        # Before the plan is read: another run may have replaced it.
        await fence.check()
        batch_files = BatchFiles(self.batch, self.pace, self._warn_of_storage)
        plan = await batch_files.plan()
        known, sent_before = await batch_files.manifest()
        policy = self.batch.policy(self.pace)
        changed = asyncio.Event()
        slots = await self._join_queues(plan, changed)
        self._reconciler = await in_thread(Work.REPORT, _new_reconciler, plan, policy, slots)
        self._log_start(len(plan))
        reporter = Reporter(
            self.batch.manifest_uri,
            conn_id,
            fence,
            self.pace,
            show_progress=self._report_progress,
            on_storage_error=self._warn_of_storage,
        )
        loop = BatchLoop(
            plan,
            self._reconciler,
            BatchCalls(plan, self.batch.kling_conn_id, self.batch.output_uri, conn_id, self.batch.account),
            reporter,
            fence,
            policy,
            kling_conn_id=self.batch.kling_conn_id,
            account=self.batch.account,
            poll_interval=self.batch.poll_interval,
            changed=changed,
        )
        try:
            finish = await loop.run(known, sent_before=sent_before)
        finally:
            for queue in slots:
                queue.leave_queue()
        await reporter.finish(self._reconciler, deadline=self.batch.end_time + self.pace.grace_period)
        records = await in_thread(Work.REPORT, self._reconciler.records_with_errors)
        event = outcome_event(finish, records, self._summary(finish), stop_on_failure=self.batch.stops_on_failure)
        self.log.info("The batch ended (%s). %s", event["status"], event["message"])
        return event

    async def _join_queues(self, plan: Plan, changed: asyncio.Event) -> list[BatchSlots]:
        """Join the queue of each model: each model has slots of its own."""
        loop = asyncio.get_running_loop()
        accounts: dict[str, AccountSlots] = {}
        for endpoint in plan.endpoints:
            accounts[product_of(endpoint).group] = await AccountSlots.of(self.batch.kling_conn_id, endpoint)

        def on_granted() -> None:
            loop.call_soon_threadsafe(changed.set)

        queues = (ModelQueue(accounts[pool.group], pool.model_name) for pool in plan.pools)
        return [BatchSlots(queue, self.batch.batch_id, on_granted) for queue in queues]

    def _fence(self) -> Fence:
        # Below Airflow 3.2 a call of Airflow in a thread kills the runner; dag.test() has no task instance.
        ti = self.task_instance if AIRFLOW_V_3_2_PLUS else None
        return Fence(
            self.batch.token_uri,
            self.batch.token,
            self.batch.output_conn_id or None,
            still_deferred=(lambda: is_still_deferred(ti)) if ti is not None else None,
            every=self.pace.fence_every,
        )

    def _log_start(self, count: int) -> None:
        self.log.info(
            "Making %s, at most %s at Kling at once, for up to %.0f s; batch %s, manifest %s",
            counted(count, "video"),
            self.batch.concurrency,
            max(0.0, self.batch.end_time - time.time()),
            self.batch.batch_id,
            self.batch.manifest_uri,
        )

    def _summary(self, finish: Finish) -> BatchSummary:
        assert self._reconciler is not None
        progress = self._reconciler.progress()
        return {
            "batch_id": self.batch.batch_id,
            "manifest_uri": self.batch.manifest_uri,
            "items": progress["items"],
            "done": progress["done"],
            "failed": progress["failed"],
            "running": progress["running"] + progress["storing"],
            "stopped": progress["waiting"],
            "stopped_by": None if finish.reason == "done" else finish.reason,
            "units": progress["units"],
            "cash": progress["cash"],
        }

    async def _report_progress(self, progress: dict[str, Any]) -> None:
        self.log.info(
            "%s of %s done, %s failed, %s running, %s being stored, %s waiting, %s so far",
            *(progress[name] for name in ("done", "items", "failed", "running", "storing", "waiting")),
            cost_text(progress),
        )
        await self._push("progress", progress)

    def _warn_of_storage(self, error: Exception) -> None:
        now = time.monotonic()
        if now >= self._next_storage_warning:
            self._next_storage_warning = now + STORAGE_WARNING_EVERY
            self.log.warning("The storage does not answer as it should; the batch tries again: %s", reason(error))

    async def _push_result(self, event: dict[str, Any]) -> dict[str, JsonValue] | None:
        return {} if await self._push("return_value", event["summary"]) else None


def _new_reconciler(plan: Plan, policy: Policy, slots: list[BatchSlots]) -> Reconciler:
    """Runs in a thread, because it visits all items: there may be a hundred thousand."""
    return Reconciler(plan.desired, policy, jitter=random.random, slots=slots)
