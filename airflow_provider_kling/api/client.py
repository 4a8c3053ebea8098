"""
A client of one account at Kling, without Airflow: it chooses the dialect, builds requests, reads responses.

The hook is an adapter around it. Reads are free and repeated on errors. :meth:`KlingClient.create_once` is the paid
call; only :mod:`airflow_provider_kling.submission.protocol` decides when to make it.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
from functools import cached_property
from typing import IO, TYPE_CHECKING, Any

from airflow_provider_kling.api import task_record
from airflow_provider_kling.api.account_resources import AccountResources
from airflow_provider_kling.api.auth import ApiKey
from airflow_provider_kling.api.classic import MAX_PAGE_SIZE
from airflow_provider_kling.api.dialects import dialect_of
from airflow_provider_kling.exceptions import (
    KlingConfigurationError,
    KlingError,
    KlingResponseError,
    KlingTaskNotFoundError,
    error_details,
)
from airflow_provider_kling.models import TaskStatus
from airflow_provider_kling.products.catalogue import V2_PRODUCTS, product_of
from airflow_provider_kling.products.generations import serving_product
from airflow_provider_kling.products.product import DEFAULT_ENDPOINT
from airflow_provider_kling.utils.untrusted import clean_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from airflow_provider_kling.api.dialects import Dialect
    from airflow_provider_kling.api.download import Download
    from airflow_provider_kling.api.envelope import Response
    from airflow_provider_kling.api.listing import Page
    from airflow_provider_kling.api.settings import Settings
    from airflow_provider_kling.api.task_reader import Results, TaskReader
    from airflow_provider_kling.api.task_ref import TaskRef
    from airflow_provider_kling.api.transport import Transport
    from airflow_provider_kling.models import ResourcePack, Task
    from airflow_provider_kling.products.product import Product

#: How many pages of 500 tasks a search reads; their order is not documented.
MAX_PAGES = 4

#: An id that no task has; asking for it is free and shows whether Kling accepts the credential.
PROBE_ID = "airflow-connection-test"


class KlingClient(AccountResources):
    """
    Talk to Kling's API; safe to use from several threads.

    :param settings: where Kling is, and the credential.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @cached_property
    def transport(self) -> Transport:
        """Sign, send, read."""
        from airflow_provider_kling.api.transport import Transport

        return Transport(self.settings)

    @cached_property
    def _reader(self) -> TaskReader:
        from airflow_provider_kling.api.task_reader import TaskReader

        return TaskReader(self.transport, batch=self.has_api_key)

    def create_once(self, product: Product, body: dict[str, Any]) -> Task:
        """
        Send the paid call, once.

        :param product: its row.
        :param body: the canonical body.
        :raises KlingError: when the response confirms no task; there may be one all the same, see
            :attr:`~airflow_provider_kling.exceptions.KlingError.refused_for_sure`.
        """
        product = serving_product(product, body)
        dialect = self._dialect(product)
        return dialect.read_created(self.transport.send_once(dialect.create(product, body)), product)

    def check_can_send(self, product: Product, body: Mapping[str, Any]) -> None:
        """
        Check that a request can be sent with this credential, without a request to Kling.

        :param product: its row.
        :param body: the canonical body.
        :raises KlingConfigurationError: when it cannot.
        """
        self._dialect(serving_product(product, body))

    def verify_callback(self, headers: Mapping[str, str], body: bytes, now: float, *, endpoint: str = "") -> Task:
        """
        Return the task that a callback is about, if Kling signed it with the connection's ``webhook_secret``.

        :param headers: of the request, in any case.
        :param body: the raw body.
        :param now: epoch seconds, usually ``time.time()``.
        :param endpoint: the task's product, which no callback names.
        :raises KlingCallbackError: see :func:`airflow_provider_kling.api.callbacks.verify`.
        :raises KlingConfigurationError: when the connection has no secret.
        """
        from airflow_provider_kling.api import callbacks

        if not self.settings.webhook_secret:
            raise KlingConfigurationError(
                "Give webhook_secret in the connection's extra: without it nothing is verified."
            )
        return callbacks.verify(headers, body, self.settings.webhook_secret, now, endpoint=endpoint)

    def _dialect(self, product: Product) -> Dialect:
        """
        Return the dialect of a product.

        :raises KlingConfigurationError: when its API does not take this kind of credential. Kling would only say that
            the credential is invalid.
        """
        dialect = dialect_of(product)
        if dialect.NEEDS_API_KEY and not self.has_api_key:
            raise KlingConfigurationError(
                "Give the connection an API key (as its password, without login): it has an AccessKey.\n"
                f"{product.path} belongs to the second generation of Kling's API, which takes an API key only; make "
                "one at https://kling.ai/dev/api-key, or use a classic model such as 'kling-v3'. Nothing was sent."
            )
        return dialect

    @property
    def has_api_key(self) -> bool:
        """Whether the credential is an API key, which both generations take; the classic one also takes a pair."""
        return isinstance(self.settings.credential, ApiKey)

    def get_task(self, product: Product, any_id: str, *, tries: int | None = None) -> Task:
        """
        Read one task; free.

        :param product: its row.
        :param any_id: Kling's task id, or an ``external_task_id``.
        :param tries: how often the request is sent before its error counts; default 4.
        :raises KlingTaskNotFoundError: when the account has no such task of this product.
        """
        return self._read_with_response(product, any_id, tries)[0]

    def _read_with_response(self, product: Product, any_id: str, tries: int | None) -> tuple[Task, Response]:
        dialect = self._dialect(product)
        response = self.transport.read(dialect.query(product, any_id), tries=tries)
        return dialect.read_task(response, product), response

    def _get_named_task(self, product: Product, any_id: str, tries: int | None) -> Task:
        """Read one task; a response about another task is an error, because nobody knows whose that is."""
        task, response = self._read_with_response(product, any_id, tries)
        if not task_record.is_about(response.data, task, any_id):
            named = f" with external_task_id {task.external_task_id}" if task.external_task_id else ""
            raise KlingResponseError(
                f"Check the connection's host: it returned another task. {clean_text(any_id, 80)} was requested, "
                f"{task.task_id}{named} was returned.{error_details(request_id=response.request_id)}",
                http_status=200,
            )
        return task

    def get_task_of_any_generation(self, product: Product, any_id: str, *, tries: int | None = None) -> Task:
        """
        Read one task of a product, whichever generation of the API has made it; free.

        The id does not show the generation, and a sensor may have no more than the id. The classic one is asked first.

        :param product: its row.
        :param any_id: Kling's task id, or an ``external_task_id``.
        :param tries: how often a request is sent before its error counts; default 4.
        :raises KlingTaskNotFoundError: when the account has no such task of this product.
        :raises KlingResponseError: when another task came than was asked for.
        """
        try:
            return self._get_named_task(product, any_id, tries)
        except KlingTaskNotFoundError:
            other = V2_PRODUCTS.get(product.counterpart)
            if other is None or not self.has_api_key:
                raise
            try:
                return self._get_named_task(other, any_id, tries)
            except KlingError as error:
                # A relay without that route often returns a page of HTML; then the first response counts.
                if error.transient and not isinstance(error, KlingResponseError):
                    raise
            raise

    def list_tasks(
        self,
        product: Product,
        page: int,
        page_size: int,
        *,
        tries: int | None = None,
        status: TaskStatus | None = None,
    ) -> list[Task]:
        """
        List tasks of one product; free. The order is not documented by Kling.

        :param product: its row.
        :param page: 1 to 1000.
        :param page_size: 1 to 500. A shorter page is the last, unless the host has smaller ones or something on it
            could not be read.
        :param tries: how often the request is sent before its error counts; default 4.
        :param status: taken in place of an unknown status; without it, such a task is left out.
        """
        walk = self.iter_pages(product, first=page, size=page_size, tries=tries, status=status)
        found = next(walk, None)
        return found.tasks if found else []

    def iter_pages(
        self,
        product: Product,
        *,
        first: int = 1,
        size: int = MAX_PAGE_SIZE,
        tries: int | None = None,
        status: TaskStatus | None = None,
    ) -> Iterator[Page]:
        """
        Yield the pages of a list of tasks, each with one free request, as
        :func:`airflow_provider_kling.api.listing.iter_pages` does.

        :param product: its row; one of the second generation stands for all of them.
        :param first: number of the first page to yield.
        :param size: tasks on a page, 1 to 500.
        :param tries: how often a request is sent before its error counts; default 4.
        :param status: taken in place of an unknown status; without it, such a task is left out.
        """
        # A worker that submits under an id reads no list.
        from airflow_provider_kling.api import listing

        read = functools.partial(self.transport.read, tries=tries)
        return listing.iter_pages(read, self._dialect(product), product, first=first, size=size, status=status)

    def list_since(self, product: Product, since: float, *, page_size: int = MAX_PAGE_SIZE) -> list[Task]:
        """
        List the tasks of one product that Kling accepted since a time, and perhaps older ones; free.

        :param product: its row.
        :param since: epoch seconds.
        :param page_size: tasks on each of the pages, of which there are at most :data:`MAX_PAGES`.
        :raises KlingError: when it could not be read; :class:`KlingResponseError` when it is too long to be complete.
        """
        from airflow_provider_kling.api.read_plan import ends_before

        tasks: dict[str, Task] = {}
        # A task with an unknown status exists too: leaving it out could make the caller pay a second time.
        pages = self.iter_pages(product, size=page_size, status=TaskStatus.SUBMITTED)
        for page in itertools.islice(pages, MAX_PAGES):
            known = len(tasks)
            tasks.update({task.task_id: task for task in page.tasks})
            # A host that does not count pages repeats one.
            is_repeated = bool(page.tasks) and len(tasks) == known
            if page.is_last or is_repeated or ends_before(page.tasks, since):
                return list(tasks.values())
        raise KlingResponseError(
            f"Look in Kling's console: its list of {product.endpoint} is longer than {len(tasks)} tasks, too long to "
            "be searched.",
            http_status=200,
            transient=False,
        )

    def get_tasks_in_bulk(
        self, waiting: Sequence[TaskRef], *, tries: int | None = None
    ) -> tuple[Results, list[TaskRef]]:
        """
        Read many tasks with requests that each cover several; free.

        :param waiting: product and id of each.
        :param tries: how often a request is sent before its error counts; default 4.
        :return: the task, or the error, of each that such a request covered; and those that have to be read one
            by one.
        """
        return self._reader.read(waiting, tries=tries)

    def download(self, url: str, target: IO[bytes]) -> Download:
        """
        Stream a result into an open binary file, without Kling's credentials.

        :param url: a result's link, from a task that was read recently.
        :param target: where the bytes go.
        :raises KlingResultError: when the link is dead, not allowed, or the file was cut.
        """
        from airflow_provider_kling.api.download import fetch

        return fetch(url, target, self.settings)

    def account_costs(self, start_ms: int, end_ms: int) -> list[ResourcePack]:
        """
        List the account's resource packs; free, at most once a second.

        :param start_ms: epoch milliseconds.
        :param end_ms: epoch milliseconds.
        """
        from airflow_provider_kling.api import account

        return account.read_costs(self.transport.read(account.costs(start_ms, end_ms)))

    def check_credential(self) -> None:
        """
        Ask once for a task that does not exist. It is free, and Kling looks for it only if the credential is valid.

        :raises KlingError: when it does not, or does not respond.
        """
        product = product_of(DEFAULT_ENDPOINT)
        # One try: Airflow's Test button waits for this response.
        with contextlib.suppress(KlingTaskNotFoundError):
            self.transport.send_once(dialect_of(product).query(product, PROBE_ID))
