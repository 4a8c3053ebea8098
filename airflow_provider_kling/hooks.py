"""The hook: one Airflow connection to Kling, and all calls of Kling's API."""

from __future__ import annotations

import dataclasses
import random
import time
import uuid
from functools import cached_property
from typing import IO, TYPE_CHECKING, Any, ClassVar, get_args

import pendulum

from airflow_provider_kling import polling
from airflow_provider_kling.api.account_resources import AccountResources
from airflow_provider_kling.api.auth import ApiKey
from airflow_provider_kling.api.classic import MAX_PAGE_SIZE, MAX_PAGES
from airflow_provider_kling.api.client import KlingClient
from airflow_provider_kling.api.limits import Limits
from airflow_provider_kling.api.settings import Settings, settings_of
from airflow_provider_kling.exceptions import KlingError, KlingTaskNotFoundError
from airflow_provider_kling.get_provider_info import DEFAULT_CONN_NAME
from airflow_provider_kling.preparation import arguments
from airflow_provider_kling.products.catalogue import product_of
from airflow_provider_kling.products.product import DEFAULT_ENDPOINT
from airflow_provider_kling.submission import identity, protocol
from airflow_provider_kling.submission.submitter import SubmitOptions, Submitter, finds_by_id
from airflow_provider_kling.utils._airflow.base_hook import BaseHook
from airflow_provider_kling.utils._airflow.connection_form import ConnectionForm

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import timedelta

    from airflow_provider_kling.api.download import Download
    from airflow_provider_kling.api.task_ref import TaskRef
    from airflow_provider_kling.api.transport import Transport
    from airflow_provider_kling.models import ResourcePack, Task
    from airflow_provider_kling.preparation.arguments import Validate
    from airflow_provider_kling.preparation.image_conversion import Fit
    from airflow_provider_kling.preparation.media_link import ImageBy
    from airflow_provider_kling.products.prices import Estimate
    from airflow_provider_kling.submission.unnamed import Window


class KlingHook(AccountResources, ConnectionForm, BaseHook):
    """
    Talk to Kling's API.

    Everything is synchronous and safe to call from a worker; from a trigger call it through
    ``airflow_provider_kling.waiting.threads.in_thread``. Reads are free and repeated on errors; the paid call follows
    :mod:`airflow_provider_kling.submission.protocol`.

    .. seealso::
        - :ref:`howto/connection:kling`
        - https://kling.ai/document-api

    :param kling_conn_id: the :ref:`Kling connection <howto/connection:kling>`.
    """

    conn_name_attr = "kling_conn_id"
    default_conn_name = DEFAULT_CONN_NAME
    conn_type = "kling"
    hook_name = "Kling AI"
    #: What one request may take; a subclass may have other bounds.
    limits: ClassVar[Limits] = Limits()

    def __init__(self, kling_conn_id: str = default_conn_name, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.kling_conn_id = kling_conn_id.strip() if isinstance(kling_conn_id, str) else kling_conn_id

    @cached_property
    def settings(self) -> Settings:
        """The connection, read once."""
        connection = self.get_connection(arguments.kling_connection(self.kling_conn_id))
        settings = dataclasses.replace(settings_of(connection), limits=self.limits)
        for warning in settings.warnings:
            self.log.warning("%s", warning)
        return settings

    @cached_property
    def client(self) -> KlingClient:
        """Kling's API, for this connection's account."""
        return KlingClient(self.settings)

    def get_conn(self) -> KlingClient:
        """Return the client of this connection's account."""
        return self.client

    @property
    def transport(self) -> Transport:
        """The connection to the account."""
        return self.client.transport

    @property
    def account_name(self) -> str:
        """What names the account in a submission's fingerprint; holds no secret and outlives a rotated key."""
        base_url = self.settings.base_url  # which checks the name first
        return f"{self.kling_conn_id}@{base_url}"

    def create_task(
        self,
        endpoint: str,
        fields: Mapping[str, Any],
        *,
        external_task_id: str | None = None,
        look_up_first: bool = False,
        extra_body: Mapping[str, Any] | None = None,
        validate: Validate = "strict",
        fit: Fit = "refuse",
        image_by: ImageBy = "content",
        image_conn_id: str | None = None,
        on_doubt: protocol.OnDoubt = "fail",
    ) -> Task:
        """
        Check a request, and submit it once even if the network fails.

        :param endpoint: the product, for example ``image2video``.
        :param fields: Kling's fields by their classic names; friendly values are fine.
        :param external_task_id: your id for the submission, see :ref:`howto/own-id`. The same id returns the
            same task. The default is a random id, which protects this call but not a repetition of it.
        :param look_up_first: whether an earlier call may have sent this ``external_task_id`` already.
        :param extra_body: fields that this package does not know, added to the body as they are.
        :param validate: ``strict``, ``warn`` or ``off``.
        :param fit: ``refuse``, or ``shrink`` to convert images that Kling would refuse, see :ref:`howto/give-an-image`.
        :param image_by: how images in object storage go: as ``content``, or as a signed ``link``.
        :param image_conn_id: Airflow connection of files in object storage.
        :param on_doubt: ``fail``, or ``resend`` when a response is lost, see :ref:`howto/second-protocol`.
        :return: the task as Kling reports it now.
        :raises KlingValidationError: when the request is bad; nothing was sent.
        :raises KlingSubmissionInDoubtError: when it is not known whether Kling accepted it.
        """
        fields = arguments.fields(fields)
        own = identity.own_id(external_task_id, fields.get("external_task_id"))
        on_doubt = arguments.choice("on_doubt", on_doubt, get_args(protocol.OnDoubt))  # type: ignore[assignment]
        files = {"fit": fit, "image_by": image_by, "image_conn_id": image_conn_id}
        body = self._prepared_body(endpoint, fields, own, extra_body, validate=validate, **files)
        # extra_body may have been text.
        name = identity.own_id(body.get("external_task_id")) or f"af-{uuid.uuid4().hex}"
        window = None if look_up_first else self._window_from_now()
        return self.submit(
            endpoint, body, external_task_id=name, look_up_first=look_up_first, on_doubt=on_doubt, window=window
        ).task

    def _prepared_body(
        self, endpoint: str, fields: Mapping[str, Any], own: str | None, extra_body: Any, **options: Any
    ) -> dict[str, Any]:
        from airflow_provider_kling.preparation.prepare import prepare

        name, extra = identity.pop_own_id(own, extra_body)
        prepared = prepare(product_of(endpoint), {**fields, "external_task_id": name}, extra_body=extra, **options)
        for warning in prepared.warnings:
            self.log.warning("%s", warning)
        return prepared.body

    def _window_from_now(self) -> Window:
        """The time in which this call may send. When an earlier call sent is not known."""
        from airflow_provider_kling.submission.unnamed import Window

        return Window.starting_at(time.time(), request_seconds=self.settings.timeout_seconds)

    def estimate(self, endpoint: str, fields: Mapping[str, Any]) -> Estimate:
        """
        Return what a request costs by Kling's price list; it is checked, and not sent.

        :param endpoint: the product, for example ``image2video``.
        :param fields: Kling's fields by their classic names; friendly values are fine.
        :raises KlingValidationError: when the request is bad.
        """
        from airflow_provider_kling.preparation.prepare import prepare
        from airflow_provider_kling.products import prices

        product = product_of(endpoint)
        return prices.estimate(product, prepare(product, fields).body)

    def submit(
        self,
        endpoint: str,
        body: Mapping[str, Any],
        *,
        external_task_id: str,
        look_up_first: bool,
        on_doubt: protocol.OnDoubt | None = None,
        window: Window | None = None,
        ids_of_others: Callable[[], Iterable[str]] = tuple,
        permit: Callable[[], None] = lambda: None,
        save_window: Callable[[Window], None] = lambda _window: None,
    ) -> protocol.Done:
        """
        Run the pay-once protocol for a checked body.

        :param endpoint: the product.
        :param body: the canonical body.
        :param external_task_id: id of the logical submission's first attempt.
        :param look_up_first: whether an earlier try may have sent it already.
        :param on_doubt: what follows when it is not known whether Kling accepted a request that is not found by its id,
            see :mod:`~airflow_provider_kling.submission.unnamed`. Without it such a request is still looked up by its
            id, and sent once in each call.
        :param window: the time in which it was sent, or will be, if it is one of those.
        :param ids_of_others: returns Kling's ids of tasks that are known to belong to other submissions.
        :param permit: called before each paid call; what it raises is raised, and nothing is sent.
        :param save_window: called before each paid call of a request that is not found by its id, with the time window
            that a later try needs.
        :return: the task, whether it was adopted, and the attempt that it belongs to.
        """
        submitter = Submitter(self.client, self.log.warning, time.sleep)
        return submitter.submit(
            product_of(endpoint),
            body,
            SubmitOptions(external_task_id, look_up_first, on_doubt, window, ids_of_others, permit, save_window),
        )

    def finds_by_id(self, endpoint: str, body: Mapping[str, Any]) -> bool:
        """
        Whether a request can be found again by its ``external_task_id``, as far as is known.

        :param endpoint: the product.
        :param body: the canonical body.
        """
        return finds_by_id(self.client, product_of(endpoint), body)

    def needs_task_state(self, endpoint: str, body: Mapping[str, Any]) -> bool:
        """
        Whether a try writes down what it is about to pay, so that only a worker can submit: it has the task's state.

        :param endpoint: the product.
        :param body: the canonical body.
        """
        return self.settings.max_usd_per_day is not None or not self.finds_by_id(endpoint, body)

    def get_task(self, kling_task_id: str, endpoint: str = DEFAULT_ENDPOINT, *, tries: int | None = None) -> Task:
        """
        Read one task; free.

        :param kling_task_id: Kling's task id, or an ``external_task_id``.
        :param endpoint: the product that it was created with; for a task of the second generation the name of either
            generation works.
        :param tries: how often the request is sent before its error counts; default 4.
        :raises KlingTaskNotFoundError: when the account has no such task of this product.
        :raises KlingValidationError: when ``kling_task_id`` names no task.
        """
        # Not needed to submit: a worker that only does that imports neither this nor what lists need.
        from airflow_provider_kling.preparation.task_argument import task_ref_of

        named = task_ref_of(kling_task_id, endpoint)
        return self.client.get_task_of_any_generation(product_of(named.endpoint), named.task_id, tries=tries)

    def get_paid_task(self, kling_task_id: str, endpoint: str = DEFAULT_ENDPOINT) -> Task:
        """
        Read a task that Kling once accepted; free.

        :param kling_task_id: Kling's task id, or an ``external_task_id``.
        :param endpoint: the product that it was created with.
        :raises KlingError: one that Airflow retries: a paid task is not lost because the connection names another
            account now, or a key was revoked.
        """
        try:
            return self.get_task(kling_task_id, endpoint)
        except KlingError as error:
            raise polling.error_of_paid_task(error, kling_task_id, account=self.account_name) from None

    def find_task(self, external_task_id: str, endpoint: str = DEFAULT_ENDPOINT) -> Task | None:
        """
        Look up the task with this external id; free.

        :param external_task_id: the id that it was submitted with.
        :param endpoint: the product that it was created with.
        :return: the task, or ``None`` when Kling says that there is none.
        :raises KlingError: when Kling did not respond, or returned a task of another id; that does not mean that
            there is no task.
        """
        try:
            task = self.get_task(external_task_id, endpoint)
        except KlingTaskNotFoundError:
            return None
        if other := protocol.of_another_id(task, external_task_id):
            raise other
        return task

    def list_tasks(
        self,
        endpoint: str = DEFAULT_ENDPOINT,
        *,
        page: int = 1,
        page_size: int = MAX_PAGE_SIZE,
        tries: int | None = None,
    ) -> list[Task]:
        """
        List tasks of one product; free. The order is not documented by Kling.

        :param endpoint: the product.
        :param page: 1 to 1000.
        :param page_size: 1 to 500; a page that is shorter is the last.
        :param tries: how often the request is sent before its error counts; default 4.
        """
        page = arguments.whole_number("page", page, 1, MAX_PAGES)
        page_size = arguments.whole_number("page_size", page_size, 1, MAX_PAGE_SIZE)
        return self.client.list_tasks(product_of(endpoint), page, page_size, tries=tries)

    def get_tasks(self, refs: Sequence[TaskRef]) -> dict[TaskRef, Task | KlingError]:
        """
        Read many tasks with the fewest requests; free.

        :param refs: product and id of each task.
        :return: for each its task, or why it could not be read.
        """
        results, rest = self.get_tasks_in_bulk(refs)
        for single in rest:
            try:
                results[single] = self.get_task(single.task_id, single.endpoint)
            except KlingError as error:
                results[single] = error
        return results

    def get_tasks_in_bulk(
        self, refs: Sequence[TaskRef], *, tries: int | None = None
    ) -> tuple[dict[TaskRef, Task | KlingError], list[TaskRef]]:
        """
        Read many tasks as far as a request can cover several; free.

        :param refs: product and id of each task.
        :param tries: how often a request is sent before its error counts; default 4.
        :return: for each its task, or why it could not be read; and those that have to be read one by one.
        """
        return self.client.get_tasks_in_bulk(refs, tries=tries)

    def wait(
        self,
        kling_task_id: str,
        endpoint: str = DEFAULT_ENDPOINT,
        *,
        poll_interval: float | timedelta = polling.DEFAULT_POLL_INTERVAL,
        timeout: float | timedelta = polling.DEFAULT_TIMEOUT,
        end_time: float | None = None,
    ) -> Task:
        """
        Block until the task has succeeded. It holds this worker; the operators and the sensor can wait without one.

        :param kling_task_id: the task.
        :param endpoint: the product that it was created with.
        :param poll_interval: seconds between two status checks, or a ``timedelta``.
        :param timeout: seconds since Kling accepted the task, or a ``timedelta``.
        :param end_time: deadline in epoch seconds instead of ``timeout``.
        :return: the finished task, with its results.
        :raises KlingTaskFailedError: when Kling reports it failed.
        :raises KlingTimeoutError: when it still runs after ``timeout``.
        :raises KlingError: when it could not be read at all until then.
        """
        timeout = arguments.seconds("timeout", timeout, default=polling.DEFAULT_TIMEOUT)
        interval = arguments.seconds("poll_interval", poll_interval, default=polling.DEFAULT_POLL_INTERVAL)
        poll_decision = polling.PollDecision(
            kling_task_id, end_time=end_time, timeout=timeout, poll_interval=interval, jitter=random.random
        )
        # A task with a deadline was accepted before; another one may not exist.
        task = None if end_time is not None else self.get_task(kling_task_id, endpoint)
        decision: polling.Event | polling.Sleep = polling.Sleep(0.0)
        if task:
            decision = poll_decision.on_task(task, now=time.time())
        while isinstance(decision, polling.Sleep):
            time.sleep(decision.seconds)
            try:
                task = self.get_task(kling_task_id, endpoint)
                decision = poll_decision.on_task(task, now=time.time())
            except KlingError as error:
                self.log.warning("Status check of Kling task %s: %s", kling_task_id, error.message)
                decision = poll_decision.on_error(error, now=time.time())
        return polling.require_success(task or self.get_paid_task(kling_task_id, endpoint), decision)

    def download(self, url: str, target: IO[bytes]) -> Download:
        """
        Stream a result into an open binary file, without Kling's credentials.

        :param url: a result's link, from a task that was read recently.
        :param target: where the bytes go.
        :return: size, checksum and content type.
        :raises KlingResultError: when the link is dead, not allowed, or the file was cut.
        """
        return self.client.download(url, target)

    def account_costs(self, *, days: int = 30) -> list[ResourcePack]:
        """
        List the account's resource packs and what is left of them; free, at most once a second.

        :param days: packs of this many days back. The numbers can be 12 hours late.
        """
        now = pendulum.now("UTC")
        return self.client.account_costs(int(now.subtract(days=days).timestamp() * 1000), int(now.timestamp() * 1000))

    def test_connection(self) -> tuple[bool, str]:
        """Ask Kling for a task that does not exist: free, and it responds only to a credential that it knows."""
        try:
            self.client.check_credential()
            kind = "API key" if isinstance(self.settings.credential, ApiKey) else "AccessKey and SecretKey"
        except KlingError as error:
            return False, error.message
        return True, " ".join([f"Kling at {self.settings.base_url} accepted the {kind}.", *self.settings.warnings])
