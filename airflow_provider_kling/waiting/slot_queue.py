"""
Waiting for a slot of an account, outside the worker.

A task holds a slot from its acceptance to its end, and Kling returns 1303 when all are taken. All waiters of this
process for slots of one account stand in one queue, whatever their connections are called: tasks that wait for a slot,
and batches. While somebody waits, Kling's list of tasks is read about every second, for all of them together.

A list that cannot be read, or that hangs, ends no wait: then waiters probe from time to time.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import dataclasses
import logging
import random
import threading
import time
import weakref
from typing import TYPE_CHECKING, ClassVar

from airflow_provider_kling.products.capability_map import generation_of
from airflow_provider_kling.products.catalogue import product_of
from airflow_provider_kling.utils.untrusted import reason
from airflow_provider_kling.waiting.account_list import AccountList
from airflow_provider_kling.waiting.arbiter import Arbiter
from airflow_provider_kling.waiting.pace import CONNECTION_SECONDS, SlotPace
from airflow_provider_kling.waiting.threads import Work, in_thread

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from airflow_provider_kling.models import Task
    from airflow_provider_kling.waiting.account_reader import AccountReader
    from airflow_provider_kling.waiting.arbiter import SlotRequest

log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class _Waiter:
    """The event loop of a waiter, and what is called when it may submit; it must be safe to call from every thread."""

    loop: asyncio.AbstractEventLoop
    on_granted: Callable[[], None]


class AccountSlots:
    """
    The slots of one account for one group of products, and all waiters of this process for one.

    :param reader: reads the account's lists.
    :param group: the products, see :attr:`Product.group`.
    """

    #: How often the list is read, and probes are made.
    pace: ClassVar[SlotPace] = SlotPace()

    #: The ids of tasks whose end this process waits for.
    watched: ClassVar[set[str]] = set()

    # They live as long as a task waits, or a batch works on the account.
    _by_account: ClassVar[weakref.WeakValueDictionary[str, AccountSlots]] = weakref.WeakValueDictionary()
    _by_connection: ClassVar[weakref.WeakValueDictionary[str, AccountSlots]] = weakref.WeakValueDictionary()
    _pending_lookups: ClassVar[
        weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, asyncio.Task[AccountSlots]]]
    ] = weakref.WeakKeyDictionary()

    def __init__(self, reader: AccountReader, group: str) -> None:
        self._reader = reader
        self._list = AccountList(group, random.random, self.pace)
        self._connection_read_at: dict[str, float] = {}
        self._arbiters: dict[str, Arbiter] = {}
        self._waiters: dict[SlotRequest, tuple[Arbiter, _Waiter]] = {}
        self.lock = threading.RLock()
        self._runners: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Task[None]] = (
            weakref.WeakKeyDictionary()
        )

    @classmethod
    async def of(cls, kling_conn_id: str, endpoint: str) -> AccountSlots:
        """
        Return the slots of the account that a connection names.

        :param kling_conn_id: the connection. When it cannot be read, its waiters have a queue of their own.
        :param endpoint: the product that needs a slot.
        """
        name = _key_of(kling_conn_id, endpoint)
        known = cls._by_connection.get(name)
        # Between two waits somebody may edit the connection.
        if known and known._waiters and time.monotonic() - known._connection_read_at[name] < CONNECTION_SECONDS:
            known._list.want(endpoint)
            return known
        # A thousand tasks may call this at once: the connection is read once.
        pending = cls._pending_lookups.setdefault(asyncio.get_running_loop(), {})
        task = pending.get(name)
        if task is None:
            task = asyncio.create_task(cls._look_up(kling_conn_id, endpoint), context=contextvars.Context())
            pending[name] = task
            task.add_done_callback(lambda _task: pending.pop(name, None))
        found = await asyncio.shield(task)
        found._list.want(endpoint)
        return found

    @classmethod
    async def _look_up(cls, kling_conn_id: str, endpoint: str) -> AccountSlots:
        # Imported here, because operators import this module when a Dag is parsed.
        from airflow_provider_kling.waiting.account_reader import AccountReader

        reader = AccountReader(kling_conn_id)
        try:
            async with asyncio.timeout(cls.pace.read_timeout):
                account = await in_thread(Work.READ, reader.account)
        except Exception as error:  # noqa: BLE001 - whatever it is, the wait goes on
            log.debug("The account of connection %s is not known now: %s", kling_conn_id, reason(error))
            account = f"connection {kling_conn_id}"
        slots = cls._by_account.setdefault(_key_of(account, endpoint), cls(reader, product_of(endpoint).group))
        name = _key_of(kling_conn_id, endpoint)
        cls._by_connection[name] = slots
        slots._connection_read_at[name] = time.monotonic()
        return slots

    @classmethod
    def ended(cls, kling_conn_id: str, task: Task) -> None:
        """
        Tell the queue that a task of this process ended: its slot is free.

        :param kling_conn_id: the connection over which its end was seen.
        :param task: as Kling reports it.
        """
        if slots := cls._by_connection.get(_key_of(kling_conn_id, task.endpoint)):
            with slots.lock:
                for arbiter in slots._arbiters.values():
                    arbiter.ended(task, time.time(), had_slot=True)
            slots.admit()

    def arbiter(self, model_name: str) -> Arbiter:
        """
        Return the arbiter of a model; each model has slots of its own.

        :param model_name: Kling's, or nothing when it is not known.
        """
        with self.lock:
            return self._arbiters.setdefault(model_name, Arbiter(random.random, self.pace))

    async def wait(self, request: SlotRequest, *, until: float, model_name: str = "", refused_at: float = 0.0) -> bool:
        """
        Wait until the task may submit.

        :param request: the waiter.
        :param until: epoch seconds when it gives up.
        :param model_name: the model that it needs a slot for.
        :param refused_at: epoch seconds when Kling said that there is no slot; 0 when it did not say so.
        :return: whether to submit; ``False`` when the time has passed.
        """
        loop = asyncio.get_running_loop()
        granted: asyncio.Future[None] = loop.create_future()
        with self.lock:
            if refused_at:
                self._list.read_all_next()
                self.arbiter(model_name).refused(request.name, refused_at, time.time())
            else:
                self.arbiter(model_name).throttled(request.name, time.time())
        self.enqueue(request, model_name, lambda: _resolve_threadsafe(loop, granted))
        try:
            while not granted.done() and (left := until - time.time()) > 0:
                await asyncio.wait([granted], timeout=left)
            return granted.done()
        finally:
            self.remove(request)

    def enqueue(self, request: SlotRequest, model_name: str, on_granted: Callable[[], None]) -> None:
        """
        Add a waiter to the queue; call it in the waiter's event loop.

        :param request: the waiter.
        :param model_name: the model that it needs a slot for.
        :param on_granted: called, from any thread, when it may submit.
        """
        loop = asyncio.get_running_loop()
        with self.lock:
            arbiter = self.arbiter(model_name)
            arbiter.enqueue(request, time.time())
            if generation_of(model_name) == "v2":
                self._list.want_v2()
            self._waiters[request] = (arbiter, _Waiter(loop, on_granted))
            runner = self._runners.get(loop)
            if runner is None or runner.done():
                # A context of its own: the runner must not write into the log of the trigger that happened to start it.
                self._runners[loop] = loop.create_task(self._run(loop), context=contextvars.Context())

    def remove(self, request: SlotRequest) -> None:
        """Remove a waiter from the queue, if it is there."""
        with self.lock:
            if found := self._waiters.pop(request, None):
                found[0].remove(request)

    def admit(self) -> None:
        """Grant the free slots."""
        with self.lock:
            now = time.time()
            admitted = [request for arbiter in self._arbiters.values() for request in arbiter.admit(now)]
            waiters = [self._waiters.pop(request)[1] for request in admitted if request in self._waiters]
        for waiter in waiters:
            waiter.on_granted()

    async def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        """Read the list and grant slots, as long as somebody waits in this event loop."""
        reads: set[asyncio.Task[None]] = set()
        try:
            while self._has_waiters_in(loop):
                if self._may_read_list():
                    reads.add(asyncio.create_task(self._read_list()))
                if reads:
                    _, reads = await asyncio.wait(reads, timeout=self.pace.tick, return_when=asyncio.FIRST_COMPLETED)
                self.admit()
                await asyncio.sleep(min(self.pace.tick, max(0.02, self._list.next_read - time.monotonic())))
        except Exception:
            log.exception("The queue for a slot at Kling broke; all waiting tasks submit now")
            self._release_all_waiters(loop)
        finally:
            for read in reads:
                read.cancel()
                self._list.next_read = 0.0

    def _has_waiters_in(self, loop: asyncio.AbstractEventLoop) -> bool:
        with self.lock:
            return any(waiter.loop is loop for _, waiter in self._waiters.values())

    def _release_all_waiters(self, loop: asyncio.AbstractEventLoop) -> None:
        """Let all waiters submit: without a runner they would wait until their deadline."""
        with self.lock:
            here = {request: found[1] for request, found in self._waiters.items() if found[1].loop is loop}
            for request in here:
                self.remove(request)
        for waiter in here.values():
            waiter.on_granted()

    def _may_read_list(self) -> bool:
        with self.lock:
            return self._list.start_read(time.monotonic())

    async def _read_list(self) -> None:
        with self.lock:
            endpoints, count = self._list.endpoints_to_read(time.monotonic()), self._list.count
        try:
            async with asyncio.timeout(self.pace.read_timeout):
                found = await in_thread(Work.READ, self._reader.list_newest, endpoints, count)
        except Exception as error:  # noqa: BLE001 - whatever it is, the wait goes on
            log.debug("The account's tasks cannot be listed: %s", reason(error))
            self._on_list_failed()
        else:
            self._on_list_read(found)

    def _on_list_failed(self) -> None:
        with self.lock:
            self._list.on_failed(time.monotonic())
            for arbiter in self._arbiters.values():
                arbiter.on_list_failed()

    def _on_list_read(self, found: dict[str, list[Task]]) -> None:
        with self.lock:
            tasks = self._list.on_read(found, time.monotonic())
            for arbiter in self._arbiters.values():
                arbiter.on_list_read(tasks, self.watched, time.time())


class ModelQueue:
    """
    The queue of one model, as a batch uses it.

    :param slots: of the account.
    :param model_name: Kling's.
    """

    def __init__(self, slots: AccountSlots, model_name: str) -> None:
        self._slots = slots
        self._model_name = model_name
        self.arbiter = slots.arbiter(model_name)
        self.lock: AbstractContextManager[object] = slots.lock

    def enqueue(self, request: SlotRequest, on_granted: Callable[[], None], now: float) -> None:
        """Add a waiter; ``on_granted`` is called, from any thread, when it may submit."""
        self._slots.enqueue(request, self._model_name, on_granted)

    def remove(self, request: SlotRequest) -> None:
        """Remove a waiter from the queue, if it is there."""
        self._slots.remove(request)

    def admit(self, now: float) -> None:
        """Grant the free slots."""
        self._slots.admit()


def _key_of(owner: str, endpoint: str) -> str:
    """The key of the slots of one group of products."""
    return f"{product_of(endpoint).group} of {owner}"


def _resolve_threadsafe(loop: asyncio.AbstractEventLoop, granted: asyncio.Future[None]) -> None:
    # The event loop may have ended meanwhile.
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(_resolve, granted)


def _resolve(granted: asyncio.Future[None]) -> None:
    if not granted.done():
        granted.set_result(None)
