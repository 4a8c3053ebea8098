"""A batch in the triggerer: no worker slot for as long as it takes, whatever the number of videos."""

from __future__ import annotations

import asyncio
import random
import time
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseTrigger, TaskSuccessEvent, TriggerEvent

from airflow_provider_kling import polling
from airflow_provider_kling._airflow.compat import AIRFLOW_V_3_2_PLUS
from airflow_provider_kling.batch import files
from airflow_provider_kling.batch.actions import Policy
from airflow_provider_kling.batch.hands import Hands
from airflow_provider_kling.batch.loop import BatchLoop
from airflow_provider_kling.batch.outcome import outcome
from airflow_provider_kling.batch.plan import PlannedItem
from airflow_provider_kling.batch.reconcile import Reconciler
from airflow_provider_kling.batch.report import Reporter
from airflow_provider_kling.provider_info import DEFAULT_CONN_NAME
from airflow_provider_kling.threads import Work, in_thread
from airflow_provider_kling.triggerer import is_still_deferred, set_xcom
from airflow_provider_kling.triggers import MIN_DEFERRAL

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from airflow_provider_kling.batch.actions import Finish


class KlingBatchTrigger(BaseTrigger):
    """
    Bring a planned batch to its end and fire exactly one event.

    It may be restarted anywhere and may run twice at once: everything it knows follows from the plan, from Kling and
    from the manifest, and an external id has one task. Its arguments are strings and numbers; arguments that other
    versions of the package wrote are accepted.

    :param plan_uri: what is wanted, see ``airflow_provider_kling.batch.plan``.
    :param manifest_uri: where the results are described.
    :param output_uri: folder of the videos.
    :param output_conn_id: Airflow connection of all three; empty for none.
    :param kling_conn_id: the Kling connection, resolved in the triggerer.
    :param endpoint: the product.
    :param batch_id: names the batch.
    :param concurrency: tasks at Kling at once, at most.
    :param item_retries: further attempts for an item that Kling reported failed.
    :param max_units: 0 for no limit.
    :param units_per_item: 0 when not known.
    :param on_item_failure: ``continue`` or ``fail``.
    :param started_at: epoch seconds of the deferral.
    :param end_time: deadline, epoch seconds; wall clock, so that a restart does not reset it.
    :param poll_interval: seconds between two looks, give or take a fifth.
    :param ends_task: whether a success may end the Airflow task here, without a worker; needs Airflow 3.2.
    """

    def __init__(
        self,
        plan_uri: str = "",
        manifest_uri: str = "",
        output_uri: str = "",
        output_conn_id: str = "",
        kling_conn_id: str = DEFAULT_CONN_NAME,
        endpoint: str = "image2video",
        batch_id: str = "",
        concurrency: int = 1,
        item_retries: int = 1,
        max_units: float = 0.0,
        units_per_item: float = 0.0,
        on_item_failure: str = "continue",
        started_at: float = 0.0,
        end_time: float | None = None,
        poll_interval: float = polling.DEFAULT_POLL_INTERVAL,
        ends_task: bool = False,
        **_from_other_versions: Any,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.plan_uri = plan_uri
        self.manifest_uri = manifest_uri
        self.output_uri = output_uri
        self.output_conn_id = output_conn_id
        self.kling_conn_id = kling_conn_id
        self.endpoint = endpoint
        self.batch_id = batch_id
        self.concurrency = concurrency
        self.item_retries = item_retries
        self.max_units = max_units
        self.units_per_item = units_per_item
        self.on_item_failure = on_item_failure
        self.started_at = started_at
        self.end_time = time.time() + polling.DEFAULT_TIMEOUT if end_time is None else end_time
        self.poll_interval = poll_interval
        self.ends_task = ends_task
        self._reconciler: Reconciler | None = None

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and the arguments that rebuild this trigger."""
        names = (
            *("plan_uri", "manifest_uri", "output_uri", "output_conn_id", "kling_conn_id", "endpoint", "batch_id"),
            *("concurrency", "item_retries", "max_units", "units_per_item", "on_item_failure"),
            *("started_at", "end_time", "poll_interval", "ends_task"),
        )
        return f"{type(self).__module__}.{type(self).__qualname__}", {name: getattr(self, name) for name in names}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Yield one event, whatever happens: the task's success, or what ``outcome`` says."""
        try:
            event = await self._work()
            if event["status"] == "success" and await self._hand_over(event["summary"]):
                yield TaskSuccessEvent()
                return
        except Exception as error:
            self.log.exception("The batch %s broke", self.batch_id)
            event = {"status": "error", "message": f"The batch broke ({type(error).__name__}: {error})."}
        await asyncio.sleep(self.started_at + MIN_DEFERRAL - time.time())
        yield TriggerEvent({"batch_id": self.batch_id, "manifest_uri": self.manifest_uri, **event})

    async def on_kill(self) -> None:
        """Say what keeps running: Kling has no call that cancels a task."""
        if await in_thread(Work.REPORT, is_still_deferred, self.task_instance):
            # Airflow 3.3.0 to 3.3.2 also call this when the wait moves to another triggerer (apache/airflow#73454).
            return
        running = self._reconciler.progress()["running"] if self._reconciler else "Some"
        self.log.warning(
            "Nothing more is submitted. %s Kling tasks of this batch keep running and are billed when they succeed: "
            "Kling cannot cancel a task. Running this Airflow task again adopts them.",
            running,
        )

    async def _work(self) -> dict[str, Any]:
        conn_id = self.output_conn_id or None
        plan = [PlannedItem(**line) for line in await in_thread(Work.REPORT, files.read_lines, self.plan_uri, conn_id)]
        known = await in_thread(Work.REPORT, self._read_manifest)
        self._reconciler = Reconciler([item.desired for item in plan], self._policy(), jitter=random.random)
        reporter = Reporter(self.manifest_uri, conn_id, announce=self._announce, complain=self._complain)
        loop = BatchLoop(
            plan,
            self._reconciler,
            Hands(self.endpoint, self.kling_conn_id, self.output_uri, conn_id),
            reporter,
            kling_conn_id=self.kling_conn_id,
            end_time=self.end_time,
            poll_interval=self.poll_interval,
        )
        finish = await loop.run(known)
        records = self._reconciler.records(ended=True)
        await reporter.finish(records, self._reconciler.progress())
        event = outcome(finish, records, self._summary(finish), stop_on_failure=self.on_item_failure == "fail")
        self.log.info("Batch %s: %s. %s", self.batch_id, event["status"], event["message"])
        return event

    def _policy(self) -> Policy:
        return Policy(
            concurrency=self.concurrency,
            started_at=self.started_at,
            end_time=self.end_time,
            item_retries=self.item_retries,
            max_units=self.max_units or None,
            units_per_item=self.units_per_item or None,
            stop_on_failure=self.on_item_failure == "fail",
        )

    def _read_manifest(self) -> list[dict[str, Any]]:
        """What an earlier run wrote; a file that is not readable as one is as good as none."""
        try:
            return files.read_lines(self.manifest_uri, self.output_conn_id or None)
        except (FileNotFoundError, ValueError):
            return []

    def _summary(self, finish: Finish) -> dict[str, Any]:
        assert self._reconciler is not None
        progress = self._reconciler.progress()
        return {
            "batch_id": self.batch_id,
            "manifest_uri": self.manifest_uri,
            "items": progress["items"],
            "done": progress["done"],
            "failed": progress["failed"],
            "running": progress["running"] + progress["storing"],
            "stopped": progress["waiting"],
            "stopped_by": None if finish.reason == "done" else finish.reason,
            "units": progress["units"],
        }

    async def _announce(self, progress: dict[str, Any]) -> None:
        self.log.info(
            "%s of %s done, %s failed, %s running, %s being stored, %s waiting, %s units so far",
            *(progress[name] for name in ("done", "items", "failed", "running", "storing", "waiting", "units")),
        )
        await self._push("progress", progress)

    def _complain(self, error: Exception) -> None:
        self.log.warning("A report of the batch could not be written; it goes on: %s", error)

    async def _hand_over(self, summary: dict[str, Any]) -> bool:
        """Push what the worker would have pushed; whether the Airflow task may end here."""
        # In a triggerer that was frozen this may be over: its success would end whatever has the trigger's id now.
        if not (
            self.ends_task
            and AIRFLOW_V_3_2_PLUS
            and await in_thread(Work.REPORT, is_still_deferred, self.task_instance)
        ):
            return False
        return await self._push("return_value", summary)

    async def _push(self, key: str, value: dict[str, Any]) -> bool:
        # dag.test() runs triggers without a task instance. Below 3.2 an XCom set from a thread kills the runner.
        ti = self.task_instance
        if not AIRFLOW_V_3_2_PLUS or ti is None:
            return False
        await in_thread(Work.REPORT, set_xcom, ti, key, value)
        return True
