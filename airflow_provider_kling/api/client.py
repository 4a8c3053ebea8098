"""
A client of one account at Kling, without Airflow: it chooses the dialect, builds requests, reads answers.

The hook is an adapter around it. Reads are free and repeated on errors; :meth:`KlingClient.create_once` is the paid
call, which only :mod:`airflow_provider_kling.submission.protocol` may decide on.
"""

from __future__ import annotations

import contextlib
import itertools
from functools import cached_property
from typing import IO, TYPE_CHECKING, Any

from airflow_provider_kling.api.auth import ApiKey
from airflow_provider_kling.api.belongings import Belongings
from airflow_provider_kling.api.classic import MAX_PAGE_SIZE
from airflow_provider_kling.api.dialects import dialect_of
from airflow_provider_kling.api.reads import reaches_behind
from airflow_provider_kling.exceptions import (
    KlingConfigurationError,
    KlingError,
    KlingResponseError,
    KlingTaskNotFoundError,
)
from airflow_provider_kling.models import TaskStatus
from airflow_provider_kling.products.catalogue import NEW_GENERATION, product_of
from airflow_provider_kling.products.generations import spoken
from airflow_provider_kling.products.product import DEFAULT_ENDPOINT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from airflow_provider_kling.api.dialects import Dialect
    from airflow_provider_kling.api.download import Download
    from airflow_provider_kling.api.reads import TaskRef
    from airflow_provider_kling.api.settings import Settings
    from airflow_provider_kling.api.task_reader import Results, TaskReader
    from airflow_provider_kling.api.transport import Transport
    from airflow_provider_kling.models import ResourcePack, Task
    from airflow_provider_kling.products.product import Product

#: How far back a search goes: pages of 500 tasks, which are not in a known order.
MAX_PAGES = 4

#: An id that no task has; asking for it is free and shows whether Kling accepts the credential.
PROBE_ID = "airflow-connection-test"


class KlingClient(Belongings):
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
        :raises KlingError: when the answer confirms no task; whether there is one, the error does not always know.
        """
        product = spoken(product, body)
        dialect = self._dialect(product)
        return dialect.read_created(self.transport.send_once(dialect.create(product, body)), product)

    def check_speaks(self, product: Product, body: Mapping[str, Any]) -> None:
        """
        Check that a request can be sent with this credential; nothing is asked of Kling.

        :param product: its row.
        :param body: the canonical body.
        :raises KlingConfigurationError: when it cannot.
        """
        self._dialect(spoken(product, body))

    def _dialect(self, product: Product) -> Dialect:
        """
        Return what speaks for a product here.

        :raises KlingConfigurationError: when the credential is none for it; Kling would only say that it is invalid.
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
        """Whether the credential is taken everywhere; AccessKey and SecretKey are by the first generation only."""
        return isinstance(self.settings.credential, ApiKey)

    def get_task(self, product: Product, any_id: str, *, tries: int | None = None) -> Task:
        """
        Read one task; free.

        :param product: its row.
        :param any_id: Kling's task id, or an ``external_task_id``.
        :param tries: how often the request is sent before its error counts; default 4.
        :raises KlingTaskNotFoundError: when the account has no such task of this product.
        """
        dialect = self._dialect(product)
        return dialect.read_task(self.transport.read(dialect.query(product, any_id), tries=tries), product)

    def get_task_anywhere(self, product: Product, any_id: str, *, tries: int | None = None) -> Task:
        """
        Read one task of a product, whichever generation of the API has made it; free.

        An id does not say which, and whoever waits for it may not know: the first generation is asked first.

        :param product: its row.
        :param any_id: Kling's task id, or an ``external_task_id``.
        :param tries: how often a request is sent before its error counts; default 4.
        :raises KlingTaskNotFoundError: when the account has no such task of this product.
        """
        try:
            return self.get_task(product, any_id, tries=tries)
        except KlingTaskNotFoundError:
            other = NEW_GENERATION.get(product.counterpart)
            if other is None or not self.has_api_key:
                raise
            try:
                return self.get_task(other, any_id, tries=tries)
            except KlingError as error:
                # What a relay without that route says about it, often a page of HTML, counts for nothing.
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
        :param page_size: 1 to 500; a page that is shorter is the last, unless something on it could not be read.
        :param tries: how often the request is sent before its error counts; default 4.
        :param status: what stands for a status that is not known; without it, such a task is left out.
        """
        dialect, cursor = self._dialect(product), ""
        # Where pages have no numbers, one is reached through those before it.
        for number in range(1, page + 1):
            answer = self.transport.read(dialect.page(product, page, page_size, cursor), tries=tries)
            tasks, following = dialect.read_page(answer, product, status), dialect.next_cursor(answer)
            if following is None or number == page:
                return tasks
            if not following:
                break
            cursor = following
        return []

    def pages(self, product: Product) -> Iterator[list[Task]]:
        """
        Yield the pages of a list of tasks until the last, each with one free request.

        :param product: its row; one of the second generation stands for all of them.
        """
        dialect, cursor = self._dialect(product), ""
        for number in itertools.count(1):
            answer = self.transport.read(dialect.page(product, number, MAX_PAGE_SIZE, cursor))
            page, following = dialect.read_page(answer, product), dialect.next_cursor(answer)
            yield page
            if following == "" or (following is None and len(page) < MAX_PAGE_SIZE):
                return
            cursor = following or ""

    def list_since(self, product: Product, since: float) -> list[Task]:
        """
        List the tasks of one product that Kling accepted since a time, and perhaps older ones; free.

        A short page is not the end: relays have smaller ones, and what cannot be read is missing on it.

        :param product: its row.
        :param since: epoch seconds.
        :raises KlingError: when it could not be read; :class:`KlingResponseError` when it is too long to be complete.
        """
        tasks: dict[str, Task] = {}
        for number in range(1, MAX_PAGES + 1):
            # A task whose status has a new name exists all the same.
            page = self.list_tasks(product, number, MAX_PAGE_SIZE, status=TaskStatus.SUBMITTED)
            before = len(tasks)
            tasks.update({task.task_id: task for task in page})
            if len(tasks) == before or reaches_behind(page, since):
                return list(tasks.values())
        raise KlingResponseError(
            f"Look in Kling's console: its list of {product.endpoint} is longer than {len(tasks)} tasks, too long to "
            "be searched.",
            http_status=200,
            transient=False,
        )

    def get_together(self, waiting: Sequence[TaskRef], *, tries: int | None = None) -> tuple[Results, list[TaskRef]]:
        """
        Read many tasks as far as a request can answer for several; free.

        :param waiting: product and id of each.
        :param tries: how often a request is sent before its error counts; default 4.
        :return: for each its task, or why it could not be read; and those that have to be asked for singly.
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
        Ask, once, for a task that does not exist: free, and Kling answers only to a credential that it knows.

        :raises KlingError: when it does not, or does not answer.
        """
        product = product_of(DEFAULT_ENDPOINT)
        # One try: somebody looks at a page that waits for this answer.
        with contextlib.suppress(KlingTaskNotFoundError):
            self.transport.send_once(dialect_of(product).query(product, PROBE_ID))
