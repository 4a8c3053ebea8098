"""
Plans which requests read many tasks: as few as possible. Pure.

Kling offers three reads, all free: one task, 20 tasks by id (API key only), and a product's list, 500 to a page.
The second generation lists all products in one, whose pages cannot be asked for by number: its tasks are read by id.
"""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, NamedTuple

from airflow_provider_kling.api.classic import MAX_PAGE_SIZE
from airflow_provider_kling.api.v2 import MAX_IDS
from airflow_provider_kling.products.catalogue import V2_PRODUCTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from airflow_provider_kling.api.task_ref import TaskRef
    from airflow_provider_kling.models import Task

#: Seconds by which Kling's clock and this machine's may differ. JWTs need clocks that agree too: a token is valid from
#: five seconds before it is made.
CLOCK_SKEW = 30.0


class ReadOne(NamedTuple):
    """Read one task."""

    task: TaskRef


class ReadMany(NamedTuple):
    """Read up to 20 tasks of any product by id."""

    waiting: tuple[TaskRef, ...]


class ReadPage(NamedTuple):
    """Read the first ``pages`` list pages of one product, which should hold these tasks."""

    endpoint: str
    pages: int
    waiting: tuple[TaskRef, ...]


Read = ReadOne | ReadMany | ReadPage


class ServerRoutes(NamedTuple):
    """
    What an account's server can do.

    :param batch: ``GET /tasks``: not with AccessKey and SecretKey, not at every relay.
    :param page: the list of a product: not at every relay.
    """

    batch: bool
    page: bool = True


def plan_reads(waiting: Iterable[TaskRef], routes: ServerRoutes) -> list[Read]:
    """
    Choose the requests that read these tasks.

    :param waiting: what is due.
    :param routes: what the server is known to offer.
    :return: reads that together cover all of them; for each product the kind that needs the fewest requests.
    """
    reads: list[Read] = []
    leftover: list[TaskRef] = []
    for endpoint, group in _by_endpoint(waiting).items():
        pages = math.ceil(len(group) / MAX_PAGE_SIZE)
        batches = math.ceil(len(group) / MAX_IDS) if routes.batch else len(group)
        # A page may miss a task (others use the account too), so it is read only where it saves requests.
        if routes.page and endpoint not in V2_PRODUCTS and pages < batches and len(group) > 1:
            reads.append(ReadPage(endpoint, pages, tuple(group)))
        else:
            leftover.extend(group)
    return reads + plan_reads_by_id(leftover, routes)


def plan_reads_by_id(waiting: Sequence[TaskRef], routes: ServerRoutes) -> list[Read]:
    """
    Choose the requests that read tasks by their ids, for example those that a page did not hold.

    :param waiting: what to ask for.
    :param routes: what the server is known to offer.
    """
    batchable = [ref for ref in waiting if routes.batch and ref.has_kling_id]
    if len(batchable) < 2:
        return [ReadOne(ref) for ref in waiting]
    batches = [ReadMany(tuple(batchable[start : start + MAX_IDS])) for start in range(0, len(batchable), MAX_IDS)]
    return [*batches, *(ReadOne(ref) for ref in waiting if not ref.has_kling_id)]


def _by_endpoint(waiting: Iterable[TaskRef]) -> dict[str, list[TaskRef]]:
    groups: dict[str, list[TaskRef]] = {}
    for ref in waiting:
        groups.setdefault(ref.endpoint, []).append(ref)
    return groups


def ends_before(page: Sequence[Task], since: float) -> bool:
    """
    Whether a page is sorted from new to old and ends before a time: then the pages after it need not be read.

    :param page: of one product; Kling documents no order.
    :param since: epoch seconds.
    """
    times = [task.created_at for task in page]
    falling = all(earlier >= later > 0 for earlier, later in itertools.pairwise(times))
    return falling and len(times) > 1 and times[0] > times[-1] and times[-1] / 1000 < since - CLOCK_SKEW
