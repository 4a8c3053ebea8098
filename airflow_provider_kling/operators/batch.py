"""Many videos in one Airflow task."""

from __future__ import annotations

import contextlib
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from airflow_provider_kling import polling
from airflow_provider_kling.batch.actions import DEFAULT_THREADS, GRACE_PERIOD
from airflow_provider_kling.exceptions import KlingValidationError
from airflow_provider_kling.operators import record
from airflow_provider_kling.operators.base import KlingBaseOperator
from airflow_provider_kling.operators.batch_limits import (
    DEFAULT_CONCURRENCY,
    DEFAULT_TIMEOUT,
    Limits,
    OnItemFailure,
    read_limits,
    work_uri,
)
from airflow_provider_kling.operators.record import origin_of
from airflow_provider_kling.operators.spending import Spending, planned_cost_of_batch
from airflow_provider_kling.plugins.links import KlingBatchLink
from airflow_provider_kling.products import prices
from airflow_provider_kling.products.catalogue import product_of
from airflow_provider_kling.products.formatting import counted
from airflow_provider_kling.products.product import DEFAULT_ENDPOINT
from airflow_provider_kling.submission import identity
from airflow_provider_kling.triggers.base import backstop
from airflow_provider_kling.utils._airflow.asset_events import describe_outlets
from airflow_provider_kling.utils._airflow.compat import AirflowSkipException, TaskDeferralError, TaskDeferralTimeout
from airflow_provider_kling.utils._airflow.object_storage import with_connection
from airflow_provider_kling.utils.untrusted import reason

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import timedelta

    from airflow.sdk import Context, ObjectStoragePath
    from airflow.sdk.definitions.xcom_arg import XComArg

    from airflow_provider_kling.batch.plan import PlannedItem
    from airflow_provider_kling.batch.planner import Planner
    from airflow_provider_kling.operators.video_item import KlingVideoItem
    from airflow_provider_kling.products.prices import Total


class KlingImageToVideoBatchOperator(KlingBaseOperator):
    """
    Animate many images in one Airflow task, and store the videos.

    .. seealso::
        For more information on how to use this operator, take a look at the guide:
        :ref:`howto/operator:KlingImageToVideoBatchOperator`

    A worker checks every item and writes a plan. Then the batch runs in the triggerer, which keeps the slots at Kling
    full, stores each video when it is done, and writes a manifest (JSON Lines). It starts at most two workers, one at
    the beginning and one at the end, whatever the number of videos.

    After a crash, restart, retry or Clear it continues from the state at Kling: each item has an external id that is
    made from the Dag run and the item's content.

    **When to map instead.** Prefer ``KlingImageToVideoOperator.partial(...).expand(...)`` when each video is a task of
    its own to you: a box in the grid, its own retries, logs and Clear, or further tasks for each video. It costs one
    scheduled task for each video and needs a pool to respect the slots. Prefer this operator when the set is the unit:
    hundreds of videos, one result, a limit on what it may cost.

    Returns a summary: ``items``, ``done``, ``failed``, ``running``, ``stopped``, ``stopped_by``, ``units``, ``cash``,
    ``manifest_uri``, ``batch_id``.

    :param items: a list of dicts of Kling's fields, as :class:`KlingVideoItem` names them; or a JSON Lines file of such
        dicts, as a URI or a path object. The output of a mapped task is understood. ``key`` in an item is its name and
        that of its file; default is its place in the list (templated). Without any item the task is skipped.
    :param output_uri: folder of the videos, ``{key}.mp4``; any ``ObjectStoragePath`` URI, or a path object (templated).
        The plan is in a folder below it whose name begins with a dot.
    :param defaults: fields of every item that does not have them (templated).
    :param endpoint: the product of items that name none, default ``image2video``; any product with an
        ``external_task_id``, such as ``images/generations`` (templated). An item's own ``endpoint`` comes first.
    :param concurrency: tasks at Kling at once, at most; default 5, the slots of the smallest resource pack.
    :param submit_concurrency: submissions under way at once; default 4. All batches of a triggerer together have 16.
    :param store_concurrency: results that are copied at once; default 4. All batches of a triggerer together have 16.
    :param on_item_failure: ``continue`` (default): the task succeeds when at least one video is done; ``fail``: after
        the first failed item nothing more is submitted, what runs is collected, and the task fails.
    :param item_retries: further attempts for an item that Kling reported failed; default 1. Failed tasks are not
        charged. What moderation stopped, and what Kling refused, is never tried again.
    :param max_units: stop before the submission that would bring the batch above this. Finished tasks count what Kling
        says, those that run count ``units_per_item`` each.
    :param max_run_usd: refuse the batch when it would bring the Dag run above this many US dollars at list price,
        together with its other Kling tasks; ``max_units`` bounds what it counts. See :doc:`budget`.
    :param units_per_item: what one costs; default is the dearest by Kling's price list. Where that does not know them
        all: the mean of the finished ones, and the first item runs alone.
    :param manifest_uri: default ``manifest.jsonl`` in ``output_uri`` (templated).
    :param output_conn_id: Airflow connection of that storage, and of the file of ``items``.
    :param image_conn_id: Airflow connection for images in object storage.
    :param fit: ``refuse`` (default), or ``shrink``: images that Kling would not take are converted or reduced, see
        :class:`~airflow_provider_kling.operators.KlingTaskOperator`.
    :param image_by: how an image in object storage is sent: ``content`` (default), or ``link``: a signed link that
        lives twelve hours and is made when the request is sent. It is checked like content, and known by it.
    :param kling_conn_id: the :ref:`Kling connection <howto/connection:kling>` (templated).
    :param extra_body: fields that this package does not know, added to each request as they are (templated).
    :param validate: ``strict`` (default), ``warn`` or ``off``.
    :param on_clear: ``reuse`` (default): a cleared task adopts the videos that were paid for; ``regenerate``: it pays
        for new takes. Automatic retries always adopt.
    :param poll_interval: seconds between two status checks of all running tasks, or a ``timedelta``; default 15.
    :param timeout: seconds for the whole batch, or a ``timedelta``; default a day. Kling finishes its running tasks,
        and a retry continues the batch.
    """

    redacted_fields = ("items", "defaults", *KlingBaseOperator.redacted_fields)
    label_fields = ("output_uri",)
    template_fields: Sequence[str] = (
        "items",
        "output_uri",
        "defaults",
        "endpoint",
        "manifest_uri",
        "kling_conn_id",
        "extra_body",
    )
    operator_extra_links = (KlingBatchLink(),)

    def __init__(
        self,
        *,
        items: Sequence[KlingVideoItem] | Iterable[Mapping[str, Any]] | str | os.PathLike[str] | XComArg,
        output_uri: str | os.PathLike[str] | ObjectStoragePath,
        defaults: KlingVideoItem | Mapping[str, Any] | None = None,
        endpoint: str = DEFAULT_ENDPOINT,
        concurrency: int = DEFAULT_CONCURRENCY,
        submit_concurrency: int = DEFAULT_THREADS,
        store_concurrency: int = DEFAULT_THREADS,
        on_item_failure: OnItemFailure = "continue",
        item_retries: int = 1,
        units_per_item: float | None = None,
        manifest_uri: str | os.PathLike[str] | ObjectStoragePath | None = None,
        poll_interval: float | timedelta = polling.DEFAULT_POLL_INTERVAL,
        timeout: float | timedelta = DEFAULT_TIMEOUT,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.items = items
        self.output_uri = output_uri
        self.defaults = defaults
        self.endpoint = endpoint
        self.concurrency = concurrency
        self.submit_concurrency = submit_concurrency
        self.store_concurrency = store_concurrency
        self.on_item_failure = on_item_failure
        self.item_retries = item_retries
        self.units_per_item = units_per_item
        self.manifest_uri = manifest_uri
        self.poll_interval = poll_interval
        self.timeout = timeout

    def execute(self, context: Context) -> None:
        """Check every item, write the plan, and hand the batch to the triggerer."""
        from airflow_provider_kling.operators.batch_handover import trigger_arguments, write_plan
        from airflow_provider_kling.triggers.batch import KlingBatchTrigger

        with self._push_failure_on_error(context):
            limits = read_limits(self)
            items = self._items()
            if not items:
                raise AirflowSkipException("There is nothing to make: items is empty.")
            self._check_storage(limits)
            batch_id = self._batch_id(context)
            planner = self._planner(origin_of(context, limits.on_clear), work_uri(limits, batch_id))
            with _discarded_when_refused(planner):
                planned = self._plan(planner, items)
                cost = self._permit(context, planned, limits, batch_id)
            token = write_plan(self, context, planned, limits, batch_id)
        if cost.most and limits.units_per_item is None:
            limits = limits._replace(units_per_item=float(cost.most))
        self.log.info("Checked %s, nothing is wrong; together %s", counted(len(planned), "item"), cost)
        self.log.info("Batch %s, manifest %s", batch_id, limits.manifest_uri)
        record.push(self, context, "batch_id", batch_id)
        record.push(self, context, "manifest_uri", with_connection(limits.manifest_uri, self.output_conn_id))
        batch = trigger_arguments(self, limits, batch_id, len(planned), token)
        self.defer(
            trigger=KlingBatchTrigger(**batch.to_dict()),
            method_name="execute_complete",
            # Later than the trigger's own deadline, whose error is clearer.
            timeout=backstop(batch.end_time, margin=limits.poll_interval + GRACE_PERIOD),
        )

    def estimate(self) -> Total:
        """
        Return what all items cost by Kling's price list; nothing is sent, and nothing written.

        :return: with ``units``, ``usd`` and the number of items whose price is ``unknown``.
        :raises KlingValidationError: when an item is bad.
        """
        read_limits(self)
        return prices.total(self._planner(identity.Origin("", "", ""), "").requests(self._items()))

    def execute_complete(self, context: Context, event: Any = None) -> dict[str, Any]:
        """
        Resume on a worker for what only a worker can do, such as failing with the reason.

        :param event: what the trigger fired.
        """
        from airflow_provider_kling.batch.outcome import error_of

        event = event if isinstance(event, dict) else {"message": f"Resumed by {reason(ValueError(event))}."}
        if "batch_id" in event and event["batch_id"] != self._submitted_batch_id(context):
            # The event of another batch, see polling.read_event.
            event = {"status": "error", "message": "Resumed by an event that is not about this batch."}
        if event.get("status") == "success" and isinstance(event.get("summary"), dict):
            summary = dict(event["summary"])
            describe_outlets(self, context, summary)
            return summary
        with self._push_failure_on_error(context):
            raise error_of(event)

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """Resume; when the trigger broke or was timed out by Airflow, say that the batch can continue."""
        try:
            return super().resume_execution(next_method, next_kwargs, context)
        except (TaskDeferralError, TaskDeferralTimeout) as error:
            message = f"The trigger of the batch ended without an event ({reason(error)}); what runs at Kling runs on."
            return self.execute_complete(context, {"status": "error", "message": message})

    def _items(self) -> list[dict[str, Any]]:
        from airflow_provider_kling.batch.items import read_items

        return read_items(self.items, self.defaults, self.output_conn_id)

    def _check_storage(self, limits: Limits) -> None:
        """Refuse a storage that does not exist, before anything is paid."""
        from airflow_provider_kling.results.targets import check_target

        check_target(limits.folder, self.output_conn_id)
        check_target(limits.manifest_uri, self.output_conn_id, name="manifest_uri")

    def _permit(self, context: Context, planned: list[PlannedItem], limits: Limits, batch_id: str) -> Total:
        """Reserve what the batch may cost, and return that."""
        requests = [(product_of(item.endpoint), item.body) for item in planned]
        cost = prices.total(requests)
        # max_units counts units of all packs alike; in dollars it is at most that many of the dearest units.
        dearest = max((product for product, _ in requests), key=lambda product: prices.usd_of(product, Decimal(1)))
        # Before the plan is written: a retry that is refused does not stop the trigger of an earlier try.
        planned_cost = planned_cost_of_batch(batch_id, dearest, cost, limits.max_units)
        Spending(self, context, planned_cost, limits.max_run_usd).permit()
        return cost

    def _plan(self, planner: Planner, items: list[dict[str, Any]]) -> list[PlannedItem]:
        planned, warnings = planner.plan(items)
        for warning in warnings:
            self.log.warning("%s", warning)
        if not self.hook.settings.external_ids:
            raise KlingValidationError(
                [
                    "Map the operator instead: this host drops external_task_id, by which a batch finds what it paid "
                    "(external_ids of the connection is false)."
                ]
            )
        for item in planned:
            self.hook.client.check_can_send(product_of(item.endpoint), item.body)
        return planned

    def _planner(self, origin: identity.Origin, work_uri: str) -> Planner:
        from airflow_provider_kling.batch.planner import Planner

        return Planner(
            self.endpoint,
            self.hook.account_name,
            origin,
            work_uri,
            output_conn_id=self.output_conn_id,
            image_conn_id=self.image_conn_id,
            extra_body=self.extra_body,
            validate=self.validate,
            fit=self.fit,
            image_by=self.image_by,
        )

    def _batch_id(self, context: Context) -> str:
        fingerprint = identity.fingerprint(account=self.hook.account_name, endpoint=self.endpoint, content={})
        return identity.external_task_id(origin_of(context, read_limits(self).on_clear), fingerprint)

    def _submitted_batch_id(self, context: Context) -> str:
        """Return the id of the deferred batch; since then the connection may name another account."""
        ti = context["ti"]
        kept = ti.xcom_pull(task_ids=ti.task_id, key="batch_id", map_indexes=ti.map_index)
        return kept if isinstance(kept, str) else self._batch_id(context)


@contextlib.contextmanager
def _discarded_when_refused(planner: Planner) -> Iterator[None]:
    """Delete the images of a plan that is not carried out."""
    try:
        yield
    except Exception:
        planner.copies.discard()
        raise
