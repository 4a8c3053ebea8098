"""
Which of an account's lists are read to see its free slots, and when. Pure: clock and chance are arguments.

Kling has a list for each product of the first generation, and one for all of the second.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from airflow_provider_kling.products.catalogue import NEW_GENERATION, PRODUCTS
from airflow_provider_kling.products.generations import listed_under
from airflow_provider_kling.utils import backoff

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from airflow_provider_kling.models import Task
    from airflow_provider_kling.waiting.pace import SlotPace

#: Tasks of each product that a look asks for: those that run are among the newest, if Kling sorts them so. The longest
#: page is asked for when they are not.
NEWEST, ALL = 100, 500


class AccountList:
    """
    What the lists showed, for one group of products. All times are those of one monotonic clock, in seconds.

    :param group: the products, see :attr:`Product.group`.
    :param jitter: returns a number in [0, 1); ``random.random`` outside tests.
    :param pace: how often.
    """

    def __init__(self, group: str, jitter: Callable[[], float], pace: SlotPace) -> None:
        self._endpoints = _lists_of(group)
        self._jitter = jitter
        self._pace = pace
        self._asked_for = set[str]()
        self._tasks: dict[str, list[Task]] = {}
        self._all_seen_at = 0.0
        self._failures = 0
        #: Tasks of each list that a look asks for.
        self.count = NEWEST
        #: When the lists may be read again.
        self.next_look = 0.0

    def ask_for(self, endpoint: str) -> None:
        """Somebody wants a slot for this product."""
        self._asked_for.add(endpoint)

    def ask_for_new_generation(self) -> None:
        """Somebody wants a slot for a model of the second generation."""
        self._asked_for.update(name for name in self._endpoints if name in NEW_GENERATION)

    def look_at_all(self) -> None:
        """Read all lists with the next look: Kling refused somebody, and the tasks may be of any product."""
        self._all_seen_at = 0.0

    def begin(self, now: float) -> bool:
        """
        Return whether to look now; nobody else may, then, until the look has ended or hangs.

        :param now: monotonic seconds.
        """
        if now < self.next_look:
            return False
        # A look that hangs ends after look_timeout.
        self.next_look = now + self._pace.look_timeout + 1.0
        return True

    def worth_a_look(self, now: float) -> list[str]:
        """Return the products that somebody asks for or that run; all of them now and then."""
        if now - self._all_seen_at >= self._pace.all_products_every:
            self._all_seen_at = now
            return self._endpoints
        return [name for name in self._endpoints if name in self._asked_for or _alive(self._tasks.get(name, []))]

    def failed(self, now: float) -> None:
        """The lists cannot be read."""
        self._failures += 1
        pause = backoff.growing(self._failures, first=self._pace.failed_first, longest=self._pace.failed_longest)
        self.next_look = now + backoff.jittered(pause, self._jitter)

    def succeeded(self, found: dict[str, list[Task]], now: float) -> list[Task]:
        """
        Take over what was read, and return all tasks that are known.

        :param found: by product.
        :param now: monotonic seconds.
        """
        self._failures = 0
        self._tasks |= found
        self.next_look = now + self._pace.look_interval * (0.5 + self._jitter())
        running = [_alive(page) for page in self._tasks.values()]
        if not any(running) or 2 * max(running) > self.count:
            self.count = ALL
        return merged(self._tasks.values())


def merged(pages: Iterable[Sequence[Task]]) -> list[Task]:
    """
    Return each task once: the list of the second generation shows those of the first too, read a moment apart.

    :param pages: the lists.
    """
    tasks: dict[str, Task] = {}
    for task in itertools.chain.from_iterable(pages):
        if task.task_id not in tasks or task.status.is_terminal:
            tasks[task.task_id] = task
    return list(tasks.values())


def _lists_of(group: str) -> list[str]:
    """Names of products, one for each list that shows tasks of a group."""
    rows = (*PRODUCTS.values(), *NEW_GENERATION.values())
    return list(dict.fromkeys(listed_under(product) for product in rows if product.group == group))


def _alive(tasks: list[Task]) -> int:
    return sum(not task.status.is_terminal for task in tasks)
