"""Reading many tasks with few requests: carries out what :mod:`airflow_provider_kling.api.reads` plans."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from airflow_provider_kling.api import reads, v2
from airflow_provider_kling.api.dialects import dialect_of
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

#: Refusals that say nothing about the route: each single look would be refused alike.
CONCERNS_ACCOUNT = (KlingAuthenticationError, KlingAccountError, KlingIpPolicyError)

Results = dict[reads.TaskRef, "Task | KlingError"]


class TaskReader:
    """
    Reads tasks of one account, and remembers what its server does not offer.

    :param transport: sends the requests.
    :param batch: whether the credential may ask for several tasks by id.
    """

    def __init__(self, transport: Transport, *, batch: bool) -> None:
        self._transport = transport
        self._routes = reads.ServerRoutes(batch=batch)

    def read(
        self, waiting: Sequence[reads.TaskRef], *, tries: int | None = None
    ) -> tuple[Results, list[reads.TaskRef]]:
        """
        Read many tasks as far as a request can answer for several.

        :param waiting: product and id of each.
        :param tries: how often a request is sent before its error counts; default 4.
        :return: for each its task, or why it could not be read; and those that have to be asked for singly.
        """
        results: Results = {}
        singles: list[reads.TaskRef] = []
        looks = reads.plan_reads(waiting, self._routes)
        while looks:
            look = looks.pop()
            if isinstance(look, reads.ReadOne):
                singles.append(look.waiting)
                continue
            found = self._carry_out(look, tries)
            results.update(found)
            missed = [single for single in look.waiting if single not in found]
            # What a batch of ids does not hold is asked for singly: only that answer says why.
            again = self._routes if isinstance(look, reads.ReadPage) else reads.ServerRoutes(batch=False)
            looks.extend(reads.plan_by_id(missed, again))
        return results, singles

    def _carry_out(self, look: reads.ReadMany | reads.ReadPage, tries: int | None) -> Results:
        try:
            match look:
                case reads.ReadMany(waiting):
                    endpoints = {single.task_id: single.endpoint for single in waiting}
                    answer = self._transport.read(v2.query_many(list(endpoints)), tries=tries)
                    return _matched(waiting, v2.read_tasks(answer, endpoints))
                case reads.ReadPage(endpoint, pages, waiting):
                    return _matched(waiting, self._list_pages(endpoint, pages, tries))
        except KlingResponseError as error:
            # A page of a relay, often, which lacks this route and says so with HTTP 200; a single look tells.
            self._forget_route(look, error)
            return {}
        except KlingError as error:
            if error.transient or isinstance(error, CONCERNS_ACCOUNT):
                return dict.fromkeys(look.waiting, error)
            self._forget_route(look, error)
            return {}

    def _list_pages(self, endpoint: str, pages: int, tries: int | None) -> list[Task]:
        product = product_of(endpoint)
        dialect = dialect_of(product)
        tasks: list[Task] = []
        for number in range(1, pages + 1):
            answer = self._transport.read(dialect.page(product, number, dialect.MAX_PAGE_SIZE), tries=tries)
            page = dialect.read_page(answer, product)
            tasks += page
            if len(page) < dialect.MAX_PAGE_SIZE:
                break
        return tasks

    def _forget_route(self, look: reads.Read, error: KlingError) -> None:
        """A server that refuses a route (a relay, often) is not asked for it again; single reads always work."""
        kind = "batch" if isinstance(look, reads.ReadMany) else "page"
        log.debug("Reading tasks by %s is not possible here (%s); reading them one by one", kind, error.message)
        self._routes = self._routes._replace(**{kind: False})


def _matched(waiting: Iterable[reads.TaskRef], tasks: Iterable[Task]) -> Results:
    by_id = {name: task for task in tasks for name in (task.task_id, task.external_task_id)}
    return {single: by_id[single.task_id] for single in waiting if single.task_id in by_id}
