"""
Which of an account's lists are read to find its free slots, and when. Pure: clock and jitter are arguments.

Kling has a list for each product of the first generation, and one for all of the second.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from airflow_provider_kling.products.catalogue import PRODUCTS, V2_PRODUCTS
from airflow_provider_kling.products.generations import list_endpoint
from airflow_provider_kling.utils import backoff

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from airflow_provider_kling.models import Task
    from airflow_provider_kling.waiting.pace import SlotPace

#: Tasks of each list that one read asks for: the newest ones, or the longest page. The running tasks are among the
#: newest if Kling sorts the list so; when none of them runs, the longest page is read.
NEWEST, ALL = 100, 500


class AccountList:
    """
    The lists of one group of products, as they were read last. All times are monotonic seconds.

    :param group: the products, see :attr:`Product.group`.
    :param jitter: returns a number in [0, 1); ``random.random`` outside tests.
    :param pace: how often.
    """

    def __init__(self, group: str, jitter: Callable[[], float], pace: SlotPace) -> None:
        self._endpoints = _lists_of(group)
        self._jitter = jitter
        self._pace = pace
        self._wanted = set[str]()
        self._tasks: dict[str, list[Task]] = {}
        self._all_read_at = 0.0
        self._failures = 0
        #: Tasks of each list that the next read asks for.
        self.count = NEWEST
        #: When the lists may be read again.
        self.next_read = 0.0

    def want(self, endpoint: str) -> None:
        """Read the list of this product: a waiter wants a slot for it."""
        self._wanted.add(endpoint)

    def want_v2(self) -> None:
        """Read the list of the second generation: a waiter wants a slot for one of its models."""
        self._wanted.update(name for name in self._endpoints if name in V2_PRODUCTS)

    def read_all_next(self) -> None:
        """Read all lists next time: Kling refused a task, and the running tasks may be of any product."""
        self._all_read_at = 0.0

    def start_read(self, now: float) -> bool:
        """
        Return whether to read now. If so, further calls return ``False`` until the read has ended or timed out.

        :param now: monotonic seconds.
        """
        if now < self.next_read:
            return False
        # A read that hangs ends after read_timeout.
        self.next_read = now + self._pace.read_timeout + 1.0
        return True

    def endpoints_to_read(self, now: float) -> list[str]:
        """Return the products that are wanted or have running tasks; from time to time all of them."""
        if now - self._all_read_at >= self._pace.all_products_every:
            self._all_read_at = now
            return self._endpoints
        return [name for name in self._endpoints if name in self._wanted or _count_running(self._tasks.get(name, []))]

    def on_failed(self, now: float) -> None:
        """The lists cannot be read."""
        self._failures += 1
        pause = backoff.exponential(self._failures, first=self._pace.retry_first, longest=self._pace.retry_longest)
        self.next_read = now + backoff.add_jitter(pause, self._jitter)

    def on_read(self, found: dict[str, list[Task]], now: float) -> list[Task]:
        """
        Update the lists, and return all known tasks.

        :param found: by product.
        :param now: monotonic seconds.
        """
        self._failures = 0
        self._tasks |= found
        self.next_read = now + self._pace.read_interval * (0.5 + self._jitter())
        running = [_count_running(page) for page in self._tasks.values()]
        if not any(running) or 2 * max(running) > self.count:
            self.count = ALL
        return merged(self._tasks.values())


def merged(pages: Iterable[Sequence[Task]]) -> list[Task]:
    """
    Return each task once: the list of the second generation, read a moment apart, shows those of the first too.

    :param pages: the lists.
    """
    tasks: dict[str, Task] = {}
    for task in itertools.chain.from_iterable(pages):
        if task.task_id not in tasks or task.status.is_terminal:
            tasks[task.task_id] = task
    return list(tasks.values())


def _lists_of(group: str) -> list[str]:
    """Names of products, one for each list that shows tasks of a group."""
    rows = (*PRODUCTS.values(), *V2_PRODUCTS.values())
    return list(dict.fromkeys(list_endpoint(product) for product in rows if product.group == group))


def _count_running(tasks: list[Task]) -> int:
    return sum(not task.status.is_terminal for task in tasks)
