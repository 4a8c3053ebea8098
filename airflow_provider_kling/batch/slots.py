"""
What a batch asks the arbiter of its account's slots, and what it tells him. Pure.

A batch submits freely until Kling refuses somebody (1303). From then on it stands in the queue like everybody else,
with one wish at a time: a single task that has waited longer goes first, and batches take turns.

Those who wait in another triggerer only see slots that are free, and a batch takes its own again within a moment. So it
leaves one of them for some seconds now and then, more seldom while nobody takes it.
"""

from __future__ import annotations

import contextlib
import itertools
from typing import TYPE_CHECKING, Protocol

from airflow_provider_kling.waiting.arbiter import SlotWish

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from airflow_provider_kling.models import Task
    from airflow_provider_kling.waiting.arbiter import Arbiter

#: Seconds for which a slot is left to others: enough to see it, to start a worker, and to submit.
LEFT_FOR = 12.0

#: Seconds between two times, at first and when nobody takes it.
LEFT_EVERY, LEFT_SELDOM = 60.0, 600.0


class Queue(Protocol):
    """Where those who want a slot stand."""

    arbiter: Arbiter
    #: Held while the arbiter is asked or told something.
    lock: AbstractContextManager[object]

    def enter(self, wish: SlotWish, go: Callable[[], None], now: float) -> None:
        """Put somebody into the queue; ``go`` is called when he may go."""

    def leave(self, wish: SlotWish) -> None:
        """Take somebody out of the queue, who need not be in it."""

    def settle(self, now: float) -> None:
        """Let those go who may go now."""


class OwnQueue:
    """
    A queue in which nobody else stands and for which nobody looks at Kling's list.

    :param arbiter: who decides.
    """

    def __init__(self, arbiter: Arbiter) -> None:
        self.arbiter = arbiter
        self.lock: AbstractContextManager[object] = contextlib.nullcontext()
        self._go: dict[SlotWish, Callable[[], None]] = {}

    def enter(self, wish: SlotWish, go: Callable[[], None], now: float) -> None:
        """Put somebody into the queue."""
        self._go[wish] = go
        self.arbiter.arrive(wish, now)

    def leave(self, wish: SlotWish) -> None:
        """Take somebody out of the queue."""
        self._go.pop(wish, None)
        self.arbiter.withdraw(wish)

    def settle(self, now: float) -> None:
        """Let those go who may go now."""
        for wish in self.arbiter.admit(now):
            self._go.pop(wish)()


class BatchSlots:
    """
    One batch among those who want a slot.

    :param queue: where they stand.
    :param name: of the batch.
    :param wake: called, from any thread, when the batch may submit one more.
    """

    def __init__(self, queue: Queue, name: str, wake: Callable[[], None] = lambda: None) -> None:
        self._queue = queue
        self._name = name
        self._wake = wake
        self._numbers = itertools.count(1)
        self._wish: SlotWish | None = None
        # Wishes, by name, that may go; one is as good as another. And with which one an item has gone.
        self._granted: list[str] = []
        self._sent: dict[str, str] = {}
        self._most = 0
        self._left_until = self._leave_next = 0.0
        self._leave_every = LEFT_EVERY
        self._was_left = False

    def may_submit(self, key: str, in_flight: int, now: float) -> bool:
        """
        Return whether one more may be submitted; it is, then.

        :param key: the item.
        :param in_flight: how many of the batch hold a slot, or may.
        :param now: epoch seconds.
        """
        if self._leaves_one(in_flight, now):
            self.withdraw()
            return False
        if self._queue.arbiter.ceiling is None:
            return True
        if not self._granted:
            if self._wish is None:
                self._ask(now)
            self._queue.settle(now)
        if self._granted:
            self._sent[key] = self._granted.pop()
            return True
        return False

    def withdraw(self) -> None:
        """There is nothing to submit now."""
        wish, self._wish = self._wish, None
        if wish:
            self._queue.leave(wish)
        with self._queue.lock:
            while self._granted:
                self._queue.arbiter.settled(self._granted.pop())

    def accepted(self, key: str, task: Task, in_flight: int, now: float) -> None:
        """
        Kling took a submission.

        :param key: the item.
        :param task: as Kling reports it.
        :param in_flight: how many of the batch hold a slot now.
        :param now: epoch seconds.
        """
        self._leave_next = self._leave_next or now + LEFT_EVERY
        self._most = max(self._most, in_flight)
        if self._was_left and now >= self._left_until and in_flight >= self._most:
            # It was still there.
            self._was_left = False
            self._leave_every = min(2 * self._leave_every, LEFT_SELDOM)
            self._leave_next = now + self._leave_every
        with self._queue.lock:
            self._queue.arbiter.accepted(self._sent.pop(key, None), task, now)

    def refused(self, key: str, running: int, now: float) -> None:
        """
        Kling had no slot (1303).

        :param key: the item.
        :param running: how many of the batch run.
        :param now: epoch seconds.
        """
        if self._was_left and now >= self._left_until:
            # Somebody took it.
            self._was_left, self._leave_every = False, LEFT_EVERY
            self._leave_next = now + LEFT_EVERY
        self._most = running
        with self._queue.lock:
            self._queue.arbiter.refused(self._sent.pop(key, ""), now, now, running=running)

    def unsettled(self, key: str) -> None:
        """A submission came back with another answer, or with none."""
        if name := self._sent.pop(key, None):
            with self._queue.lock:
                self._queue.arbiter.settled(name)

    def ended(self, task: Task, now: float) -> None:
        """
        A task of the batch ended.

        :param task: as Kling reports it.
        :param now: epoch seconds.
        """
        with self._queue.lock:
            self._queue.arbiter.ended(task, now, surely=False)

    def next_time(self) -> float:
        """Until when a slot is left to others, epoch seconds."""
        return self._left_until

    def _ask(self, now: float) -> None:
        wish = SlotWish(f"{self._name} {next(self._numbers)}", now)
        self._wish = wish

        def go() -> None:
            self._wish = None
            self._granted.append(wish.name)
            self._wake()

        self._queue.enter(wish, go, now)

    def _leaves_one(self, in_flight: int, now: float) -> bool:
        if in_flight != self._most - 1:
            return False
        if self._leave_next and now >= self._leave_next and not self._was_left:
            self._was_left, self._left_until = True, now + LEFT_FOR
        return now < self._left_until
