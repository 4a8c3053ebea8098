"""
One poller for all tasks that wait on one connection inside a triggerer.

A thousand deferred tasks are a thousand small records here, one asyncio task and a few threads at most. When a poll
is due, all tasks that are nearly due are read in the same sweep, with as few requests as Kling allows.
:mod:`airflow_provider_kling.polling` decides what a response means.

A sweep may hang. So each sweep is an asyncio task, two of them may overlap, and a wait ends at its deadline whatever
its sweep does.
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
from airflow_provider_kling.utils.untrusted import reason
from airflow_provider_kling.waiting.account_reader import AccountReader
from airflow_provider_kling.waiting.pace import SweepPace
from airflow_provider_kling.waiting.poll_schedule import PollSchedule
from airflow_provider_kling.waiting.slot_queue import AccountSlots
from airflow_provider_kling.waiting.threads import Work, in_thread

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from airflow_provider_kling.api.task_ref import TaskRef
    from airflow_provider_kling.models import Task

log = logging.getLogger(__name__)

#: Fraction of ``poll_interval`` by which a task may be read early, so that one request serves many.
JOIN_SHARE = 0.5

#: Sweeps of one connection at once; when they hang, further reads wait for them.
MAX_SWEEPS = 2

#: Threads that one connection may hold; the rest is for other connections.
MAX_READS = 4

#: Results that are applied before other coroutines run: each may resume a trigger.
RESULTS_PER_SLICE = 25


@dataclasses.dataclass(eq=False, slots=True)
class _Watch:
    ref: TaskRef
    poll_decision: polling.PollDecision
    outcome: asyncio.Future[tuple[polling.Event, Task | None]]
    #: So that log lines about this wait go into the log of its own trigger.
    context: contextvars.Context
    #: The sweep that reads it.
    sweep: object = None
    problem: str = ""
    timer: asyncio.TimerHandle | None = None


class SharedPoller:
    """
    All waits on one connection in one event loop.

    :param kling_conn_id: the connection.
    """

    #: How often tasks are read.
    pace: ClassVar[SweepPace] = SweepPace()

    _instances: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, SharedPoller]] = (
        weakref.WeakKeyDictionary()
    )

    def __init__(self, kling_conn_id: str) -> None:
        self._kling_conn_id = kling_conn_id
        self._reader = AccountReader(kling_conn_id)
        self._watches: set[_Watch] = set()
        #: The waits that no sweep reads now.
        self._schedule: PollSchedule[_Watch] = PollSchedule()
        self._changed = asyncio.Event()
        #: Until when the runner sleeps; a later poll need not wake it.
        self._sleeps_until = math.inf
        self._runner: asyncio.Task[None] | None = None
        self._sweeps: set[asyncio.Task[None]] = set()
        self._reads = asyncio.Semaphore(MAX_READS)
        self._applied = 0

    @classmethod
    def of(cls, kling_conn_id: str) -> SharedPoller:
        """Return the poller of this connection in the running event loop."""
        pollers = cls._instances.setdefault(asyncio.get_running_loop(), {})
        if kling_conn_id not in pollers:
            pollers[kling_conn_id] = cls(kling_conn_id)
        return pollers[kling_conn_id]

    async def wait(
        self, ref: TaskRef, poll_decision: polling.PollDecision, *, first_read: float
    ) -> tuple[polling.Event, Task | None]:
        """
        Wait until a task has ended, its time has passed, or it cannot be read.

        Cancelling the call takes the task out of the sweeps.

        :param ref: the task.
        :param poll_decision: decides what each response means.
        :param first_look: epoch seconds.
        :return: how the wait ended, and the task as it was read last.
        """
        outcome: asyncio.Future[tuple[polling.Event, Task | None]] = asyncio.get_running_loop().create_future()
        watch = _Watch(ref, poll_decision, outcome, contextvars.copy_context())
        self._watches.add(watch)
        AccountSlots.watched.add(ref.task_id)
        self._plan_read(watch, first_read)
        if self._runner is None or self._runner.done():
            # A context of its own: the runner must not write into the log of the trigger that happened to start it.
            self._runner = asyncio.create_task(self._run(), context=contextvars.Context())
        try:
            self._check_deadline(watch)
            return await outcome
        finally:
            if watch.timer is not None:
                watch.timer.cancel()
            self._watches.discard(watch)
            AccountSlots.watched.discard(ref.task_id)
            self._schedule.discard(watch)
            if not self._watches:
                self._changed.set()
                # Somebody may edit the connection before the next wait begins.
                self._reader.invalidate()

    def _check_deadline(self, watch: _Watch) -> None:
        """End a wait at its deadline, or check again later. A timer costs less than a coroutine for each wait."""
        if watch.outcome.done():
            return
        now = time.time()
        # The first read may move it.
        left = watch.poll_decision.deadline(now=now) - now
        if left < -self.pace.last_read:
            watch.outcome.set_result((watch.poll_decision.on_deadline(), None))
            return
        later = asyncio.get_running_loop().call_later
        watch.timer = later(left + self.pace.last_read + 0.01, self._check_deadline, watch, context=watch.context)

    def _plan_read(self, watch: _Watch, due: float) -> None:
        """Schedule the next read of a wait, and wake the runner if it would sleep longer."""
        self._schedule.put(watch, due=due, join=due - JOIN_SHARE * watch.poll_decision.poll_interval)
        if due < self._sleeps_until:
            self._changed.set()

    async def _run(self) -> None:
        try:
            while self._watches:
                await self._sleep_until(self._next_due())
                due = self._due(time.time())
                if due:
                    self._start_sweep(due)
                    await asyncio.sleep(self.pace.min_gap)
        except Exception as error:  # noqa: BLE001 - a bug here must reach each waiting task, or it waits for ever
            for watch in self._watches:
                if not watch.outcome.done():
                    watch.outcome.set_exception(error)

    def _next_due(self) -> float | None:
        return None if len(self._sweeps) >= MAX_SWEEPS else self._schedule.next_due()

    async def _sleep_until(self, when: float | None) -> None:
        """Sleep, but wake when a poll is due earlier, when the last wait ended, or when a sweep ends."""
        self._changed.clear()
        # While no further sweep can begin, no poll wakes the runner.
        without_due = -math.inf if len(self._sweeps) >= MAX_SWEEPS else math.inf
        self._sleeps_until = without_due if when is None else when
        # Not wait_for: in Python 3.11 it can lose a cancellation that meets the event.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(None if when is None else max(0.0, when - time.time())):
                await self._changed.wait()

    def _due(self, now: float) -> list[_Watch]:
        return [] if len(self._sweeps) >= MAX_SWEEPS else self._schedule.pop_due(now)

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
            by_task.setdefault(watch.ref, []).append(watch)
        try:
            await self._read(by_task)
            problem: KlingError = KlingConnectionError("Kling's response did not hold it")
        except Exception as error:  # noqa: BLE001 - a sweep that breaks ends no wait
            problem = _sweep_error(error)
        await self._apply([watch for watch in due if watch.sweep is token], problem)

    async def _read(self, by_task: dict[TaskRef, list[_Watch]]) -> None:
        began = time.monotonic()
        # requests blocks; in a thread it does not stop the other triggers.
        async with self._reads:
            results, singles = await in_thread(Work.READ, self._reader.read_together, list(by_task), began)
        for ref, result in results.items():
            await self._apply(by_task[ref], result)
        # MAX_READS coroutines take one after the other: an asyncio task for each read would be too many.
        queue = iter(singles)
        await asyncio.gather(*(self._read_singles(queue, by_task, began) for _ in range(min(MAX_READS, len(singles)))))

    async def _read_singles(self, queue: Iterator[TaskRef], by_task: dict[TaskRef, list[_Watch]], began: float) -> None:
        for single in queue:
            await self._read_single(single, by_task[single], began)

    async def _read_single(self, ref: TaskRef, watches: Sequence[_Watch], began: float) -> None:
        try:
            async with self._reads:
                if all(watch.outcome.done() for watch in watches):
                    return
                result = await in_thread(Work.READ, self._reader.read_single, ref, began)
        except Exception as error:  # noqa: BLE001 - as above
            result = _sweep_error(error)
        await self._apply(watches, result)

    async def _apply(self, watches: Sequence[_Watch], result: Task | KlingError) -> None:
        for watch in watches:
            self._applied += 1
            if self._applied % RESULTS_PER_SLICE == 0:
                await asyncio.sleep(0)
            watch.sweep = None
            if watch.outcome.done():
                continue
            try:
                self._decide(watch, result)
            except Exception as error:  # noqa: BLE001 - a bug about one task ends its wait only
                watch.outcome.set_exception(error)

    def _decide(self, watch: _Watch, result: Task | KlingError) -> None:
        now = time.time()
        if isinstance(result, KlingError):
            decision, task = watch.poll_decision.on_error(result, now=now), None
            watch.context.run(_warn_once, watch, result)
        else:
            decision, task = watch.poll_decision.on_task(result, now=now), result
            watch.problem = ""
        if isinstance(decision, polling.Event):
            watch.outcome.set_result((decision, task))
            self._watches.discard(watch)
            if task is not None and task.status.is_terminal:
                AccountSlots.ended(self._kling_conn_id, task)
        elif watch in self._watches:
            self._plan_read(watch, now + decision.seconds)


def _warn_once(watch: _Watch, error: KlingError) -> None:
    """Warn once about each problem of a wait; the wait goes on."""
    # The lines after the first differ each time: they hold the request_id, for example.
    problem = error.message.partition("\n")[0]
    level = logging.DEBUG if watch.problem == problem else logging.WARNING
    watch.problem = problem
    log.log(level, "Kling task %s cannot be read, the wait goes on: %s", watch.ref.task_id, error.message)


def _sweep_error(error: Exception) -> KlingConnectionError:
    return KlingConnectionError(f"The status check at Kling broke, it is repeated: {reason(error)}")
