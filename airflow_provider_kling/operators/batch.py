"""Many videos in one Airflow task."""

from __future__ import annotations

import dataclasses
import time
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from airflow_provider_kling import identity, polling
from airflow_provider_kling._airflow.compat import TaskDeferralError, TaskDeferralTimeout
from airflow_provider_kling.exceptions import KlingError, KlingValidationError
from airflow_provider_kling.failure import push_failure
from airflow_provider_kling.images import conceal
from airflow_provider_kling.operators.base import ConcealsImages, origin_of
from airflow_provider_kling.provider_info import DEFAULT_CONN_NAME
from airflow_provider_kling.triggerer import leaves_nothing_to_do, nobody_listens
from airflow_provider_kling.triggers import BACKSTOP_MARGIN, MIN_DEFERRAL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.sdk import Context

    from airflow_provider_kling.batch.plan import PlannedItem
    from airflow_provider_kling.hooks import KlingHook
    from airflow_provider_kling.preparation import Validate

#: Seconds that a batch lasts unless the Dag says otherwise: a thousand videos of two minutes on five slots take seven
#: hours.
DEFAULT_TIMEOUT = 86_400.0

#: The smallest resource pack has this many slots.
DEFAULT_CONCURRENCY = 5

#: Seconds for what is under way in threads when the deadline comes.
LAST_STEPS = 300.0


class KlingImageToVideoBatchOperator(ConcealsImages):
    """
    Animate many images in one Airflow task, and store the videos.

    .. seealso::
        For more information on how to use this operator, take a look at the guide:
        :ref:`howto/operator:KlingImageToVideoBatchOperator`

    A worker checks every item and writes a plan; then the batch lives in the triggerer, which keeps the slots at Kling
    full, stores each video as it is done, and describes everything in a manifest (JSON Lines). At most one worker start
    to begin and one to end, whatever the number of videos.

    It goes on after any crash, restart, retry or Clear where Kling says that it is: each item has an external id that
    follows from the Dag run and from its content.

    **When to map instead.** Prefer ``KlingImageToVideoOperator.partial(...).expand(...)`` when each video is a task of
    its own to you: a box in the grid, its own retries, logs and Clear, or further tasks for each video. It costs one
    scheduled task for each video and needs a pool to respect the slots. Prefer this operator when the set is the unit:
    hundreds of videos, one result, a limit on what it may cost.

    Returns a summary: ``items``, ``done``, ``failed``, ``running``, ``stopped``, ``stopped_by``, ``units``,
    ``manifest_uri``, ``batch_id``.

    :param items: a list of dicts of Kling's fields, as :class:`KlingImageToVideoOperator` names them; or the URI of a
        JSON Lines file of such dicts. ``key`` in an item is its name and that of its file; default is its place in the
        list (templated).
    :param output_uri: folder of the videos, ``{key}.mp4``; any ``ObjectStoragePath`` URI (templated). The plan stands
        in a folder below it whose name begins with a dot.
    :param defaults: fields of every item that does not have them (templated).
    :param concurrency: tasks at Kling at once, at most; default 5, the slots of the smallest resource pack.
    :param on_item_failure: ``continue`` (default): the task succeeds when at least one video is done; ``fail``: after
        the first failed item nothing more is submitted, what runs is collected, and the task fails.
    :param item_retries: further attempts for an item that Kling reported failed; default 1. Failed tasks are not
        charged. What moderation stopped, and what Kling refused, is never tried again.
    :param max_units: stop before the submission that would bring the batch above this. Finished tasks count what Kling
        says, those that run count ``units_per_item`` each; without it, the mean of the finished ones, and the first
        item runs alone.
    :param units_per_item: what one video costs.
    :param manifest_uri: default ``manifest.jsonl`` in ``output_uri`` (templated).
    :param output_conn_id: Airflow connection of that storage, and of the file of ``items``.
    :param image_conn_id: Airflow connection for images in object storage.
    :param kling_conn_id: the :ref:`Kling connection <howto/connection:kling>` (templated).
    :param extra_body: fields that this package does not know, added to each request as they are (templated).
    :param validate: ``strict`` (default), ``warn`` or ``off``.
    :param on_clear: ``reuse`` (default): a cleared task adopts the videos that were paid for; ``regenerate``: it pays
        for new takes. Automatic retries always adopt.
    :param poll_interval: seconds between two looks at all running tasks together; default 15.
    :param timeout: seconds for the whole batch; default a day. What runs at Kling runs on, and a retry goes on.
    """

    endpoint: ClassVar[str] = "image2video"
    image_fields = ("items", "defaults")
    template_fields: Sequence[str] = (
        "items",
        "output_uri",
        "defaults",
        "manifest_uri",
        "kling_conn_id",
        "extra_body",
    )
    ui_color = "#e8f4d9"

    def __init__(
        self,
        *,
        items: Any,
        output_uri: str,
        defaults: dict[str, Any] | None = None,
        concurrency: int = DEFAULT_CONCURRENCY,
        on_item_failure: Literal["continue", "fail"] = "continue",
        item_retries: int = 1,
        max_units: float | None = None,
        units_per_item: float | None = None,
        manifest_uri: str | None = None,
        output_conn_id: str | None = None,
        image_conn_id: str | None = None,
        kling_conn_id: str = DEFAULT_CONN_NAME,
        extra_body: dict[str, Any] | None = None,
        validate: Validate = "strict",
        on_clear: Literal["reuse", "regenerate"] = "reuse",
        poll_interval: float = polling.DEFAULT_POLL_INTERVAL,
        timeout: float = DEFAULT_TIMEOUT,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.items = conceal(items)
        self.output_uri = output_uri
        self.defaults = conceal(defaults)
        self.concurrency = concurrency
        self.on_item_failure = on_item_failure
        self.item_retries = item_retries
        self.max_units = max_units
        self.units_per_item = units_per_item
        self.manifest_uri = manifest_uri
        self.output_conn_id = output_conn_id
        self.image_conn_id = image_conn_id
        self.kling_conn_id = kling_conn_id
        self.extra_body = conceal(extra_body)
        self.validate = validate
        self.on_clear = on_clear
        self.poll_interval = poll_interval
        self.timeout = timeout

    @cached_property
    def hook(self) -> KlingHook:
        """The hook of this task."""
        from airflow_provider_kling.hooks import KlingHook

        return KlingHook(self.kling_conn_id)

    def execute(self, context: Context) -> None:
        """Check every item, write the plan, and hand the batch to the triggerer."""
        from airflow_provider_kling.batch import files

        try:
            self._check_limits()
            batch_id, planned = self._plan(context)
            plan_uri = f"{self._work_uri(batch_id)}plan.jsonl"
            lines = [dataclasses.asdict(item) for item in planned]
            files.write_lines(plan_uri, lines, self.output_conn_id)
        except KlingError as error:
            push_failure(error, context)
            raise
        self.log.info("Batch %s: %s items are good; the manifest is %s", batch_id, len(planned), self._manifest_uri)
        context["ti"].xcom_push(key="manifest_uri", value=self._manifest_uri)
        self._defer(batch_id, plan_uri)

    def execute_complete(self, context: Context, event: dict[str, Any] | None = None) -> dict[str, Any]:
        """
        Resume on a worker when there is something left to do there, such as failing with the reason.

        :param event: what the trigger fired.
        """
        from airflow_provider_kling.batch.outcome import error_of

        event = event or {}
        if "batch_id" in event and event["batch_id"] != self._batch_id(context):
            # A stranger's, see polling.event_of.
            event = {"status": "error", "message": f"Resumed by {event!r}, which is not about this batch."}
        if event.get("status") == "success" and isinstance(event.get("summary"), dict):
            return dict(event["summary"])
        error = error_of(event)
        push_failure(error, context)
        raise error

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """Resume; when the trigger broke or was timed out by Airflow, say that the batch can go on."""
        try:
            return super().resume_execution(next_method, next_kwargs, context)
        except (TaskDeferralError, TaskDeferralTimeout) as error:
            message = f"The trigger of the batch ended without an event ({error}); what runs at Kling runs on."
            return self.execute_complete(context, {"status": "error", "message": message})

    def _check_limits(self) -> None:
        problems = []
        if self.on_item_failure not in ("continue", "fail"):
            problems.append(f"on_item_failure={self.on_item_failure!r} is unknown; give 'continue' or 'fail'.")
        if self.concurrency < 1:
            problems.append(f"concurrency={self.concurrency!r} lets nothing run; give 1 or more.")
        if self.item_retries < 0:
            problems.append(f"item_retries={self.item_retries!r} is below 0.")
        limits = (("max_units", self.max_units), ("units_per_item", self.units_per_item))
        problems += [f"{name}={value!r} is not above 0." for name, value in limits if value is not None and value <= 0]
        if problems:
            raise KlingValidationError(problems)

    def _plan(self, context: Context) -> tuple[str, list[PlannedItem]]:
        from airflow_provider_kling.batch.plan import Planner, read_items

        batch_id = self._batch_id(context)
        planner = Planner(
            self.endpoint,
            self.hook.account_name,
            origin_of(self, context, self.on_clear),
            self._work_uri(batch_id),
            output_conn_id=self.output_conn_id,
            image_conn_id=self.image_conn_id,
            extra_body=self.extra_body,
            validate=self.validate,
        )
        planned, warnings = planner.plan(read_items(self.items, self.defaults, self.output_conn_id))
        for warning in warnings:
            self.log.warning("%s", warning)
        return batch_id, planned

    def _batch_id(self, context: Context) -> str:
        fingerprint = identity.fingerprint(account=self.hook.account_name, endpoint=self.endpoint, content={})
        return identity.external_task_id(origin_of(self, context, self.on_clear), fingerprint)

    def _work_uri(self, batch_id: str) -> str:
        return f"{self._folder}.{batch_id}/"

    @property
    def _folder(self) -> str:
        return self.output_uri.rstrip("/") + "/"

    @property
    def _manifest_uri(self) -> str:
        return self.manifest_uri or f"{self._folder}manifest.jsonl"

    def _defer(self, batch_id: str, plan_uri: str) -> None:
        from airflow_provider_kling.batch.trigger import KlingBatchTrigger

        now = time.time()
        limits = [self.timeout, *([self.execution_timeout.total_seconds()] if self.execution_timeout else [])]
        trigger = KlingBatchTrigger(
            plan_uri=plan_uri,
            manifest_uri=self._manifest_uri,
            output_uri=self._folder,
            output_conn_id=self.output_conn_id or "",
            kling_conn_id=self.kling_conn_id,
            endpoint=self.endpoint,
            batch_id=batch_id,
            concurrency=self.concurrency,
            item_retries=self.item_retries,
            max_units=self.max_units or 0.0,
            units_per_item=self.units_per_item or 0.0,
            on_item_failure=self.on_item_failure,
            started_at=now,
            end_time=now + min(limits),
            poll_interval=self.poll_interval,
            ends_task=leaves_nothing_to_do(self) and nobody_listens(),
        )
        # Airflow's own end comes later than the trigger's, which is clearer.
        backstop = max(min(limits), MIN_DEFERRAL) + self.poll_interval + LAST_STEPS + BACKSTOP_MARGIN
        self.defer(trigger=trigger, method_name="execute_complete", timeout=timedelta(seconds=backstop))
