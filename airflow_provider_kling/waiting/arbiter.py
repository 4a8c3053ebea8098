"""
Which of the waiters for a slot of one account may submit now. Pure: clock, jitter and Kling's list are arguments.

Kling says only that all slots are taken (1303), not how many there are. Its list of tasks, which is free to read, shows
the running tasks of the account, whoever submitted them. The number that ran when Kling returned 1303 is the ceiling;
when fewer run, slots are free. Each free slot is granted to one waiter, the longest wait first, whether a single task
waits or a batch.

Several triggerers see the same list and cannot talk to each other. So each of them first uses the slots that its own
tasks left. A slot that a task of another triggerer left is left to that triggerer for a while (``grace``); when it is
still free then, any triggerer may use it.
"""

from __future__ import annotations

import bisect
import dataclasses
import itertools
from typing import TYPE_CHECKING

from airflow_provider_kling.waiting.pace import SlotPace
from airflow_provider_kling.waiting.probes import Probes

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from airflow_provider_kling.models import Task

#: The weight of one measurement of the time from a grant until its task is seen.
HANDOVER_WEIGHT = 0.2

#: The share of the slots left to other triggerers that these use: before any was measured, and the weight of one slot.
#: Below a half, slots are not left to them.
INITIAL_OTHERS_SHARE, OTHERS_SHARE_WEIGHT = 0.6, 0.3


@dataclasses.dataclass(eq=False)
class SlotRequest:
    """
    A waiter for a slot.

    :param name: its ``external_task_id``, by which its task is known in the list.
    :param since: epoch seconds when it first found no slot; decides its place in the queue.
    :param ready_at: epoch seconds before which it cannot submit.
    """

    name: str
    since: float
    ready_at: float = 0.0
    #: Decides between waiters since the same moment.
    number: int = 0

    @property
    def sort_key(self) -> tuple[float, int]:
        """The queue is sorted by this."""
        return self.since, self.number


@dataclasses.dataclass(frozen=True)
class _FreeSlot:
    """A free slot: since when, and whether a task of this process had it."""

    since: float
    is_ours: bool


@dataclasses.dataclass(frozen=True)
class _Grant:
    """The permission to submit: for which slot (``None`` is a probe), and whether that was left to others in vain."""

    granted_at: float
    slot: _FreeSlot | None
    was_left_to_others: bool


class Arbiter:
    """
    The slots of one account for one model, and the queue of those who wait for one.

    :param jitter: returns a number in [0, 1); ``random.random`` outside tests.
    :param pace: how often probes are made, and how long the list is believed.
    """

    def __init__(self, jitter: Callable[[], float], pace: SlotPace | None = None) -> None:
        self._pace = pace or SlotPace()
        self._probes = Probes(jitter, self._pace)
        self._requests: list[SlotRequest] = []
        self._arrivals = itertools.count(1)
        #: How many tasks the account runs at most, as far as it is known; ``None`` before the first refusal.
        self.ceiling: int | None = None
        self._counts: list[int] = []
        self._refused_at = 0.0
        # By external id, or Kling's: whether this process waits for its end.
        self._running: dict[str, bool] = {}
        # By the same key, when a task was accepted or ended: the list may not show it yet.
        self._accepted: dict[str, float] = {}
        self._ended: dict[str, float] = {}
        self._free: list[_FreeSlot] = []
        self._grants: dict[str, _Grant] = {}
        self._is_list_usable, self._list_read_at = False, 0.0
        self._others_share = INITIAL_OTHERS_SHARE
        self._handover = self._pace.handover

    # ------------------------------------------------------------------ the queue

    def enqueue(self, request: SlotRequest, now: float) -> None:
        """Add a waiter to the queue."""
        if not self._requests:
            self._probes.start(now)
        request.number = next(self._arrivals)
        # Triggers of older versions of the package have no name.
        request.name = request.name or f"number {request.number}"
        bisect.insort(self._requests, request, key=lambda other: other.sort_key)

    def remove(self, request: SlotRequest) -> None:
        """Remove a waiter from the queue, if it is there."""
        index = bisect.bisect_left(self._requests, request.sort_key, key=lambda other: other.sort_key)
        if index < len(self._requests) and self._requests[index] is request:
            del self._requests[index]

    @property
    def waiting(self) -> int:
        """The number of waiters."""
        return len(self._requests)

    @property
    def grace(self) -> float:
        """Seconds for which a slot is left to the triggerer whose task had it: its list is read a moment later."""
        return 1.2 * self._handover + 1.5

    def admit(self, now: float) -> list[SlotRequest]:
        """
        Remove from the queue and return the waiters that may submit now.

        :param now: epoch seconds.
        """
        self._grants = {
            name: grant for name, grant in self._grants.items() if now - grant.granted_at < self._pace.grant_lifetime
        }
        ready = (request for request in self._requests if request.ready_at <= now)
        # One more than there are free slots, to know whether a waiter stays without one.
        chosen = list(itertools.islice(ready, len(self._free) + 1))
        slots = self._grantable_slots(len(chosen), now)
        chosen = chosen[: len(slots)]
        for request, slot in zip(chosen, slots, strict=False):
            was_left_to_others = slot is not None and not slot.is_ours and now - slot.since >= self.grace
            self._grants[request.name] = _Grant(now, slot, was_left_to_others)
        if chosen:
            gone, taken = set(map(id, chosen)), set(map(id, slots[: len(chosen)]))
            self._requests = [request for request in self._requests if id(request) not in gone]
            self._free = [slot for slot in self._free if id(slot) not in taken]
        return chosen

    def _grantable_slots(self, ready: int, now: float) -> list[_FreeSlot | None]:
        """Return the slots that may be granted now; ``None`` is a probe without a slot."""
        if not ready:
            return []
        list_max_age = self._pace.list_max_age
        since = 0.0 if not self._is_list_usable or now - self._list_read_at < list_max_age else now - list_max_age
        ours = [slot for slot in self._free if slot.is_ours and slot.since >= since]
        if self._probes.is_backing_off(now):
            return [] if self._probes.is_refused_repeatedly else [*ours]
        if not self._is_list_usable:
            return [*ours] or ([None] if self._probes.may_probe_without_list(now) else [])
        if since:
            return [*ours]
        others = [slot for slot in self._free if not slot.is_ours]
        # With few waiters and many free slots here, the other triggerers find enough slots, too.
        enough = self._others_share < 0.5 or 2 * (ready - len(ours)) <= len(others)
        left = [slot for slot in others if enough or now - slot.since >= self.grace]
        if not ours and not left and others and self._probes.may_take_from_others(now):
            left = others[:1]
        return [*ours, *left] or ([None] if self._probes.may_probe_despite_list(now) else [])

    # ------------------------------------------------------------------ what is learned

    def refused(self, name: str, at: float, now: float, *, running: int = 0) -> None:
        """
        Kling returned that all slots are taken (1303).

        :param name: of the waiter, whether it had a grant or not.
        :param at: epoch seconds of the response.
        :param now: epoch seconds.
        :param running: how many tasks the caller knows to run.
        """
        if self._grants.pop(name, None):
            self._update_others_share(1.0)
            self._probes.on_refused(now)
        if now - at > self._pace.refusal_max_age:
            # A triggerer that was restarted hears of refusals of hours ago; the list no longer shows what ran then.
            return
        self._refused_at = max(self._refused_at, at)
        # Slots that were free before are taken.
        self._free = [slot for slot in self._free if slot.since > at]
        if not self._is_list_usable or self.ceiling is None:
            self.ceiling = max(len(self._running), running)

    def throttled(self, name: str, now: float) -> None:
        """
        Kling returned that requests come too fast (1302), which says nothing about slots.

        :param name: of the waiter; it has used its grant, if it had one.
        :param now: epoch seconds.
        """
        if self._grants.pop(name, None):
            self._probes.on_refused(now)

    def accepted(self, name: str | None, task: Task, now: float) -> None:
        """
        Kling accepted a task of this process.

        :param name: of the waiter; ``None`` when it needed no grant.
        :param task: as Kling reports it.
        :param now: epoch seconds.
        """
        grant, key = self._grants.pop(name, None) if name else None, _key(task)
        self._running[key] = True
        _set_time(self._accepted, key, now)
        if grant and not grant.slot:
            self._probes.on_unlisted_slot(now)
        self._on_accepted(grant)
        if self.ceiling is not None and not self._is_list_usable:
            self.ceiling = max(self.ceiling, len(self._running))

    def discard_grant(self, name: str) -> None:
        """A waiter does not use its grant, or the result of its submission is not known."""
        self._grants.pop(name, None)

    def ended(self, task: Task, now: float, *, had_slot: bool) -> None:
        """
        A task of this process ended; the list may show it later.

        :param task: as Kling reports it.
        :param now: epoch seconds.
        :param had_slot: whether it had a slot even if this arbiter does not know the task.
        """
        known = self._running.pop(_key(task), None) is not None
        self._accepted.pop(_key(task), None)
        if known:
            _set_time(self._ended, _key(task), now)
            self._drop_expired(now)
        if not self._requests and self.ceiling is None:
            # There is no queue, and free slots would pile up here.
            return
        if known or (had_slot and not self._is_list_usable and len(self._free) < len(self._requests)):
            self._free.append(_FreeSlot(now, is_ours=True))

    def on_list_failed(self) -> None:
        """The list cannot be read; waiters probe instead."""
        self._is_list_usable = False
        self._free = [slot for slot in self._free if slot.is_ours]

    def on_list_read(self, tasks: Sequence[Task], watched: Collection[str], now: float) -> None:
        """
        Update the slots from Kling's list.

        :param tasks: of all products, the running ones and those that ended last.
        :param watched: the ids of tasks whose end is waited for in this process.
        :param now: epoch seconds.
        """
        running: dict[str, bool] = {}
        for task in tasks:
            key = _key(task)
            if not task.status.is_terminal and key not in self._ended:
                is_ours = task.task_id in watched or task.external_task_id in watched
                running[key] = is_ours or self._running.get(key, False)
            self._accepted.pop(key, None)
            self._match_grant(key, task, now)
        listed = len(running)
        self._drop_expired(now)
        running.update(dict.fromkeys(self._accepted, True))
        self._free += [_FreeSlot(now, is_ours) for key, is_ours in self._running.items() if key not in running]
        self._running, self._list_read_at = running, now
        self._update_ceiling(tasks, listed)
        self._is_list_usable = bool(self.ceiling)
        if self._is_list_usable:
            self._adjust_free_slots(now)

    def _drop_expired(self, now: float) -> None:
        """Drop what the list shows by now. In a batch without a refusal no list is read, and it runs for hours."""
        for known in (self._accepted, self._ended):
            # Each is in the order of its times.
            while known and now - known[oldest := next(iter(known))] >= self._pace.list_lag:
                del known[oldest]

    def _match_grant(self, key: str, task: Task, now: float) -> None:
        grant = self._grants.get(key)
        # An earlier attempt may have failed under the same id.
        if grant and (not task.status.is_terminal or task.created_at / 1000 > grant.granted_at):
            del self._grants[key]
            self._handover += HANDOVER_WEIGHT * (now - grant.granted_at - self._handover)
            self._on_accepted(grant)

    def _on_accepted(self, grant: _Grant | None) -> None:
        self._probes.on_accepted()
        if grant and grant.was_left_to_others:
            self._update_others_share(0.0)
        elif grant:
            self._probes.on_taken_from_others(grant.granted_at)

    def _update_ceiling(self, tasks: Sequence[Task], running: int) -> None:
        if self._refused_at:
            ran = sum(_ran_at(task, self._refused_at * 1000) for task in tasks)
            # The larger of the last two, because Kling's clock differs a little from ours.
            self._counts = [*self._counts[-1:], ran]
            self.ceiling, self._refused_at = max(self._counts), 0.0
        if self.ceiling is not None:
            # That many certainly have slots.
            self.ceiling = max(self.ceiling, running)

    def _adjust_free_slots(self, now: float) -> None:
        """Add or remove free slots until there are as many as the ceiling leaves."""
        assert self.ceiling is not None
        counts_for = max(self._pace.pending_grant, 3 * self._handover)
        pending = sum(now - grant.granted_at < counts_for for grant in self._grants.values())
        count = max(0, self.ceiling - len(self._running) - pending)
        surplus = len(self._free) - count
        if surplus > 0:
            # Those that tasks of other triggerers left go first.
            free = sorted(self._free, key=lambda slot: (slot.is_ours, slot.since))
            for _ in itertools.takewhile(lambda slot: not slot.is_ours, free[:surplus]):
                self._update_others_share(1.0)
            self._free = free[surplus:]
        else:
            self._free += [_FreeSlot(now, is_ours=False) for _ in range(-surplus)]

    def _update_others_share(self, used: float) -> None:
        self._others_share += OTHERS_SHARE_WEIGHT * (used - self._others_share)


def _set_time(known: dict[str, float], key: str, now: float) -> None:
    """Set a time and move the key to the end, so that the order is that of the times."""
    known.pop(key, None)
    known[key] = now


def _key(task: Task) -> str:
    return task.external_task_id or task.task_id


def _ran_at(task: Task, moment: float) -> bool:
    """Whether a task held a slot at a moment, epoch milliseconds, by Kling's clock."""
    return task.created_at <= moment and (not task.status.is_terminal or task.updated_at > moment)
