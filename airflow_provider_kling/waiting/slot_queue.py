"""
Waiting for one of the account's slots, outside the worker.

Kling holds a slot from acceptance to the end of a task and answers 1303 when all are taken. Everything in this process
that waits for one of the same account asks one arbiter, whatever the connection is called: tasks that wait for a slot,
and batches. While somebody waits, Kling's list of tasks is read every second or so, for all of them together.

A list that cannot be read, or that hangs, ends no wait: then one tries now and then.
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
from airflow_provider_kling.utils.foreign import reason
from airflow_provider_kling.waiting.account_list import AccountList
from airflow_provider_kling.waiting.arbiter import Arbiter
from airflow_provider_kling.waiting.pace import CONNECTION_SECONDS, SlotPace
from airflow_provider_kling.waiting.threads import Work, in_thread

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from airflow_provider_kling.models import Task
    from airflow_provider_kling.waiting.account_reader import AccountReader
    from airflow_provider_kling.waiting.arbiter import SlotWish

log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class _Waiter:
    """Where somebody waits, and what is called when he may go; it must be safe from every thread."""

    loop: asyncio.AbstractEventLoop
    go: Callable[[], None]


class AccountSlots:
    """
    The slots of one account for one group of products, for all who wait for one in this process.

    :param reader: reads the account's lists.
    :param group: the products, see :attr:`Product.group`.
    """

    #: How often one looks and tries.
    pace: ClassVar[SlotPace] = SlotPace()

    #: The ids of tasks whose end somebody in this process waits for.
    watched: ClassVar[set[str]] = set()

    # They live as long as somebody waits, or a batch works on the account.
    _by_account: ClassVar[weakref.WeakValueDictionary[str, AccountSlots]] = weakref.WeakValueDictionary()
    _by_connection: ClassVar[weakref.WeakValueDictionary[str, AccountSlots]] = weakref.WeakValueDictionary()
    _being_found: ClassVar[
        weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, asyncio.Task[AccountSlots]]]
    ] = weakref.WeakKeyDictionary()

    def __init__(self, reader: AccountReader, group: str) -> None:
        self._reader = reader
        self._list = AccountList(group, random.random, self.pace)
        self._known_since: dict[str, float] = {}
        self._arbiters: dict[str, Arbiter] = {}
        self._waiters: dict[SlotWish, tuple[Arbiter, _Waiter]] = {}
        self.lock = threading.RLock()
        self._runners: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Task[None]] = (
            weakref.WeakKeyDictionary()
        )

    @classmethod
    async def of(cls, kling_conn_id: str, endpoint: str) -> AccountSlots:
        """
        Return the slots of the account that a connection names.

        :param kling_conn_id: the connection. When it cannot be read, those who name it wait by themselves.
        :param endpoint: the product that asks for one.
        """
        name = _name(kling_conn_id, endpoint)
        known = cls._by_connection.get(name)
        # The connection may be another one when the next wait begins.
        if known and known._waiters and time.monotonic() - known._known_since[name] < CONNECTION_SECONDS:
            known._list.ask_for(endpoint)
            return known
        # A thousand may come at once: the connection is read once.
        finding = cls._being_found.setdefault(asyncio.get_running_loop(), {})
        task = finding.get(name)
        if task is None:
            task = asyncio.create_task(cls._find(kling_conn_id, endpoint), context=contextvars.Context())
            finding[name] = task
            task.add_done_callback(lambda _task: finding.pop(name, None))
        found = await asyncio.shield(task)
        found._list.ask_for(endpoint)
        return found

    @classmethod
    async def _find(cls, kling_conn_id: str, endpoint: str) -> AccountSlots:
        # Not above: an operator is parsed with this module, and never comes here.
        from airflow_provider_kling.waiting.account_reader import AccountReader

        reader = AccountReader(kling_conn_id)
        try:
            async with asyncio.timeout(cls.pace.look_timeout):
                account = await in_thread(Work.LOOK, reader.account)
        except Exception as error:  # noqa: BLE001 - whatever it is, the wait goes on
            log.debug("The account of connection %s is not known now: %s", kling_conn_id, reason(error))
            account = f"connection {kling_conn_id}"
        slots = cls._by_account.setdefault(_name(account, endpoint), cls(reader, product_of(endpoint).group))
        name = _name(kling_conn_id, endpoint)
        cls._by_connection[name] = slots
        slots._known_since[name] = time.monotonic()
        return slots

    @classmethod
    def ended(cls, kling_conn_id: str, task: Task) -> None:
        """
        Tell those who wait that a task of this process ended: its slot is free.

        :param kling_conn_id: the connection over which its end was seen.
        :param task: as Kling reports it.
        """
        if slots := cls._by_connection.get(_name(kling_conn_id, task.endpoint)):
            with slots.lock:
                for arbiter in slots._arbiters.values():
                    arbiter.ended(task, time.time(), surely=True)
            slots.settle()

    def arbiter(self, model_name: str) -> Arbiter:
        """
        Return who decides about a model; each has slots of its own.

        :param model_name: Kling's, or nothing when it is not known.
        """
        with self.lock:
            return self._arbiters.setdefault(model_name, Arbiter(random.random, self.pace))

    async def wait(self, wish: SlotWish, *, until: float, model_name: str = "", refused_at: float = 0.0) -> bool:
        """
        Wait until a try is worthwhile.

        :param wish: who waits, and since when.
        :param until: epoch seconds when it gives up.
        :param model_name: what it asks for.
        :param refused_at: epoch seconds when Kling said that there is no slot; 0 when it did not say so.
        :return: whether to try; ``False`` when the time has passed.
        """
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[None] = loop.create_future()
        if refused_at:
            with self.lock:
                self._list.look_at_all()
                self.arbiter(model_name).refused(wish.name, refused_at, time.time())
        self.enter(wish, model_name, lambda: _finish_in(loop, turn))
        try:
            while not turn.done() and (left := until - time.time()) > 0:
                await asyncio.wait([turn], timeout=left)
            return turn.done()
        finally:
            self.leave(wish)

    def enter(self, wish: SlotWish, model_name: str, go: Callable[[], None]) -> None:
        """
        Put somebody into the queue, from the event loop in which he waits.

        :param wish: who waits, and since when.
        :param model_name: what it asks for.
        :param go: called, from any thread, when he may go.
        """
        loop = asyncio.get_running_loop()
        with self.lock:
            arbiter = self.arbiter(model_name)
            arbiter.arrive(wish, time.time())
            if generation_of(model_name) == "new":
                self._list.ask_for_new_generation()
            self._waiters[wish] = (arbiter, _Waiter(loop, go))
            runner = self._runners.get(loop)
            if runner is None or runner.done():
                # A context of its own: the runner must not write into the log of the trigger that happened to start it.
                self._runners[loop] = loop.create_task(self._run(loop), context=contextvars.Context())

    def leave(self, wish: SlotWish) -> None:
        """Take somebody out of the queue, who need not be in it."""
        with self.lock:
            if found := self._waiters.pop(wish, None):
                found[0].withdraw(wish)

    def settle(self) -> None:
        """Let those go who may go now."""
        with self.lock:
            now = time.time()
            gone = [wish for arbiter in self._arbiters.values() for wish in arbiter.admit(now)]
            waiters = [self._waiters.pop(wish)[1] for wish in gone if wish in self._waiters]
        for waiter in waiters:
            waiter.go()

    async def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        """Look and settle, as long as somebody waits in this event loop."""
        looks: set[asyncio.Task[None]] = set()
        try:
            while self._is_needed_in(loop):
                if self._may_look():
                    looks.add(asyncio.create_task(self._look()))
                if looks:
                    _, looks = await asyncio.wait(looks, timeout=self.pace.tick, return_when=asyncio.FIRST_COMPLETED)
                self.settle()
                await asyncio.sleep(min(self.pace.tick, max(0.02, self._list.next_look - time.monotonic())))
        except Exception:
            log.exception("The queue for a slot at Kling broke; those who wait try")
            self._let_all_go(loop)
        finally:
            for look in looks:
                look.cancel()
                self._list.next_look = 0.0

    def _is_needed_in(self, loop: asyncio.AbstractEventLoop) -> bool:
        with self.lock:
            return any(waiter.loop is loop for _, waiter in self._waiters.values())

    def _let_all_go(self, loop: asyncio.AbstractEventLoop) -> None:
        """Without an end of their wait they would wait until their deadline."""
        with self.lock:
            here = {wish: found[1] for wish, found in self._waiters.items() if found[1].loop is loop}
            for wish in here:
                self.leave(wish)
        for waiter in here.values():
            waiter.go()

    def _may_look(self) -> bool:
        with self.lock:
            return self._list.begin(time.monotonic())

    async def _look(self) -> None:
        with self.lock:
            endpoints, count = self._list.worth_a_look(time.monotonic()), self._list.count
        try:
            async with asyncio.timeout(self.pace.look_timeout):
                found = await in_thread(Work.LOOK, self._reader.list_newest, endpoints, count)
        except Exception as error:  # noqa: BLE001 - whatever it is, the wait goes on
            log.debug("The account's tasks cannot be listed: %s", reason(error))
            self._look_failed()
        else:
            self._look_succeeded(found)

    def _look_failed(self) -> None:
        with self.lock:
            self._list.failed(time.monotonic())
            for arbiter in self._arbiters.values():
                arbiter.look_failed()

    def _look_succeeded(self, found: dict[str, list[Task]]) -> None:
        with self.lock:
            tasks = self._list.succeeded(found, time.monotonic())
            for arbiter in self._arbiters.values():
                arbiter.look(tasks, self.watched, time.time())


class ModelQueue:
    """
    The queue for one model, for a batch.

    :param slots: of the account.
    :param model_name: Kling's.
    """

    def __init__(self, slots: AccountSlots, model_name: str) -> None:
        self._slots = slots
        self._model_name = model_name
        self.arbiter = slots.arbiter(model_name)
        self.lock: AbstractContextManager[object] = slots.lock

    def enter(self, wish: SlotWish, go: Callable[[], None], now: float) -> None:
        """Put somebody into the queue; ``go`` is called when he may go, from any thread."""
        self._slots.enter(wish, self._model_name, go)

    def leave(self, wish: SlotWish) -> None:
        """Take somebody out of the queue, who need not be in it."""
        self._slots.leave(wish)

    def settle(self, now: float) -> None:
        """Let those go who may go now."""
        self._slots.settle()


def _name(whose: str, endpoint: str) -> str:
    """What a group's slots are known by."""
    return f"{product_of(endpoint).group} of {whose}"


def _finish_in(loop: asyncio.AbstractEventLoop, turn: asyncio.Future[None]) -> None:
    # The event loop may have ended meanwhile.
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(_finish, turn)


def _finish(turn: asyncio.Future[None]) -> None:
    if not turn.done():
        turn.set_result(None)
