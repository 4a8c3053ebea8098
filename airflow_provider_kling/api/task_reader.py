"""Reads many tasks with few requests, as :mod:`airflow_provider_kling.api.read_plan` plans them."""

from __future__ import annotations

import functools
import itertools
import logging
from typing import TYPE_CHECKING

from airflow_provider_kling.api import listing, read_plan, v2
from airflow_provider_kling.api.dialects import dialect_of
from airflow_provider_kling.api.task_ref import TaskRef
from airflow_provider_kling.exceptions import (
    KlingAccountError,
    KlingAuthenticationError,
    KlingError,
    KlingIpPolicyError,
    KlingResponseError,
)
from airflow_provider_kling.products.catalogue import product_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from airflow_provider_kling.api.transport import Transport
    from airflow_provider_kling.models import Task

log = logging.getLogger(__name__)

#: Refusals that concern the account and not the route: a read of one task would be refused too.
CONCERNS_ACCOUNT = (KlingAuthenticationError, KlingAccountError, KlingIpPolicyError)

Results = dict[TaskRef, "Task | KlingError"]


class TaskReader:
    """
    Reads tasks of one account, and remembers which routes its server lacks.

    :param transport: sends the requests.
    :param batch: whether the credential may ask for several tasks by id.
    """

    def __init__(self, transport: Transport, *, batch: bool) -> None:
        self._transport = transport
        self._routes = read_plan.ServerRoutes(batch=batch)

    def read(self, waiting: Sequence[TaskRef], *, tries: int | None = None) -> tuple[Results, list[TaskRef]]:
        """
        Read many tasks with requests that each cover several.

        :param waiting: product and id of each.
        :param tries: how often a request is sent before its error counts; default 4.
        :return: the task, or the error, of each that such a request covered; and those that have to be read one
            by one.
        """
        results: Results = {}
        singles: list[TaskRef] = []
        reads = read_plan.plan_reads(waiting, self._routes)
        while reads:
            read = reads.pop()
            if isinstance(read, read_plan.ReadOne):
                singles.append(read.task)
                continue
            found = self._perform(read, tries)
            results.update(found)
            missed = [ref for ref in read.waiting if ref not in found]
            # A task that is missing in the response to a list of ids is read alone: only that response says why.
            again = self._routes if isinstance(read, read_plan.ReadPage) else read_plan.ServerRoutes(batch=False)
            reads.extend(read_plan.plan_reads_by_id(missed, again))
        return results, singles

    def _perform(self, read: read_plan.ReadMany | read_plan.ReadPage, tries: int | None) -> Results:
        try:
            match read:
                case read_plan.ReadMany(waiting):
                    endpoints = {ref.task_id: ref.endpoint for ref in waiting}
                    response = self._transport.read(v2.query_many(list(endpoints)), tries=tries)
                    return _matched(waiting, v2.read_tasks(response, endpoints))
                case read_plan.ReadPage(endpoint, pages, waiting):
                    return _matched(waiting, self._list_pages(endpoint, pages, tries))
        except KlingResponseError as error:
            # Often a relay that lacks this route and says so in a page with HTTP 200; then a read of one task works.
            self._forget_route(read, error)
            return {}
        except KlingError as error:
            if error.transient or isinstance(error, CONCERNS_ACCOUNT):
                return dict.fromkeys(read.waiting, error)
            self._forget_route(read, error)
            return {}

    def _list_pages(self, endpoint: str, pages: int, tries: int | None) -> list[Task]:
        product = product_of(endpoint)
        dialect = dialect_of(product)
        read = functools.partial(self._transport.read, tries=tries)
        tasks: list[Task] = []
        for page in itertools.islice(listing.iter_pages(read, dialect, product, size=dialect.MAX_PAGE_SIZE), pages):
            tasks += page.tasks
            # What a short page lacks all the same is asked for by its id.
            if len(page.tasks) < dialect.MAX_PAGE_SIZE:
                break
        return tasks

    def _forget_route(self, read: read_plan.Read, error: KlingError) -> None:
        """Do not use a route again that the server refuses, as many relays do; reads of one task always work."""
        kind = "batch" if isinstance(read, read_plan.ReadMany) else "page"
        log.debug("Reading tasks by %s is not possible here (%s); reading them one by one", kind, error.message)
        self._routes = self._routes._replace(**{kind: False})


def _matched(waiting: Iterable[TaskRef], tasks: Iterable[Task]) -> Results:
    by_id = {name: task for task in tasks for name in (task.task_id, task.external_task_id)}
    return {ref: by_id[ref.task_id] for ref in waiting if ref.task_id in by_id}
