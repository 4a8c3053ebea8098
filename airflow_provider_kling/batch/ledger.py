"""
The items of a batch by phase. Pure.

Counts, what is due and what was spent are kept up to date with each move, so that a decision costs the same for ten
items as for a hundred thousand.
"""

from __future__ import annotations

import heapq
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from airflow_provider_kling.batch.actions import Phase
from airflow_provider_kling.batch.item import STATUS, Item, task_cash, task_units

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from airflow_provider_kling.batch.actions import Desired
    from airflow_provider_kling.models import Task

#: The phases in which something is to be done about an item, once its time has come.
TO_DO = (Phase.WAITING, Phase.DOUBT, Phase.RUNNING, Phase.SUCCEED)


class _Queue:
    """
    The items of one phase that wait for their turn; what has left the phase is dropped when it comes to the top.

    Entries are numbers only: Python's garbage collector does not go through those.
    """

    def __init__(self, items: Sequence[Item]) -> None:
        self._items = items
        self._due: list[tuple[int, int]] = []
        self._later: list[tuple[float, int, int]] = []

    def add(self, item: Item) -> None:
        if item.not_before:
            heapq.heappush(self._later, (item.not_before, item.place, item.turn))
        else:
            heapq.heappush(self._due, (item.place, item.turn))

    def first(self, now: float) -> Item | None:
        while self._later and self._later[0][0] <= now:
            heapq.heappush(self._due, heapq.heappop(self._later)[1:])
        while self._due and self._has_left(*self._due[0]):
            heapq.heappop(self._due)
        return self._items[self._due[0][0]] if self._due else None

    def next_time(self, now: float) -> float | None:
        self.first(now)
        while self._later and self._has_left(*self._later[0][1:]):
            heapq.heappop(self._later)
        return self._later[0][0] if self._later else None

    def _has_left(self, place: int, turn: int) -> bool:
        return self._items[place].turn != turn


class Ledger:
    """
    All items, where they are, and what they cost.

    :param desired: the items, in the order in which they are submitted.
    """

    def __init__(self, desired: Iterable[Desired]) -> None:
        items = [Item(wanted.key, wanted.external_task_id, place) for place, wanted in enumerate(desired)]
        self._items = {item.key: item for item in items}
        self._counts = dict.fromkeys(Phase, 0)
        self._counts[Phase.WAITING] = len(self._items)
        self._queues = {phase: _Queue(items) for phase in TO_DO}
        #: What the finished tasks cost, as Kling says it, and how many of them say it.
        self.units, self.priced = Decimal(0), 0
        #: And what was taken from the balance of a post-paid account.
        self.cash = Decimal(0)
        #: Grows with every change.
        self.version = 0
        for item in items:
            self._queues[Phase.WAITING].add(item)

    def __getitem__(self, key: str) -> Item:
        return self._items[key]

    def __iter__(self) -> Iterator[Item]:
        return iter(self._items.values())

    def get(self, key: str) -> Item | None:
        """Return an item, if there is one with this name."""
        return self._items.get(key)

    def count(self, *phases: Phase) -> int:
        """Return how many items are in these phases."""
        return sum(self._counts[phase] for phase in phases)

    def move(self, item: Item, phase: Phase, *, not_before: float = 0.0) -> None:
        """
        Note that an item stands somewhere else now, or at the same place anew.

        :param not_before: epoch seconds of its turn.
        """
        self._counts[item.phase] -= 1
        self._counts[phase] += 1
        item.phase, item.not_before, item.line = phase, not_before, None
        item.turn += 1
        self.version += 1
        if phase in self._queues:
            self._queues[phase].add(item)
        elif phase is Phase.STORED:
            item.settle()

    def due(self, phase: Phase, now: float) -> Item | None:
        """Return the first item of a phase whose turn has come."""
        return self._queues[phase].first(now)

    def take(self, phase: Phase, now: float) -> Item | None:
        """Return the first item whose turn has come; it stays in its phase and is not returned again."""
        item = self.due(phase, now)
        if item is not None:
            item.turn += 1
        return item

    def next_turns(self, now: float) -> list[float]:
        """When an item's turn comes that has not come yet, the first of each phase, epoch seconds."""
        return [when for queue in self._queues.values() if (when := queue.next_time(now)) is not None]

    def report(self, item: Item, task: Task) -> None:
        """Note what Kling says of an item's newest attempt; :meth:`move` has to follow."""
        self._book(item, -1)
        item.task = task
        self._book(item, 1)

    def _book(self, item: Item, sign: int) -> None:
        cost = task_units(item.task)
        if cost is not None:
            self.units += sign * cost
            self.priced += sign
        self.cash += sign * (task_cash(item.task) or 0)

    def progress(self) -> dict[str, Any]:
        """Return how many items are where, and what was spent so far."""
        counts = dict.fromkeys(("succeed", "failed", "running", "storing", "waiting"), 0)
        for phase, number in self._counts.items():
            counts[STATUS[phase]] += number
        spent = {"units": float(self.units), "cash": float(self.cash)}
        return {"items": len(self._items), "done": counts.pop("succeed"), **counts, **spent}
