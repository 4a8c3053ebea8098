"""
A batch in the queue for the slots of its account. Pure.

A batch submits freely until Kling refuses a submission (1303). From then on it waits in the queue like all others, with
one request at a time: a single task that has waited longer goes first, and batches take turns.

Waiters in another triggerer only see slots that are free, and a batch uses its own again within a moment. So from time
to time it leaves one of them free for some seconds, less often while nobody uses it.
"""

from __future__ import annotations

import contextlib
import itertools
from typing import TYPE_CHECKING, Protocol

from airflow_provider_kling.waiting.arbiter import SlotRequest

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from airflow_provider_kling.models import Task
    from airflow_provider_kling.waiting.arbiter import Arbiter

#: Seconds for which a slot is left free: enough to see it, to start a worker, and to submit.
LEAVE_FREE_FOR = 12.0

#: Seconds between two times: at first, and at most, when nobody uses the slot.
LEAVE_FREE_EVERY, LEAVE_FREE_EVERY_AT_MOST = 60.0, 600.0


class SlotQueue(Protocol):
    """The queue for the slots of one model."""

    arbiter: Arbiter
    #: Held while the arbiter is called.
    lock: AbstractContextManager[object]

    def enqueue(self, request: SlotRequest, on_granted: Callable[[], None], now: float) -> None:
        """Add a waiter; ``on_granted`` is called when it may submit."""

    def remove(self, request: SlotRequest) -> None:
        """Remove a waiter, if it is there."""

    def admit(self, now: float) -> None:
        """Grant the free slots."""


class PrivateQueue:
    """
    A queue for one batch alone, without reads of Kling's list.

    :param arbiter: grants the slots.
    """

    def __init__(self, arbiter: Arbiter) -> None:
        self.arbiter = arbiter
        self.lock: AbstractContextManager[object] = contextlib.nullcontext()
        self._on_granted: dict[SlotRequest, Callable[[], None]] = {}

    def enqueue(self, request: SlotRequest, on_granted: Callable[[], None], now: float) -> None:
        """Add a waiter."""
        self._on_granted[request] = on_granted
        self.arbiter.enqueue(request, now)

    def remove(self, request: SlotRequest) -> None:
        """Remove a waiter."""
        self._on_granted.pop(request, None)
        self.arbiter.remove(request)

    def admit(self, now: float) -> None:
        """Grant the free slots."""
        for request in self.arbiter.admit(now):
            self._on_granted.pop(request)()


class BatchSlots:
    """
    One batch in the queue of a model.

    :param queue: the queue.
    :param name: of the batch.
    :param on_granted: called, from any thread, when the batch may submit one more.
    """

    def __init__(self, queue: SlotQueue, name: str, on_granted: Callable[[], None] = lambda: None) -> None:
        self._queue = queue
        self._name = name
        self._on_granted = on_granted
        self._numbers = itertools.count(1)
        self._request: SlotRequest | None = None
        # Names of granted requests that no item uses yet; and of the one that each item was sent with.
        self._granted: list[str] = []
        self._grant_of_item: dict[str, str] = {}
        self._max_in_flight = 0
        self._slot_free_until = self._next_leave = 0.0
        self._leave_every = LEAVE_FREE_EVERY
        self._is_slot_left = False

    def may_submit(self, key: str, in_flight: int, now: float) -> bool:
        """
        Return whether one more may be submitted; the caller then submits it.

        :param key: the item.
        :param in_flight: how many tasks of the batch hold a slot, or may.
        :param now: epoch seconds.
        """
        if self._leaves_slot_free(in_flight, now):
            self.leave_queue()
            return False
        if self._queue.arbiter.ceiling is None:
            return True
        if not self._granted:
            if self._request is None:
                self._enqueue(now)
            self._queue.admit(now)
        if self._granted:
            self._grant_of_item[key] = self._granted.pop()
            return True
        return False

    def leave_queue(self) -> None:
        """Leave the queue: there is nothing to submit now."""
        request, self._request = self._request, None
        if request:
            self._queue.remove(request)
        with self._queue.lock:
            while self._granted:
                self._queue.arbiter.discard_grant(self._granted.pop())

    def accepted(self, key: str, task: Task, in_flight: int, now: float) -> None:
        """
        Kling accepted a submission.

        :param key: the item.
        :param task: as Kling reports it.
        :param in_flight: how many tasks of the batch hold a slot now.
        :param now: epoch seconds.
        """
        self._next_leave = self._next_leave or now + LEAVE_FREE_EVERY
        self._max_in_flight = max(self._max_in_flight, in_flight)
        if self._is_slot_left and now >= self._slot_free_until and in_flight >= self._max_in_flight:
            # Nobody used the free slot.
            self._is_slot_left = False
            self._leave_every = min(2 * self._leave_every, LEAVE_FREE_EVERY_AT_MOST)
            self._next_leave = now + self._leave_every
        with self._queue.lock:
            self._queue.arbiter.accepted(self._grant_of_item.pop(key, None), task, now)

    def refused(self, key: str, running: int, now: float) -> None:
        """
        Kling had no slot (1303).

        :param key: the item.
        :param running: how many tasks of the batch run.
        :param now: epoch seconds.
        """
        if self._is_slot_left and now >= self._slot_free_until:
            # Somebody used the free slot.
            self._is_slot_left, self._leave_every = False, LEAVE_FREE_EVERY
            self._next_leave = now + LEAVE_FREE_EVERY
        self._max_in_flight = running
        with self._queue.lock:
            self._queue.arbiter.refused(self._grant_of_item.pop(key, ""), now, now, running=running)

    def not_accepted(self, key: str) -> None:
        """A submission ended with another response, or with none."""
        if name := self._grant_of_item.pop(key, None):
            with self._queue.lock:
                self._queue.arbiter.discard_grant(name)

    def ended(self, task: Task, now: float) -> None:
        """
        A task of the batch ended.

        :param task: as Kling reports it.
        :param now: epoch seconds.
        """
        with self._queue.lock:
            self._queue.arbiter.ended(task, now, had_slot=False)

    def next_time(self) -> float:
        """Until when a slot is left free, epoch seconds."""
        return self._slot_free_until

    def _enqueue(self, now: float) -> None:
        request = SlotRequest(f"{self._name} {next(self._numbers)}", now)
        self._request = request

        def on_granted() -> None:
            self._request = None
            self._granted.append(request.name)
            self._on_granted()

        self._queue.enqueue(request, on_granted, now)

    def _leaves_slot_free(self, in_flight: int, now: float) -> bool:
        if in_flight != self._max_in_flight - 1:
            return False
        if self._next_leave and now >= self._next_leave and not self._is_slot_left:
            self._is_slot_left, self._slot_free_until = True, now + LEAVE_FREE_FOR
        return now < self._slot_free_until
