"""
Which requests to send when many tasks wait: the fewest that can answer for all of them. Pure.

Kling offers three ways to look, all free: one task, 20 tasks by id (API key only), and a product's list, 500 to a page.
"""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING

from airflow_provider_kling.api.classic import MAX_PAGE_SIZE
from airflow_provider_kling.api.v2 import MAX_IDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


@dataclasses.dataclass(frozen=True)
class Waiting:
    """
    A task that somebody waits for.

    :param endpoint: its product.
    :param task_id: Kling's id, or an ``external_task_id``, which only a single look finds.
    """

    endpoint: str
    task_id: str

    @property
    def has_kling_id(self) -> bool:
        """Whether a batch can ask for it: Kling's ids are digits, an ``external_task_id`` of ours is not."""
        return self.task_id.isdecimal()


@dataclasses.dataclass(frozen=True)
class One:
    """Read one task."""

    waiting: Waiting


@dataclasses.dataclass(frozen=True)
class Batch:
    """Read up to 20 tasks of any product by id."""

    waiting: tuple[Waiting, ...]


@dataclasses.dataclass(frozen=True)
class Page:
    """Read the first ``pages`` list pages of one product, which should hold these tasks."""

    endpoint: str
    pages: int
    waiting: tuple[Waiting, ...]


Look = One | Batch | Page


@dataclasses.dataclass(frozen=True)
class Routes:
    """
    What an account's server can do.

    :param batch: ``GET /tasks``: not with AccessKey and SecretKey, not at every relay.
    :param page: the list of a product: not at every relay.
    """

    batch: bool
    page: bool = True


def plan(waiting: Iterable[Waiting], routes: Routes) -> list[Look]:
    """
    Choose the looks of one sweep.

    :param waiting: what is due.
    :param routes: what the server is known to offer.
    :return: looks that together cover everything, cheapest first choice per product.
    """
    looks: list[Look] = []
    leftover: list[Waiting] = []
    for endpoint, group in _by_endpoint(waiting).items():
        pages = math.ceil(len(group) / MAX_PAGE_SIZE)
        batches = math.ceil(len(group) / MAX_IDS) if routes.batch else len(group)
        # A page may miss a task (others use the account too), so it has to save something to be worth it.
        if routes.page and pages < batches and len(group) > 1:
            looks.append(Page(endpoint, pages, tuple(group)))
        else:
            leftover.extend(group)
    return looks + by_id(leftover, routes)


def by_id(waiting: Sequence[Waiting], routes: Routes) -> list[Look]:
    """
    Choose the looks that ask for tasks by their ids, as for those that a page did not hold.

    :param waiting: what to ask for.
    :param routes: what the server is known to offer.
    """
    batchable = [one for one in waiting if routes.batch and one.has_kling_id]
    if len(batchable) < 2:
        return [One(one) for one in waiting]
    batches = [Batch(tuple(batchable[start : start + MAX_IDS])) for start in range(0, len(batchable), MAX_IDS)]
    return [*batches, *(One(one) for one in waiting if not one.has_kling_id)]


def _by_endpoint(waiting: Iterable[Waiting]) -> dict[str, list[Waiting]]:
    groups: dict[str, list[Waiting]] = {}
    for one in waiting:
        groups.setdefault(one.endpoint, []).append(one)
    return groups
