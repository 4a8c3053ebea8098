"""Whose look is due, and when the next one is. Pure: the clock is an argument."""

from __future__ import annotations

import heapq
import itertools
from typing import Generic, TypeVar

T = TypeVar("T")

#: Entries of those that have left are swept out when there are more of them than of the others, and than this.
SPARE_ENTRIES = 100


class Agenda(Generic[T]):
    """
    Looks at many things, each with its time; adding, dropping and taking one cost the same however many there are.

    Everything has a time when its look is due, and an earlier one from which it joins when something else is due. A
    scan of everybody for each that comes, leaves or is due would cost the square of their number.
    """

    def __init__(self) -> None:
        # By number of the entry; what has left a queue's top behind has another number, or none.
        self._numbers: dict[T, int] = {}
        self._by_look: list[tuple[float, int, T]] = []
        self._by_join: list[tuple[float, int, T]] = []
        self._count = itertools.count()

    def __len__(self) -> int:
        return len(self._numbers)

    def put(self, one: T, *, look: float, join: float) -> None:
        """
        Note when somebody's look is due; it replaces what was noted before.

        :param one: whose look it is.
        :param look: epoch seconds when it is due.
        :param join: epoch seconds from which it is taken along.
        """
        number = self._numbers[one] = next(self._count)
        heapq.heappush(self._by_look, (look, number, one))
        heapq.heappush(self._by_join, (join, number, one))
        self._by_look = self._tidied(self._by_look)
        self._by_join = self._tidied(self._by_join)

    def discard(self, one: T) -> None:
        """Forget somebody, if it is there."""
        self._numbers.pop(one, None)

    def next_look(self) -> float | None:
        """Return when the first look is due, epoch seconds; ``None`` when there is none."""
        queue = self._by_look
        while queue and not self._holds(queue[0]):
            heapq.heappop(queue)
        return queue[0][0] if queue else None

    def take(self, now: float) -> list[T]:
        """
        Return those to be looked at now, and forget them; nobody when nobody's look is due.

        :param now: epoch seconds.
        """
        first = self.next_look()
        if first is None or first > now:
            return []
        taken = []
        while self._by_join and self._by_join[0][0] <= now:
            entry = heapq.heappop(self._by_join)
            if self._holds(entry):
                del self._numbers[entry[2]]
                taken.append(entry[2])
        return taken

    def _holds(self, entry: tuple[float, int, T]) -> bool:
        return self._numbers.get(entry[2]) == entry[1]

    def _tidied(self, queue: list[tuple[float, int, T]]) -> list[tuple[float, int, T]]:
        if len(queue) <= 2 * len(self._numbers) + SPARE_ENTRIES:
            return queue
        kept = [entry for entry in queue if self._holds(entry)]
        heapq.heapify(kept)
        return kept
