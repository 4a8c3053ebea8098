"""A batch in the triggerer: no worker slot for as long as it takes, whatever the number of videos."""

from __future__ import annotations

import asyncio
import functools
import itertools
import random
import time
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from airflow_provider_kling import polling
from airflow_provider_kling.batch import files
from airflow_provider_kling.batch.actions import DEFAULT_THREADS, Pace, Policy
from airflow_provider_kling.batch.calls import BatchCalls
from airflow_provider_kling.batch.driver import BatchLoop
from airflow_provider_kling.batch.fence import Fence, SupersededError
from airflow_provider_kling.batch.outcome import SUPERSEDED, outcome, spent
from airflow_provider_kling.batch.plan import read_plan
from airflow_provider_kling.batch.reconciler import Reconciler
from airflow_provider_kling.batch.records import Records, read_record
from airflow_provider_kling.batch.report import Reporter
from airflow_provider_kling.batch.slots import BatchSlots
from airflow_provider_kling.exceptions import KlingBatchError, KlingError
from airflow_provider_kling.get_provider_info import DEFAULT_CONN_NAME
from airflow_provider_kling.products.wording import counted
from airflow_provider_kling.triggers.base import KlingTrigger
from airflow_provider_kling.utils._airflow.compat import AIRFLOW_V_3_2_PLUS
from airflow_provider_kling.utils._airflow.completion import is_still_deferred
from airflow_provider_kling.utils.foreign import foreign_text, reason
from airflow_provider_kling.waiting.slot_queue import AccountSlots, ModelQueue
from airflow_provider_kling.waiting.threads import Work, in_thread

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_kling.batch.actions import Finish
    from airflow_provider_kling.batch.plan import Plan
    from airflow_provider_kling.models import BatchSummary

_R = TypeVar("_R")

#: How often a plan that is not there is looked for: a storage that is away for a moment may say so.
PLAN_LOOKS = 5

#: Seconds between two lines in the log about a storage that does not answer.
COMPLAIN_EVERY = 60.0

#: Seconds after the last steps when the trigger ends, even if a thread or the storage hangs.
LAST_MARGIN = 60.0


class KlingBatchTrigger(KlingTrigger):
    """
    Bring a planned batch to its end. It pays and stores, through the pay-once protocol, in a bounded number of threads.

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
    :param submit_concurrency: submissions under way at once.
    :param store_concurrency: results that are copied at once.
    :param item_retries: further attempts for an item that Kling reported failed.
    :param max_units: 0 for no limit.
    :param units_per_item: 0 when not known.
    :param on_item_failure: ``continue`` or ``fail``.
    :param started_at: epoch seconds of the deferral.
    :param end_time: deadline, epoch seconds; wall clock, so that a restart does not reset it.
    :param poll_interval: seconds between two looks, give or take a fifth.
    :param ends_task: whether a success may end the Airflow task here, without a worker; needs Airflow 3.2.
    :param account: what the Kling connection named when the batch was planned; not the key.
    :param token_uri: see ``airflow_provider_kling.batch.fence``.
    :param token: of this deferral.
    :param items: how many the plan has; 0 when not known.
    """

    path = "airflow_provider_kling.triggers.batch.KlingBatchTrigger"

    #: How fast; not serialized.
    pace: ClassVar[Pace] = Pace()

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
        submit_concurrency: int = DEFAULT_THREADS,
        store_concurrency: int = DEFAULT_THREADS,
        item_retries: int = 1,
        max_units: float = 0.0,
        units_per_item: float = 0.0,
        on_item_failure: str = "continue",
        started_at: float = 0.0,
        end_time: float | None = None,
        poll_interval: float = polling.DEFAULT_POLL_INTERVAL,
        ends_task: bool = False,
        account: str = "",
        token_uri: str = "",
        token: str = "",
        items: int = 0,
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
        self.submit_concurrency = submit_concurrency
        self.store_concurrency = store_concurrency
        self.item_retries = item_retries
        self.max_units = max_units
        self.units_per_item = units_per_item
        self.on_item_failure = on_item_failure
        self.started_at = started_at
        self.end_time = time.time() + polling.DEFAULT_TIMEOUT if end_time is None else end_time
        self.poll_interval = poll_interval
        self.ends_task = ends_task
        self.account = account
        self.token_uri = token_uri
        self.token = token
        self.items = items
        self._reconciler: Reconciler | None = None
        self._complain_again_at = 0.0

    async def _wait(self) -> dict[str, Any]:
        try:
            event = await self._work_until_the_end()
        except SupersededError:
            self.log.warning("%s (batch %s)", SUPERSEDED, self.batch_id)
            event = {"status": "error", "message": SUPERSEDED}
        except KlingError as error:
            self.log.error("%s (batch %s)", error.message, self.batch_id)  # noqa: TRY400 - it is a sentence for people
            event = {"status": "error", "message": foreign_text(error.message)}
        return {**self._names, **event}

    def _broken_event(self, error: Exception) -> dict[str, Any]:
        self.log.error("The batch broke (%s)", self.batch_id, exc_info=error)
        return {**self._names, "status": "error", "message": f"The batch broke ({reason(error)})."}

    @property
    def _names(self) -> dict[str, Any]:
        return {"batch_id": self.batch_id, "manifest_uri": self.manifest_uri}

    @property
    def deferred_at(self) -> float:  # type: ignore[override]
        """Epoch seconds of the deferral."""
        return self.started_at

    def _warn_of_what_runs(self) -> None:
        running = self._reconciler.progress()["running"] if self._reconciler else "Some"
        self.log.warning(
            "Nothing more is submitted. %s Kling tasks of this batch keep running and are billed when they succeed: "
            "Kling cannot cancel a task. Running this Airflow task again adopts them.",
            running,
        )

    async def _work_until_the_end(self) -> dict[str, Any]:
        """Work; whatever hangs (a thread, the storage) does not hold the end for ever."""
        limit = max(self.end_time - time.time(), 0.0) + self.pace.last_steps + LAST_MARGIN
        try:
            async with asyncio.timeout(limit) as scope:
                return await self._work()
        except TimeoutError:
            if not scope.expired():
                raise
        message = (
            "The time given to the batch has passed, and a last step (storage, or a request to Kling) still hangs."
        )
        return {"status": "timeout", "message": message}

    async def _work(self) -> dict[str, Any]:
        conn_id = self.output_conn_id or None
        fence = self._fence()
        # Before the plan is read: a plan of another run is not wrong, it is not ours.
        await fence.check()
        read = functools.partial(read_plan, count=self.items)
        plan = await self._patiently(read, self.plan_uri, until=self.end_time)
        known, sent_before = await self._read_manifest()
        policy = self._policy()
        learned = asyncio.Event()
        slots = await self._slots(plan, learned)
        self._reconciler = await in_thread(Work.REPORT, _reconciler, plan, policy, slots)
        self._tell_the_beginning(len(plan))
        reporter = Reporter(
            self.manifest_uri, conn_id, fence, self.pace, announce=self._announce, complain=self._complain
        )
        loop = BatchLoop(
            plan,
            self._reconciler,
            BatchCalls(plan, self.kling_conn_id, self.output_uri, conn_id, self.account),
            reporter,
            fence,
            policy,
            kling_conn_id=self.kling_conn_id,
            account=self.account,
            poll_interval=self.poll_interval,
            learned=learned,
        )
        try:
            finish = await loop.run(known, sent_before=sent_before)
        finally:
            slots.withdraw()
        await reporter.finish(self._reconciler, deadline=self.end_time + self.pace.last_steps)
        troubles = await in_thread(Work.REPORT, self._reconciler.troubles)
        event = outcome(finish, troubles, self._summary(finish), stop_on_failure=self.on_item_failure == "fail")
        self.log.info("The batch ended (%s). %s", event["status"], event["message"])
        return event

    async def _slots(self, plan: Plan, learned: asyncio.Event) -> BatchSlots:
        loop = asyncio.get_running_loop()
        # Each model has slots of its own; a batch of several is taken for one of its first.
        model_name = str(plan[0].body.get("model_name") or "") if plan else ""
        account = await AccountSlots.of(self.kling_conn_id, self.endpoint)

        def wake() -> None:
            loop.call_soon_threadsafe(learned.set)

        return BatchSlots(ModelQueue(account, model_name), self.batch_id, wake)

    def _fence(self) -> Fence:
        # Below Airflow 3.2 a question from a thread kills the runner; dag.test() has no task instance.
        ti = self.task_instance if AIRFLOW_V_3_2_PLUS else None
        return Fence(
            self.token_uri,
            self.token,
            self.output_conn_id or None,
            still_deferred=(lambda: is_still_deferred(ti)) if ti is not None else None,
            every=self.pace.fence_every,
        )

    def _tell_the_beginning(self, count: int) -> None:
        self.log.info(
            "Making %s, at most %s at Kling at once, for up to %.0f s; batch %s, manifest %s",
            counted(count, "video"),
            self.concurrency,
            max(0.0, self.end_time - time.time()),
            self.batch_id,
            self.manifest_uri,
        )

    async def _patiently(self, read: Callable[[str, str | None], _R], uri: str, *, until: float) -> _R:
        """Read from a storage that may be away for a while."""
        for times in itertools.count(1):
            try:
                return await in_thread(Work.REPORT, read, uri, self.output_conn_id or None)
            except KlingBatchError:
                raise
            except Exception as error:  # noqa: BLE001 - whatever the storage raises
                pause = self.pace.pause(times)
                missing = isinstance(error, FileNotFoundError) and times >= PLAN_LOOKS
                if missing or time.time() + pause >= until:
                    raise KlingBatchError(
                        f"Run this Airflow task again: it writes the plan of the batch anew. {uri} cannot be read: "
                        f"{reason(error)}"
                    ) from None
                self._complain(error)
                await asyncio.sleep(pause)
        raise AssertionError

    def _policy(self) -> Policy:
        return Policy(
            concurrency=self.concurrency,
            submit_concurrency=self.submit_concurrency,
            store_concurrency=self.store_concurrency,
            started_at=self.started_at,
            end_time=self.end_time,
            item_retries=self.item_retries,
            max_units=self.max_units or None,
            units_per_item=self.units_per_item or None,
            stop_on_failure=self.on_item_failure == "fail",
            pace=self.pace,
        )

    async def _read_manifest(self) -> tuple[Records, bool]:
        """What an earlier run wrote, and whether one that cannot be read may have sent something."""
        try:
            return await self._patiently(_records_if_any, self.manifest_uri, until=time.time() + self.pace.max_pause)
        except KlingBatchError as error:
            self.log.warning("The manifest of an earlier run is not used. %s", error.message)
            return Records(), True

    def _summary(self, finish: Finish) -> BatchSummary:
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
            "cash": progress["cash"],
        }

    async def _announce(self, progress: dict[str, Any]) -> None:
        self.log.info(
            "%s of %s done, %s failed, %s running, %s being stored, %s waiting, %s so far",
            *(progress[name] for name in ("done", "items", "failed", "running", "storing", "waiting")),
            spent(progress),
        )
        await self._push("progress", progress)

    def _complain(self, error: Exception) -> None:
        now = time.monotonic()
        if now >= self._complain_again_at:
            self._complain_again_at = now + COMPLAIN_EVERY
            self.log.warning("The storage does not answer as it should; the batch tries again: %s", reason(error))

    async def _hand_over(self, event: dict[str, Any]) -> bool:
        return await self._push("return_value", event["summary"])


def _reconciler(plan: Plan, policy: Policy, slots: BatchSlots) -> Reconciler:
    """In a thread, as everything that goes through all items at once: there may be a hundred thousand."""
    return Reconciler(plan.desired, policy, jitter=random.random, slots=slots)


def _records_if_any(uri: str, conn_id: str | None) -> tuple[Records, bool]:
    """What a manifest says, and whether some of it says nothing."""
    known: list[bytes] = []
    lines = 0
    try:
        for line, value in files.each_line(uri, conn_id):
            lines += 1
            if read_record(value):
                known.append(line)
    except FileNotFoundError:
        return Records(), False
    except ValueError as error:
        raise KlingBatchError(f"It is no file of JSON lines: {reason(error)}") from None
    return Records(known), len(known) < lines
