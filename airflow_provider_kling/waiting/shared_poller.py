"""
One poller for all tasks that wait on one connection inside a triggerer.

A thousand deferred tasks are a thousand small records here, one asyncio task and a few threads at most. When something
is due, everything that is nearly due is read in the same sweep, with as few requests as Kling allows; what an answer
means is :mod:`airflow_provider_kling.polling`'s to say.

A sweep may hang. It is therefore a task of its own, a few of them may overlap, and a wait ends at its deadline
whatever its sweep does.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import dataclasses
import logging
import math
import time
import weakref
from typing import TYPE_CHECKING, ClassVar

from airflow_provider_kling import polling
from airflow_provider_kling.exceptions import KlingConnectionError, KlingError
from airflow_provider_kling.utils.foreign import reason
from airflow_provider_kling.waiting.account_reader import AccountReader
from airflow_provider_kling.waiting.agenda import Agenda
from airflow_provider_kling.waiting.pace import SweepPace
from airflow_provider_kling.waiting.slot_queue import AccountSlots
from airflow_provider_kling.waiting.threads import Work, in_thread

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from airflow_provider_kling.api.read_plan import TaskRef
    from airflow_provider_kling.models import Task

log = logging.getLogger(__name__)

#: A task joins a sweep when its own look is due within this share of its interval; the same request answers for it.
JOIN_SHARE = 0.5

#: How many sweeps of one connection may be under way; when they hang, further looks wait for them.
MAX_SWEEPS = 2

#: How many threads one connection may hold; the rest is for others.
MAX_READS = 4

#: Waits that a sweep ends, at most, before the event loop's others have their turn: each of them goes on at once.
SLICE = 25


@dataclasses.dataclass(eq=False, slots=True)
class _Watch:
    waiting: TaskRef
    poller: polling.PollDecision
    outcome: asyncio.Future[tuple[polling.Event, Task | None]]
    #: What is said about this wait goes into the log of its own trigger.
    context: contextvars.Context
    #: The sweep that looks at it.
    sweep: object = None
    problem: str = ""
    timer: asyncio.TimerHandle | None = None


class SharedPoller:
    """
    Everything that waits on one connection in one event loop.

    :param kling_conn_id: the connection.
    """

    #: How often one looks.
    pace: ClassVar[SweepPace] = SweepPace()

    _instances: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, SharedPoller]] = (
        weakref.WeakKeyDictionary()
    )

    def __init__(self, kling_conn_id: str) -> None:
        self._kling_conn_id = kling_conn_id
        self._reader = AccountReader(kling_conn_id)
        self._watches: set[_Watch] = set()
        #: Those whom no sweep looks at now.
        self._agenda: Agenda[_Watch] = Agenda()
        self._changed = asyncio.Event()
        #: Until when the runner sleeps; who comes with a later look need not wake it.
        self._sleeps_until = math.inf
        self._runner: asyncio.Task[None] | None = None
        self._sweeps: set[asyncio.Task[None]] = set()
        self._reads = asyncio.Semaphore(MAX_READS)
        self._concluded = 0

    @classmethod
    def of(cls, kling_conn_id: str) -> SharedPoller:
        """Return the poller of this connection in the running event loop."""
        pollers = cls._instances.setdefault(asyncio.get_running_loop(), {})
        if kling_conn_id not in pollers:
            pollers[kling_conn_id] = cls(kling_conn_id)
        return pollers[kling_conn_id]

    async def wait(
        self, waiting: TaskRef, poller: polling.PollDecision, *, first_look: float
    ) -> tuple[polling.Event, Task | None]:
        """
        Wait until a task has ended, its time has passed, or it cannot be read.

        Cancelling the call takes the task out of the sweeps.

        :param waiting: the task.
        :param poller: decides what each look means.
        :param first_look: epoch seconds.
        :return: how the wait ended, and the task as it was read last.
        """
        outcome: asyncio.Future[tuple[polling.Event, Task | None]] = asyncio.get_running_loop().create_future()
        watch = _Watch(waiting, poller, outcome, contextvars.copy_context())
        self._watches.add(watch)
        AccountSlots.watched.add(waiting.task_id)
        self._expect(watch, first_look)
        if self._runner is None or self._runner.done():
            # A context of its own: the runner must not write into the log of the trigger that happened to start it.
            self._runner = asyncio.create_task(self._run(), context=contextvars.Context())
        try:
            self._watch_the_time(watch)
            return await outcome
        finally:
            if watch.timer is not None:
                watch.timer.cancel()
            self._watches.discard(watch)
            AccountSlots.watched.discard(waiting.task_id)
            self._agenda.discard(watch)
            if not self._watches:
                self._changed.set()
                # The connection may be another one when the next wait begins.
                self._reader.forget()

    def _watch_the_time(self, watch: _Watch) -> None:
        """End a wait at its deadline. A timer: ten thousand waits are not to be ten thousand more coroutines."""
        if watch.outcome.done():
            return
        now = time.time()
        # Known better after the first look.
        left = watch.poller.deadline(now=now) - now
        if left < -self.pace.last_look:
            watch.outcome.set_result((watch.poller.on_deadline(), None))
            return
        later = asyncio.get_running_loop().call_later
        watch.timer = later(left + self.pace.last_look + 0.01, self._watch_the_time, watch, context=watch.context)

    def _expect(self, watch: _Watch, look: float) -> None:
        """Put a wait into the agenda; the runner wakes only for a look that is earlier than what it sleeps for."""
        self._agenda.put(watch, look=look, join=look - JOIN_SHARE * watch.poller.poll_interval)
        if look < self._sleeps_until:
            self._changed.set()

    async def _run(self) -> None:
        try:
            while self._watches:
                await self._sleep_until(self._next_look())
                due = self._due(time.time())
                if due:
                    self._start_sweep(due)
                    await asyncio.sleep(self.pace.min_gap)
        except Exception as error:  # noqa: BLE001 - a bug here must reach each waiting task, or they wait for ever
            for watch in self._watches:
                if not watch.outcome.done():
                    watch.outcome.set_exception(error)

    def _next_look(self) -> float | None:
        return None if len(self._sweeps) >= MAX_SWEEPS else self._agenda.next_look()

    async def _sleep_until(self, when: float | None) -> None:
        """Sleep, but wake when something is due earlier, the last has left, or a sweep ends."""
        self._changed.clear()
        # While no further sweep can begin, nobody's look is early enough.
        nobody = -math.inf if len(self._sweeps) >= MAX_SWEEPS else math.inf
        self._sleeps_until = nobody if when is None else when
        # Not wait_for: in Python 3.11 it can lose a cancellation that meets the event.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(None if when is None else max(0.0, when - time.time())):
                await self._changed.wait()

    def _due(self, now: float) -> list[_Watch]:
        return [] if len(self._sweeps) >= MAX_SWEEPS else self._agenda.take(now)

    def _start_sweep(self, due: Sequence[_Watch]) -> None:
        sweep = asyncio.create_task(self._sweep(due))
        self._sweeps.add(sweep)
        sweep.add_done_callback(self._end_sweep)

    def _end_sweep(self, sweep: asyncio.Task[None]) -> None:
        self._sweeps.discard(sweep)
        self._changed.set()

    async def _sweep(self, due: Sequence[_Watch]) -> None:
        token = object()
        by_task: dict[TaskRef, list[_Watch]] = {}
        for watch in due:
            watch.sweep = token
            by_task.setdefault(watch.waiting, []).append(watch)
        try:
            await self._look(by_task)
            problem: KlingError = KlingConnectionError("Kling's answer did not hold it")
        except Exception as error:  # noqa: BLE001 - one sweep that breaks ends no wait
            problem = _broken(error)
        await self._conclude([watch for watch in due if watch.sweep is token], problem)

    async def _look(self, by_task: dict[TaskRef, list[_Watch]]) -> None:
        began = time.monotonic()
        # requests blocks; in a thread it does not stop the other triggers.
        async with self._reads:
            results, singles = await in_thread(Work.LOOK, self._reader.read_together, list(by_task), began)
        for waiting, result in results.items():
            await self._conclude(by_task[waiting], result)
        # As many as may read at once take one after the other: an asyncio task for each would all start together.
        queue = iter(singles)
        await asyncio.gather(*(self._read_singles(queue, by_task, began) for _ in range(min(MAX_READS, len(singles)))))

    async def _read_singles(self, queue: Iterator[TaskRef], by_task: dict[TaskRef, list[_Watch]], began: float) -> None:
        for single in queue:
            await self._read_single(single, by_task[single], began)

    async def _read_single(self, waiting: TaskRef, watches: Sequence[_Watch], began: float) -> None:
        try:
            async with self._reads:
                if all(watch.outcome.done() for watch in watches):
                    return
                result = await in_thread(Work.LOOK, self._reader.read_single, waiting, began)
        except Exception as error:  # noqa: BLE001 - as above
            result = _broken(error)
        await self._conclude(watches, result)

    async def _conclude(self, watches: Sequence[_Watch], result: Task | KlingError) -> None:
        for watch in watches:
            self._concluded += 1
            if self._concluded % SLICE == 0:
                await asyncio.sleep(0)
            watch.sweep = None
            if watch.outcome.done():
                continue
            try:
                self._decide(watch, result)
            except Exception as error:  # noqa: BLE001 - what cannot be decided about one task ends that wait alone
                watch.outcome.set_exception(error)

    def _decide(self, watch: _Watch, result: Task | KlingError) -> None:
        now = time.time()
        if isinstance(result, KlingError):
            decision, task = watch.poller.on_error(result, now=now), None
            watch.context.run(_tell, watch, result)
        else:
            decision, task = watch.poller.on_task(result, now=now), result
            watch.problem = ""
        if isinstance(decision, polling.Event):
            watch.outcome.set_result((decision, task))
            self._watches.discard(watch)
            if task is not None and task.status.is_terminal:
                AccountSlots.ended(self._kling_conn_id, task)
        elif watch in self._watches:
            self._expect(watch, now + decision.seconds)


def _tell(watch: _Watch, error: KlingError) -> None:
    """Warn once about each problem of a wait; it goes on."""
    # The lines after the first hold what is another one each time, such as the request_id.
    problem = error.message.partition("\n")[0]
    level = logging.DEBUG if watch.problem == problem else logging.WARNING
    watch.problem = problem
    log.log(level, "Kling task %s cannot be read, the wait goes on: %s", watch.waiting.task_id, error.message)


def _broken(error: Exception) -> KlingConnectionError:
    return KlingConnectionError(f"The look at Kling broke, it is repeated: {reason(error)}")
