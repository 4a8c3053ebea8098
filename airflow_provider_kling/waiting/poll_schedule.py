"""Which polls are due, and when the next one is. Pure: the clock is an argument."""

from __future__ import annotations

import heapq
import itertools
from typing import Generic, TypeVar

T = TypeVar("T")

#: Outdated heap entries are removed when there are more of them than of the others, and more than this.
SPARE_ENTRIES = 100


class PollSchedule(Generic[T]):
    """
    Polls of many items. Adding, dropping and taking one cost the same however many items there are.

    Each item has a time when its poll is due, and an earlier time from which it joins the poll of another item. A scan
    of all items for each one that comes, leaves or is due would cost the square of their number.
    """

    def __init__(self) -> None:
        # The number of the item's newest entry; a heap entry with another number is outdated.
        self._numbers: dict[T, int] = {}
        self._by_due: list[tuple[float, int, T]] = []
        self._by_join: list[tuple[float, int, T]] = []
        self._count = itertools.count()

    def __len__(self) -> int:
        return len(self._numbers)

    def put(self, item: T, *, due: float, join: float) -> None:
        """
        Schedule the next poll of an item, in place of an earlier entry.

        :param item: what is polled.
        :param due: epoch seconds when its poll is due.
        :param join: epoch seconds from which it joins the poll of another item.
        """
        number = self._numbers[item] = next(self._count)
        heapq.heappush(self._by_due, (due, number, item))
        heapq.heappush(self._by_join, (join, number, item))
        self._by_due = self._without_outdated(self._by_due)
        self._by_join = self._without_outdated(self._by_join)

    def discard(self, item: T) -> None:
        """Remove an item, if it is there."""
        self._numbers.pop(item, None)

    def next_due(self) -> float | None:
        """Return when the first poll is due, epoch seconds; ``None`` when there is none."""
        heap = self._by_due
        while heap and not self._is_current(heap[0]):
            heapq.heappop(heap)
        return heap[0][0] if heap else None

    def pop_due(self, now: float) -> list[T]:
        """
        Remove and return the items to poll now: when one is due, also those that may join it; else none.

        :param now: epoch seconds.
        """
        first = self.next_due()
        if first is None or first > now:
            return []
        items = []
        while self._by_join and self._by_join[0][0] <= now:
            entry = heapq.heappop(self._by_join)
            if self._is_current(entry):
                del self._numbers[entry[2]]
                items.append(entry[2])
        return items

    def _is_current(self, entry: tuple[float, int, T]) -> bool:
        return self._numbers.get(entry[2]) == entry[1]

    def _without_outdated(self, heap: list[tuple[float, int, T]]) -> list[tuple[float, int, T]]:
        if len(heap) <= 2 * len(self._numbers) + SPARE_ENTRIES:
            return heap
        current = [entry for entry in heap if self._is_current(entry)]
        heapq.heapify(current)
        return current
