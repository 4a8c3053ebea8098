"""
One poller for all tasks that wait on one connection inside a triggerer.

A thousand deferred tasks are a thousand small records here, one asyncio task, one thread at a time and one socket. When
something is due, everything that is nearly due is read in the same sweep, with as few requests as Kling allows; what an
answer means is :mod:`airflow_provider_kling.polling`'s to say.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import dataclasses
import logging
import time
import weakref
from typing import TYPE_CHECKING

from airflow_provider_kling import polling
from airflow_provider_kling._airflow.compat import AirflowNotFoundException
from airflow_provider_kling.exceptions import (
    KlingAuthenticationError,
    KlingConfigurationError,
    KlingConnectionError,
    KlingError,
)
from airflow_provider_kling.hooks import KlingHook
from airflow_provider_kling.slots import SlotQueue
from airflow_provider_kling.threads import Work, in_thread

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_kling.models import Task
    from airflow_provider_kling.sweep import Waiting

log = logging.getLogger(__name__)

#: A task joins a sweep when its own look is due within this share of its interval; the same request answers for it.
JOIN_SHARE = 0.5

#: Seconds between two sweeps at least, so that tasks that become due one after the other are read together.
MIN_GAP = 0.5


@dataclasses.dataclass(eq=False)
class _Watch:
    waiting: Waiting
    poller: polling.Poller
    next_look: float
    outcome: asyncio.Future[tuple[polling.Event, Task | None]]


class SharedPoller:
    """
    Everything that waits on one connection in one event loop.

    :param kling_conn_id: the connection.
    """

    _instances: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, SharedPoller]] = (
        weakref.WeakKeyDictionary()
    )

    def __init__(self, kling_conn_id: str) -> None:
        self._kling_conn_id = kling_conn_id
        self._hook: KlingHook | None = None
        self._watches: set[_Watch] = set()
        #: Those who wait for a slot of this account.
        self.slots = SlotQueue()
        self._changed = asyncio.Event()
        self._runner: asyncio.Task[None] | None = None

    @classmethod
    def of(cls, kling_conn_id: str) -> SharedPoller:
        """Return the poller of this connection in the running event loop."""
        pollers = cls._instances.setdefault(asyncio.get_running_loop(), {})
        return pollers.setdefault(kling_conn_id, cls(kling_conn_id))

    async def wait(
        self, waiting: Waiting, poller: polling.Poller, *, first_look: float
    ) -> tuple[polling.Event, Task | None]:
        """
        Wait until a task has ended, its time has passed, or it cannot be read.

        Cancelling the call takes the task out of the sweeps.

        :param waiting: the task.
        :param poller: decides what each look means.
        :param first_look: epoch seconds.
        :return: how the wait ended, and the task as it was read last.
        """
        watch = _Watch(waiting, poller, first_look, asyncio.get_running_loop().create_future())
        self._watches.add(watch)
        self._changed.set()
        if self._runner is None or self._runner.done():
            # A context of its own: the runner must not write into the log of the trigger that happened to start it.
            self._runner = asyncio.create_task(self._run(), context=contextvars.Context())
        try:
            return await watch.outcome
        finally:
            self._watches.discard(watch)
            self._changed.set()

    async def _run(self) -> None:
        try:
            while self._watches:
                await self._sleep_until(min(watch.next_look for watch in self._watches))
                due = self._due(time.time())
                if due:
                    await self._sweep(due)
                    await asyncio.sleep(MIN_GAP)
        except Exception as error:  # noqa: BLE001 - a bug here must reach each waiting task, or they wait for ever
            for watch in self._watches:
                if not watch.outcome.done():
                    watch.outcome.set_exception(error)

    async def _sleep_until(self, when: float) -> None:
        """Sleep, but wake when a task comes or goes: it may be due earlier, or have been the last."""
        self._changed.clear()
        # Not wait_for: in Python 3.11 it can lose a cancellation that meets the event.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, when - time.time())):
                await self._changed.wait()

    def _due(self, now: float) -> list[_Watch]:
        if not any(watch.next_look <= now for watch in self._watches):
            return []
        return [watch for watch in self._watches if watch.next_look <= now + JOIN_SHARE * watch.poller.poll_interval]

    async def _sweep(self, due: Sequence[_Watch]) -> None:
        # requests blocks; in a thread it does not stop the other triggers.
        results = await in_thread(Work.LOOK, self._read, [watch.waiting for watch in due])
        problems = {result.message for result in results.values() if isinstance(result, KlingError)}
        for problem in problems:
            log.warning("Status check on connection %s: %s", self._kling_conn_id, problem)
        for watch in due:
            self._conclude(watch, results[watch.waiting])

    def _read(self, waiting: Sequence[Waiting]) -> dict[Waiting, Task | KlingError]:
        try:
            self._hook = self._hook or KlingHook(self._kling_conn_id)
            results = self._hook.get_tasks(list(dict.fromkeys(waiting)))
        except KlingError as error:
            self._hook = None
            return dict.fromkeys(waiting, error)
        except AirflowNotFoundException as error:
            return dict.fromkeys(waiting, KlingConfigurationError(str(error)))
        except Exception as error:  # noqa: BLE001 - Airflow's API may be restarting; the tasks at Kling run on
            problem = KlingConnectionError(f"The connection {self._kling_conn_id} cannot be read now: {error}")
            return dict.fromkeys(waiting, problem)
        if any(isinstance(result, KlingAuthenticationError) for result in results.values()):
            # The key may have been rotated: read the connection again before the next sweep.
            self._hook = None
        return results

    def _conclude(self, watch: _Watch, result: Task | KlingError) -> None:
        if watch.outcome.done():
            return
        now = time.time()
        if isinstance(result, KlingError):
            decision, task = watch.poller.on_error(result, now=now), None
        else:
            decision, task = watch.poller.on_task(result, now=now), result
        if isinstance(decision, polling.Event):
            watch.outcome.set_result((decision, task))
            self._watches.discard(watch)
            if decision.status in ("success", "failed"):
                self.slots.release()
        else:
            watch.next_look = now + decision.seconds
