"""
The items of a batch by phase. Pure.

Counts, due items and costs are updated with each move, so that a decision costs the same for ten items as for a hundred
thousand.
"""

from __future__ import annotations

import array
import heapq
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from airflow_provider_kling.batch.actions import Phase
from airflow_provider_kling.batch.item import STATUS, Item, task_cash, task_units
from airflow_provider_kling.batch.kinds import items_by_pool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from airflow_provider_kling.batch.actions import Desired
    from airflow_provider_kling.models import Task

#: The phases of sent items that need an action when their time has come.
TO_DO = (Phase.DOUBT, Phase.RUNNING, Phase.SUCCEED)

#: Of a stored item: no queue has an entry with this number.
_NO_ENTRY = -1


class _Queue:
    """
    The items of one phase that wait for their time. Outdated entries are dropped when they come to the top.

    Entries are tuples of numbers: Python's garbage collector stops tracking those.

    :param entry_number_of: returns the newest entry number of an item, by its place.
    :param due: the entries whose time has come, in their order.
    """

    def __init__(self, entry_number_of: Callable[[int], int], due: Iterable[tuple[int, int]] = ()) -> None:
        self._entry_number_of = entry_number_of
        self._due = list(due)
        self._later: list[tuple[float, int, int]] = []

    def add(self, item: Item) -> None:
        if item.not_before:
            heapq.heappush(self._later, (item.not_before, item.place, item.entry_number))
        else:
            heapq.heappush(self._due, (item.place, item.entry_number))

    def first(self, now: float) -> int | None:
        while self._later and self._later[0][0] <= now:
            heapq.heappush(self._due, heapq.heappop(self._later)[1:])
        while self._due and self._is_outdated(*self._due[0]):
            heapq.heappop(self._due)
        return self._due[0][0] if self._due else None

    def next_time(self, now: float) -> float | None:
        self.first(now)
        while self._later and self._is_outdated(*self._later[0][1:]):
            heapq.heappop(self._later)
        return self._later[0][0] if self._later else None

    def _is_outdated(self, place: int, entry_number: int) -> bool:
        return self._entry_number_of(place) != entry_number


class Ledger:
    """
    All items, their phases, and their cost.

    Only items under way are :class:`Item` objects. A waiting item is two strings, and a stored one is its line of the
    manifest: a hundred thousand objects would need memory, and time of Python's garbage collector, which stops the
    whole triggerer.

    :param desired: the items, in the order in which they are submitted.
    """

    def __init__(self, desired: Iterable[Desired]) -> None:
        self._names: dict[str, str] = {}
        self._pools = array.array("B")
        for wanted in desired:
            self._names[wanted.key] = wanted.external_task_id
            self._pools.append(wanted.pool)
        self._keys = list(self._names)
        self._places = {key: place for place, key in enumerate(self._keys)}
        self._under_way: dict[int, Item] = {}
        self._lines: list[bytes | None] = [None] * len(self._keys)
        self._is_stored = bytearray(len(self._keys))
        #: The number of pools.
        self.pools = max(self._pools, default=0) + 1
        places = items_by_pool(self._pools, self.pools)
        # In all, and of each pool.
        self._counts = dict.fromkeys(Phase, 0)
        self._counts[Phase.WAITING] = len(self._keys)
        self._pool_counts = [{**dict.fromkeys(Phase, 0), Phase.WAITING: len(waiting)} for waiting in places]
        self._queues = {phase: _Queue(self._entry_number_of) for phase in TO_DO}
        # One queue for each pool: a model without a slot delays its own items only.
        self._waiting = [_Queue(self._entry_number_of, ((place, 0) for place in waiting)) for waiting in places]
        #: Units that Kling charged for finished tasks, and the number of tasks with such an amount.
        self.units, self.priced = Decimal(0), 0
        #: What Kling took from the balance of a post-paid account.
        self.cash = Decimal(0)
        #: Whether an item without a known task may have been sent.
        self.look_up_first = False
        #: Grows with every change.
        self.version = 0

    def __getitem__(self, key: str) -> Item:
        """Return an item; after a change of it :meth:`move` has to be called."""
        return self._at(self._places[key])

    def __len__(self) -> int:
        return len(self._keys)

    def get(self, key: str) -> Item | None:
        """Return an item, if there is one with this name."""
        return self[key] if key in self._places else None

    def names(self) -> Iterable[tuple[str, str]]:
        """Return key and ``external_task_id`` of each item, in their order."""
        return self._names.items()

    def under_way(self) -> list[Item]:
        """Return the items that have left ``waiting`` once and are not stored, in their order."""
        return [item for _, item in sorted(self._under_way.items())]

    def line(self, place: int, *, ended: bool) -> bytes:
        """
        Return an item's line of the manifest; it is made again only after a change.

        :param place: the item's number.
        :param ended: whether nothing more will be submitted; what still waits is then ``stopped``.
        """
        line = self._lines[place]
        if line is None or ended:
            item = self._at(place)
            if ended and item.phase is Phase.WAITING:
                return item.manifest_line(ended=True)
            line = self._lines[place] = line or item.manifest_line(ended=False)
        return line

    def _at(self, place: int) -> Item:
        if item := self._under_way.get(place):
            return item
        key = self._keys[place]
        phase = Phase.STORED if self._is_stored[place] else Phase.WAITING
        return Item(
            key,
            self._names[key],
            place,
            self._pools[place],
            phase,
            look_up_first=self.look_up_first,
            entry_number=self._entry_number_of(place),
        )

    def _entry_number_of(self, place: int) -> int:
        if item := self._under_way.get(place):
            return item.entry_number
        return _NO_ENTRY if self._is_stored[place] else 0

    def count(self, *phases: Phase, pool: int | None = None) -> int:
        """
        Return how many items are in these phases.

        :param pool: of those that need these slots; default is all.
        """
        counts = self._counts if pool is None else self._pool_counts[pool]
        return sum(counts[phase] for phase in phases)

    def move(self, item: Item, phase: Phase, *, not_before: float = 0.0) -> None:
        """
        Move an item to another phase, or to the same phase again.

        :param not_before: epoch seconds before which nothing is done about it.
        """
        for counts in (self._counts, self._pool_counts[item.pool]):
            counts[item.phase] -= 1
            counts[phase] += 1
        item.phase, item.not_before = phase, not_before
        item.entry_number += 1
        self.version += 1
        self._under_way[item.place], self._lines[item.place] = item, None
        if phase is Phase.WAITING:
            self._waiting[item.pool].add(item)
        elif phase in self._queues:
            self._queues[phase].add(item)
        elif phase is Phase.STORED:
            self._archive(item)

    def _archive(self, item: Item) -> None:
        """Keep only its line of the manifest: the item needs no further action."""
        self._lines[item.place] = item.manifest_line(ended=False)
        self._is_stored[item.place] = True
        del self._under_way[item.place]

    def due(self, phase: Phase, now: float) -> Item | None:
        """Return the first item of a phase whose time has come; for waiting items see :meth:`waiting`."""
        place = self._queues[phase].first(now)
        return None if place is None else self._at(place)

    def waiting(self, now: float) -> list[Item]:
        """Return the first item of each pool that waits to be submitted and whose time has come, in their order."""
        places = [place for queue in self._waiting if (place := queue.first(now)) is not None]
        return [self._at(place) for place in sorted(places)]

    def take_due(self, phase: Phase, now: float) -> Item | None:
        """Return the first item whose time has come; it stays in its phase and is not returned again."""
        item = self.due(phase, now)
        if item is not None:
            item.entry_number += 1
            self._under_way[item.place] = item
        return item

    def next_times(self, now: float) -> list[float]:
        """Return the next future time of each queue, epoch seconds."""
        queues = (*self._queues.values(), *self._waiting)
        return [when for queue in queues if (when := queue.next_time(now)) is not None]

    def set_task(self, item: Item, task: Task) -> None:
        """Set an item's newest task, as Kling reports it; :meth:`move` has to follow."""
        self._count_cost(item, -1)
        item.task = task
        self._count_cost(item, 1)

    def _count_cost(self, item: Item, sign: int) -> None:
        cost = task_units(item.task)
        if cost is not None:
            self.units += sign * cost
            self.priced += sign
        self.cash += sign * (task_cash(item.task) or 0)

    def progress(self) -> dict[str, Any]:
        """Return the number of items in each status, and the cost so far."""
        counts = dict.fromkeys(("succeed", "failed", "running", "storing", "waiting"), 0)
        for phase, number in self._counts.items():
            counts[STATUS[phase]] += number
        spent = {"units": float(self.units), "cash": float(self.cash)}
        return {"items": len(self), "done": counts.pop("succeed"), **counts, **spent}
