"""
Who of those who wait for a slot of one account may go now. Pure: clock, chance and Kling's list are arguments.

Kling says only that all slots are taken (1303), not how many there are. Its list of tasks, which is free, shows those
that run, whoever submitted them: as many as ran when it answered 1303 is the ceiling, what runs below it is free. One
waiter goes for one free slot, the longest wait first, whether a single task waits or a batch.

Several triggerers see the same list and cannot talk, so each of them first takes the slots that tasks left which it
watched itself. One that somebody else's task left is his for a while; nobody stays for it, then others may go.
"""

from __future__ import annotations

import bisect
import dataclasses
import itertools
from typing import TYPE_CHECKING

from airflow_provider_kling.waiting.pace import SlotPace
from airflow_provider_kling.waiting.tries import Tries

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from airflow_provider_kling.models import Task

#: The weight of one measurement of the time from the moment in which one may go until its task is seen.
WEIGHT = 0.2

#: Which share of the slots that are left to others they take, as long as nothing was seen, and the weight of one that
#: they took or did not take. Below a half they are not waited for.
OTHERS, OTHERS_WEIGHT = 0.6, 0.3


@dataclasses.dataclass(eq=False)
class SlotWish:
    """
    One that waits for a slot.

    :param name: its ``external_task_id``, by which its task is known in the list.
    :param since: epoch seconds when it first found no slot; decides its place.
    :param ready_at: epoch seconds before which it cannot go.
    """

    name: str
    since: float
    ready_at: float = 0.0
    #: Its place among those who wait since the same moment.
    number: int = 0

    @property
    def place(self) -> tuple[float, int]:
        """What the queue is sorted by."""
        return self.since, self.number


@dataclasses.dataclass(frozen=True)
class _Slot:
    """A slot that is free: since when, and whether a task that is watched here had it."""

    since: float
    ours: bool


@dataclasses.dataclass(frozen=True)
class _Going:
    """One who was let go, for a slot or to try; and whether the slot was left to others before, who did not take it."""

    at: float
    slot: _Slot | None
    left_over: bool


class Arbiter:
    """
    What is known of the slots of one account for one model, and those who wait for one.

    :param jitter: returns a number in [0, 1); ``random.random`` outside tests.
    :param pace: how often tries are made, and how long what was seen is believed.
    """

    def __init__(self, jitter: Callable[[], float], pace: SlotPace | None = None) -> None:
        self._pace = pace or SlotPace()
        self._tries = Tries(jitter, self._pace)
        self._wishes: list[SlotWish] = []
        self._arrivals = itertools.count(1)
        #: How many tasks the account runs at most, as far as it is known; ``None`` before the first refusal.
        self.ceiling: int | None = None
        self._counts: list[int] = []
        self._refused_at = 0.0
        # By external id, or Kling's: whether it is watched here.
        self._running: dict[str, bool] = {}
        # What is known better than the list that was asked for before.
        self._accepted: dict[str, float] = {}
        self._ended: dict[str, float] = {}
        self._free: list[_Slot] = []
        self._going: dict[str, _Going] = {}
        self._sees, self._looked_at = False, 0.0
        self._others = OTHERS
        self._handover = self._pace.handover

    # ------------------------------------------------------------------ those who wait

    def arrive(self, wish: SlotWish, now: float) -> None:
        """Put somebody into the queue."""
        if not self._wishes:
            self._tries.begin(now)
        wish.number = next(self._arrivals)
        # Older versions of the package did not say it.
        wish.name = wish.name or f"number {wish.number}"
        bisect.insort(self._wishes, wish, key=lambda other: other.place)

    def withdraw(self, wish: SlotWish) -> None:
        """Take somebody out of the queue, who need not be in it."""
        index = bisect.bisect_left(self._wishes, wish.place, key=lambda other: other.place)
        if index < len(self._wishes) and self._wishes[index] is wish:
            del self._wishes[index]

    @property
    def waiting(self) -> int:
        """How many wait."""
        return len(self._wishes)

    @property
    def grace(self) -> float:
        """Seconds for which a slot is left to the triggerer whose task had it, which sees it a moment later."""
        return 1.2 * self._handover + 1.5

    def admit(self, now: float) -> list[SlotWish]:
        """
        Return those who may go now; they have left the queue.

        :param now: epoch seconds.
        """
        self._going = {name: going for name, going in self._going.items() if now - going.at < self._pace.lost}
        ready = (wish for wish in self._wishes if wish.ready_at <= now)
        # One more than there can be slots, to know whether anybody is left over.
        chosen = list(itertools.islice(ready, len(self._free) + 1))
        slots = self._usable(len(chosen), now)
        chosen = chosen[: len(slots)]
        for wish, slot in zip(chosen, slots, strict=False):
            left_over = slot is not None and not slot.ours and now - slot.since >= self.grace
            self._going[wish.name] = _Going(now, slot, left_over)
        if chosen:
            gone, taken = set(map(id, chosen)), set(map(id, slots[: len(chosen)]))
            self._wishes = [wish for wish in self._wishes if id(wish) not in gone]
            self._free = [slot for slot in self._free if id(slot) not in taken]
        return chosen

    def _usable(self, ready: int, now: float) -> list[_Slot | None]:
        """What may be gone for; ``None`` is a try without a slot in sight."""
        if not ready:
            return []
        fresh = self._pace.fresh
        since = 0.0 if not self._sees or now - self._looked_at < fresh else now - fresh
        ours = [slot for slot in self._free if slot.ours and slot.since >= since]
        if self._tries.is_held(now):
            return [] if self._tries.is_doubtful else [*ours]
        if not self._sees:
            return [*ours] or ([None] if self._tries.blind(now) else [])
        if since:
            return [*ours]
        others = [slot for slot in self._free if not slot.ours]
        # When few wait here and much is free, those who wait elsewhere find enough, too.
        enough = self._others < 0.5 or 2 * (ready - len(ours)) <= len(others)
        left = [slot for slot in others if enough or now - slot.since >= self.grace]
        if not ours and not left and others and self._tries.overtake(now):
            left = others[:1]
        return [*ours, *left] or ([None] if self._tries.rare(now) else [])

    # ------------------------------------------------------------------ what is learned

    def refused(self, name: str, at: float, now: float, *, running: int = 0) -> None:
        """
        Kling answered somebody that all slots are taken (1303).

        :param name: who it was, whether it was let go here or not.
        :param at: epoch seconds of the answer.
        :param now: epoch seconds.
        :param running: how many tasks are known to run otherwise.
        """
        if self._going.pop(name, None):
            self._others_took(1.0)
            self._tries.refused(now)
        self._refused_at = max(self._refused_at, at)
        # What was free before that is free no more.
        self._free = [slot for slot in self._free if slot.since > at]
        if not self._sees or self.ceiling is None:
            self.ceiling = max(len(self._running), running)

    def accepted(self, name: str | None, task: Task, now: float) -> None:
        """
        Kling accepted the task of somebody in this process.

        :param name: who was let go; ``None`` when nobody had to ask.
        :param task: as Kling reports it.
        :param now: epoch seconds.
        """
        going, key = self._going.pop(name, None) if name else None, _key(task)
        self._running[key] = True
        _note(self._accepted, key, now)
        if going and not going.slot:
            self._tries.found_unseen(now)
        self._succeeded(going)
        if self.ceiling is not None and not self._sees:
            self.ceiling = max(self.ceiling, len(self._running))

    def settled(self, name: str) -> None:
        """Somebody who was let go does not submit, or it is not known what came of it."""
        self._going.pop(name, None)

    def ended(self, task: Task, now: float, *, surely: bool) -> None:
        """
        A task of this process ended, which is known before the list shows it.

        :param task: as Kling reports it.
        :param now: epoch seconds.
        :param surely: whether it had a slot although it is not known here.
        """
        known = self._running.pop(_key(task), None) is not None
        self._accepted.pop(_key(task), None)
        if known:
            _note(self._ended, _key(task), now)
            self._forget_old(now)
        if not self._wishes and self.ceiling is None:
            # Nobody asks for slots, and nobody would take these away.
            return
        if known or (surely and not self._sees and len(self._free) < len(self._wishes)):
            self._free.append(_Slot(now, ours=True))

    def look_failed(self) -> None:
        """The list cannot be read; tries without it begin."""
        self._sees = False
        self._free = [slot for slot in self._free if slot.ours]

    def look(self, tasks: Sequence[Task], watched: Collection[str], now: float) -> None:
        """
        Take over what the list shows.

        :param tasks: of all products, those that run and those that ended last.
        :param watched: the ids of tasks whose end is waited for in this process.
        :param now: epoch seconds.
        """
        running: dict[str, bool] = {}
        for task in tasks:
            key = _key(task)
            if not task.status.is_terminal and key not in self._ended:
                ours = task.task_id in watched or task.external_task_id in watched
                running[key] = ours or self._running.get(key, False)
            self._accepted.pop(key, None)
            self._arrived(key, task, now)
        listed = len(running)
        self._forget_old(now)
        running.update(dict.fromkeys(self._accepted, True))
        self._free += [_Slot(now, ours) for key, ours in self._running.items() if key not in running]
        self._running, self._looked_at = running, now
        self._learn(tasks, listed)
        self._sees = bool(self.ceiling)
        if self._sees:
            self._balance(now)

    def _forget_old(self, now: float) -> None:
        """Of what the list shows by now. A batch that meets no refusal has no list read, and runs for hours."""
        for known in (self._accepted, self._ended):
            # They stand in the order of their times.
            while known and now - known[oldest := next(iter(known))] >= self._pace.list_lag:
                del known[oldest]

    def _arrived(self, key: str, task: Task, now: float) -> None:
        going = self._going.get(key)
        # An earlier attempt may have failed under the same id.
        if going and (not task.status.is_terminal or task.created_at / 1000 > going.at):
            del self._going[key]
            self._handover += WEIGHT * (now - going.at - self._handover)
            self._succeeded(going)

    def _succeeded(self, going: _Going | None) -> None:
        self._tries.accepted()
        if going and going.left_over:
            self._others_took(0.0)
        elif going:
            self._tries.overtaken(going.at)

    def _learn(self, tasks: Sequence[Task], running: int) -> None:
        if self._refused_at:
            ran = sum(_ran_at(task, self._refused_at * 1000) for task in tasks)
            # Two, because Kling's clock is not quite ours.
            self._counts = [*self._counts[-1:], ran]
            self.ceiling, self._refused_at = max(self._counts), 0.0
        if self.ceiling is not None:
            # As many have slots, surely.
            self.ceiling = max(self.ceiling, running)

    def _balance(self, now: float) -> None:
        """Bring the free slots in line with their number."""
        assert self.ceiling is not None
        patience = max(self._pace.on_the_way, 3 * self._handover)
        on_the_way = sum(now - going.at < patience for going in self._going.values())
        count = max(0, self.ceiling - len(self._running) - on_the_way)
        surplus = len(self._free) - count
        if surplus > 0:
            # What others left is taken by others first.
            free = sorted(self._free, key=lambda slot: (slot.ours, slot.since))
            for _ in itertools.takewhile(lambda slot: not slot.ours, free[:surplus]):
                self._others_took(1.0)
            self._free = free[surplus:]
        else:
            self._free += [_Slot(now, ours=False) for _ in range(-surplus)]

    def _others_took(self, one: float) -> None:
        self._others += OTHERS_WEIGHT * (one - self._others)


def _note(known: dict[str, float], key: str, now: float) -> None:
    """Note something at the end, also of what stands there already: the order is that of the times."""
    known.pop(key, None)
    known[key] = now


def _key(task: Task) -> str:
    return task.external_task_id or task.task_id


def _ran_at(task: Task, moment: float) -> bool:
    """Whether a task held a slot at a moment, epoch milliseconds, by Kling's clock."""
    return task.created_at <= moment and (not task.status.is_terminal or task.updated_at > moment)
