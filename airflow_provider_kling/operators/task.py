"""The operator of one Kling task: check, submit once, push the id, and wait if asked."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_kling import polling
from airflow_provider_kling.exceptions import (
    KlingThrottledError,
    KlingValidationError,
)
from airflow_provider_kling.models import TaskStatus, stored_model
from airflow_provider_kling.operators import record
from airflow_provider_kling.operators.base import KlingBaseOperator
from airflow_provider_kling.operators.send_options import SendOptions
from airflow_provider_kling.operators.slot_wait import SlotWait, Waiting, wait_for_slot
from airflow_provider_kling.operators.spending import Spending, planned_cost_of_task, released_when_not_charged
from airflow_provider_kling.operators.task_arguments import read_arguments
from airflow_provider_kling.operators.template_fields import GivenFields
from airflow_provider_kling.plugins.links import KlingResultLink, remove_empty_button
from airflow_provider_kling.preparation import arguments
from airflow_provider_kling.products import prices
from airflow_provider_kling.submission import identity, log_lines
from airflow_provider_kling.triggers import KlingTaskTrigger
from airflow_provider_kling.utils._airflow.asset_events import describe_outlets
from airflow_provider_kling.utils._airflow.compat import TaskDeferralError, TaskDeferralTimeout
from airflow_provider_kling.utils._airflow.completion import can_finish_in_triggerer
from airflow_provider_kling.utils.untrusted import clean_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from airflow.sdk import Context

    from airflow_provider_kling.models import Manifest, Task
    from airflow_provider_kling.preparation.prepare import Prepared
    from airflow_provider_kling.products.prices import Estimate
    from airflow_provider_kling.products.product import Product
    from airflow_provider_kling.submission.protocol import Done, OnDoubt


class KlingTaskOperator(KlingBaseOperator):
    """
    Submit one task to Kling and, if asked, wait for it and store its result.

    Not used by itself: an operator is a subclass that sets its ``product``.

    The XCom ``task_id`` (Kling's) is pushed as soon as Kling has accepted the task; the return value is the manifest,
    which also holds the results once the operator has waited. A failure leaves the XCom ``failure``, so that a branch
    can look at what went wrong.

    :param kling_conn_id: the :ref:`Kling connection <howto/connection:kling>` (templated).
    :param extra_body: fields that this package does not know, added to the request as they are (templated).
    :param external_task_id: your own id of the submission, ``[A-Za-z0-9_-]``, at most 64 characters; default is one
        made from the Dag run, the task and the content (templated).
    :param callback_url: where Kling posts status changes (templated).
    :param image_conn_id: Airflow connection for images in object storage.
    :param fit: ``refuse`` (default), or ``shrink``: an image that Kling would not take (WebP, CMYK, 16 bits a colour,
        rotated by EXIF, above 10 MB) is converted or reduced, and the log says so.
    :param image_by: how an image in object storage is sent: ``content`` (default), or ``link``: a signed link that
        lives twelve hours and is made when the request is sent. It is checked like content, and known by it.
    :param validate: ``strict`` (default) refuses what Kling would refuse, before it costs anything; ``warn`` logs it;
        ``off`` sends.
    :param on_clear: ``reuse`` (default): a cleared task adopts the video that was paid for; ``regenerate``: it pays
        for a new take. Automatic retries always adopt.
    :param on_doubt: for requests that Kling does not find by an id (:ref:`howto/second-protocol`): what an answer that
        stays lost leads to. ``fail`` (default) with a sentence that says where to look, without retries; or
        ``resend``, which may pay twice.
    :param wait_for_completion: whether the task ends with the finished video instead of with the submission.
    :param deferrable: whether the wait leaves the worker (default) or holds it.
    :param poll_interval: seconds between two status checks of the task; default 15.
    :param timeout: seconds since Kling accepted the task after which the wait gives up; default 3600. The Kling task
        runs on, and a retry re-attaches to it.
    :param slot_timeout: seconds to wait for a slot when Kling answers that all are taken (1303, 1302), outside the
        worker and without using a retry; default 12 hours.
    :param output_uri: where the finished video is stored, in the same task; any ``ObjectStoragePath`` URI, see
        :class:`~airflow_provider_kling.transfers.KlingToObjectStorageOperator` (templated). It implies
        ``wait_for_completion``.
    :param output_conn_id: Airflow connection of that storage.
    :param max_units: refuse, before anything is sent, a request that costs more units by Kling's price list, or of
        which the list does not say what it costs; default no limit.
    :param max_run_usd: refuse, before anything is sent, a request that would bring the Dag run above this many US
        dollars at list price, together with what its other Kling tasks have spent or are about to spend; default no
        limit. See :doc:`budget`.
    """

    #: The product. It gives the subclass its endpoint and its template fields. The subclass has a constructor argument
    #: and an attribute for each field of the product.
    product: ClassVar[Product]
    endpoint: ClassVar[str]

    template_fields: Sequence[str] = (
        "kling_conn_id",
        "extra_body",
        "external_task_id",
        "callback_url",
        "output_uri",
    )
    operator_extra_links = (KlingResultLink(),)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        if product := cls.__dict__.get("product"):
            cls.endpoint = product.endpoint
            cls.redacted_fields = (*product.media_fields, *KlingBaseOperator.redacted_fields)
            cls.label_fields = (*product.media_fields, "prompt", *product.required)
            if "template_fields" not in cls.__dict__:
                cls.template_fields = GivenFields((*product.arguments, *KlingTaskOperator.template_fields))
        super().__init_subclass__(**kwargs)

    def __init__(
        self,
        *,
        external_task_id: str | None = None,
        callback_url: str | None = None,
        on_doubt: OnDoubt = "fail",
        wait_for_completion: bool = False,
        deferrable: bool = True,
        poll_interval: float = polling.DEFAULT_POLL_INTERVAL,
        timeout: float = polling.DEFAULT_TIMEOUT,
        slot_timeout: float = polling.DEFAULT_SLOT_TIMEOUT,
        output_uri: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.external_task_id = external_task_id
        self.callback_url = callback_url
        self.on_doubt = on_doubt
        self.wait_for_completion = wait_for_completion
        self.deferrable = deferrable
        self.poll_interval = poll_interval
        self.timeout = timeout
        self.slot_timeout = slot_timeout
        self.output_uri = output_uri
        #: ``external_task_id`` of the submission of this process.
        self.submission_name = ""
        #: What :func:`.preparation.prepare.prepare` was called with.
        self.request_arguments: dict[str, Any] = {}
        self._kling_task_id: str | None = None
        self._submitted_at: float | None = None

    def execute(self, context: Context) -> Manifest:
        """Submit, or adopt what an earlier try submitted; then wait if asked."""
        # An earlier try may have sent it: look it up before sending.
        return self._run(context, look_up_first=context["ti"].try_number > 1, slot=None)

    def execute_with_slot(self, context: Context, event: dict[str, Any] | None = None) -> Manifest:
        """
        Resume on a worker when a slot may be free: submit again, unless the trigger has submitted.

        :param event: what :class:`~airflow_provider_kling.triggers.KlingSlotTrigger` or
            :class:`~airflow_provider_kling.triggers.KlingSubmitTrigger` fired.
        """
        if record.submitted_id(context):
            return self.execute_complete(context, event)
        return self._run(context, look_up_first=True, slot=SlotWait.of(event))

    def _run(self, context: Context, *, look_up_first: bool, slot: SlotWait | None) -> Manifest:
        with self._push_failure_on_error(context):
            prepared = self._prepare()
            done = self._submit(prepared, context, look_up_first=look_up_first, slot=slot)
            self._push(done.task, context)
            since = slot.since if slot else None
            record.push_submission(self, context, prepared, done, submitted_at=self._submitted_at, slot_since=since)
            return self._after_submission(done.task, context)

    def _after_submission(self, task: Task, context: Context) -> Manifest:
        if task.status is TaskStatus.FAILED or self.waits:
            return self._wait(task, context)
        record.check_links(task, context, self._submitted_at)
        self.kling_result = self._manifest(task)
        describe_outlets(self, context, self.kling_result)
        remove_empty_button(self)
        return self.kling_result

    def execute_complete(self, context: Context, event: dict[str, Any] | None = None) -> Manifest:
        """
        Resume on a worker after the wait: read the task once more (free, and its links are fresh) and finish.

        :param event: what the trigger fired.
        """
        self._kling_task_id = record.submitted_id(context)
        if self._kling_task_id is None:
            self.log.warning("The XCom task_id is missing; looking the task up by its external_task_id")
            return self._run(context, look_up_first=True, slot=None)
        with self._push_failure_on_error(context):
            for problem in self._read_arguments(is_paid=True):
                self.log.warning("%s", problem)
            task = self.hook.get_paid_task(self._kling_task_id, self.endpoint)
            if not self.waits:
                return self._after_submission(task, context)
            ended = polling.read_event(event, {self._kling_task_id})
            if ended is None:
                other = clean_text(event)
                self.log.warning("Kling task %s: resumed by an event that is not about it: %s", task.task_id, other)
                return self._wait(task, context)
            if ended.needs_worker and not task.status.is_terminal:
                # Only workers have the connection: the wait holds a worker, and uses no retry.
                self.log.warning("Kling task %s: waiting on this worker (%s)", task.task_id, ended.message)
                self.deferrable = False
                return self._wait(task, context)
            return self._finish(task, ended, context)

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """Resume; when the trigger broke, or Airflow ended the wait, read the task once before failing."""
        try:
            return super().resume_execution(next_method, next_kwargs, context)
        except (TaskDeferralError, TaskDeferralTimeout) as error:
            ended = f"the trigger ended without an event ({clean_text(error)})"
            submitted = record.submitted_id(context)
            if submitted is None:
                # It waited for a slot. Submit once more, without another wait: its time may be over.
                self.log.warning("No task was accepted yet, nothing is paid: %s; submitting once more", ended)
                return self._run(context, look_up_first=True, slot=SlotWait(0.0, 0.0))
            return self.execute_complete(context, polling.Event("error", submitted, ended).payload())

    def estimate(self) -> Estimate:
        """
        Return what this task costs by Kling's price list; nothing is sent.

        :return: with ``units`` and ``usd``, which are ``None`` where the list has no price.
        :raises KlingValidationError: when the request is bad, or costs more than ``max_units``.
        """
        return self.cost_of(self._prepare().body)

    def cost_of(self, body: Mapping[str, Any]) -> Estimate:
        """
        Return what a checked request costs by Kling's price list.

        :param body: the canonical body.
        """
        return prices.estimate(self.product, body)

    def on_kill(self) -> None:
        """Say what keeps running: Kling has no call that cancels a task."""
        if self._kling_task_id:
            self.log.warning(polling.KEEPS_RUNNING, self._kling_task_id)

    def _submitted_task_id(self) -> str | None:
        return self._kling_task_id

    @contextlib.contextmanager
    def _push_failure_on_error(self, context: Context) -> Iterator[None]:
        with released_when_not_charged(self, context), super()._push_failure_on_error(context):
            yield

    def _prepare(self) -> Prepared:
        """Check the operator's arguments and Kling's fields, before anything is paid."""
        from airflow_provider_kling.preparation.prepare import prepare

        problems = self._read_arguments()
        own, extra = None, self.extra_body
        with arguments.collect(problems):
            own, extra = identity.pop_own_id(self.external_task_id, self.extra_body)
        fields = {name: getattr(self, name) for name in (*self.product.arguments, "callback_url")}
        options = {name: getattr(self, name) for name in ("validate", "image_conn_id", "fit", "image_by")}
        self.request_arguments = {"fields": {**fields, "external_task_id": own}, "extra_body": extra, **options}
        with arguments.collect(problems):
            prepared = prepare(self.product, **self.request_arguments)
        if not problems and (too_expensive := prices.max_units_problem(self.max_units, self.cost_of(prepared.body))):
            problems.append(too_expensive)
        if problems:
            # Both checks may find the same problem; it is named once.
            raise KlingValidationError(list(dict.fromkeys(problems)))
        for warning in prepared.warnings:
            self.log.warning("%s", warning)
        return prepared

    def _read_arguments(self, *, is_paid: bool = False) -> list[str]:
        """Read the operator's arguments, and return the problems; also in the process that resumes the task."""
        return read_arguments(self, is_paid=is_paid)

    def _submit(self, prepared: Prepared, context: Context, *, look_up_first: bool, slot: SlotWait | None) -> Done:
        intent = record.choose_intent(self, prepared, context, may_be_stored=look_up_first)
        name = self.submission_name = intent.external_task_id
        cost = self.cost_of(prepared.body)
        planned = planned_cost_of_task(name, self.product, prepared.body, cost)
        spending = Spending(self, context, planned, self.max_run_usd)
        if look_up_first:
            spending.restore(is_permitted=slot is not None)
        if slot is None:
            self._log_line(log_lines.submitting(self.product, prepared.body, name, cost))
        is_refused = slot is not None
        while True:
            started_at = time.time()
            try:
                done = self._send(prepared, SendOptions(context, name, look_up_first, is_refused, spending.permit))
                break
            except KlingThrottledError as error:
                waiting = Waiting(intent, prepared.body, cost, spending.is_settled)
                slot = wait_for_slot(self, error, slot, waiting)
                prepared = self._sign_links_again(prepared)
                look_up_first = is_refused = True
        self.may_be_paid = False  # the task is known, and says itself whether it is charged
        if done.answer_lost or not done.adopted:
            self._submitted_at = started_at
        self._log_line(
            log_lines.accepted(done, is_own_id="external_task_id" in prepared.body, looked_up_first=look_up_first)
        )
        return done

    def _sign_links_again(self, prepared: Prepared) -> Prepared:
        """Sign links again: they may have expired during a wait on this worker."""
        if not prepared.has_signed_links:
            return prepared
        fresh = self._prepare()
        if fresh.content != prepared.content:
            raise KlingValidationError(
                ["Clear the task to send what is there now: a file of the request changed while it waited for a slot."]
            )
        return fresh

    def _send(self, prepared: Prepared, options: SendOptions) -> Done:
        if not self.hook.finds_by_id(self.endpoint, prepared.body):
            from airflow_provider_kling.operators.unnamed import send

            return send(self, prepared, options)
        return self.hook.submit(
            self.endpoint,
            prepared.body,
            external_task_id=options.name,
            look_up_first=options.look_up_first,
            permit=options.permit,
        )

    def _log_line(self, line: log_lines.Line) -> None:
        log = self.log.warning if line.is_warning else self.log.info
        log("%s", line.text)

    def _push(self, task: Task, context: Context) -> None:
        self._kling_task_id = task.task_id
        try:
            context["ti"].xcom_push(key="task_id", value=task.task_id)
        except Exception:
            # Sensors and a resumed task need the id. A retry is safe: it adopts the task.
            self.log.exception("Kling accepted task %s, but its id cannot be pushed; a retry adopts it", task.task_id)
            raise

    def _wait(self, task: Task, context: Context) -> Manifest:
        now = time.time()
        end_time = polling.end_time_of(task, timeout=self.timeout, now=now, submitted_at=self._submitted_at)
        end_time = now + self.deferred_seconds(end_time - now)
        if not task.status.is_terminal and self.deferrable:
            trigger = KlingTaskTrigger.waiting_for(
                task,
                kling_conn_id=self.kling_conn_id,
                end_time=end_time,
                poll_interval=self.poll_interval,
                ends_task=self.can_end_in_triggerer,
                model_name=self.requested_model,
            )
            self.defer(trigger=trigger, method_name="execute_complete", timeout=trigger.backstop)
        if not task.status.is_terminal:
            task = self.hook.wait(task.task_id, task.endpoint, poll_interval=self.poll_interval, end_time=end_time)
        return self._finish(task, polling.Event("success", task.task_id), context)

    def _finish(self, task: Task, event: polling.Event, context: Context) -> Manifest:
        task = polling.require_success(task, event)
        self._log_line(log_lines.done(task))
        manifest = self._manifest(task)
        if self.output_uri:
            from airflow_provider_kling.results.storage import store, stored_line

            manifest["files"] = store(
                self.hook,
                task,
                self.output_uri,
                conn_id=self.output_conn_id,
                duration=getattr(self, "duration", None),
            )
            self._log_line(log_lines.Line(stored_line(manifest["files"])))
        else:
            record.check_links(task, context, self._submitted_at)
        self.kling_result = manifest
        describe_outlets(self, context, manifest)
        return manifest

    def _manifest(self, task: Task) -> Manifest:
        return task.manifest(model_name=self.requested_model)

    @property
    def waits(self) -> bool:
        """Whether the task ends with the result instead of with the submission."""
        return bool(self.wait_for_completion or self.output_uri)

    @property
    def can_end_in_triggerer(self) -> bool:
        """Whether the wait leaves nothing for a worker to do."""
        return not self.output_uri and can_finish_in_triggerer(self)

    @property
    def requested_model(self) -> str:
        """The model that the Dag names; empty when it names none."""
        return stored_model(getattr(self, "model_name", None))
