"""
The threads in which the API server waits for storage.

Airflow's own pages must go on whatever a storage does. So these threads are not Airflow's, there is a fixed number of
them however long a storage hangs, and one that hangs takes only its own few: a read that is given up goes on in its
thread, and that thread serves nobody else until it ends.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_kling.utils._airflow.object_storage import Place

T = TypeVar("T")

#: Groups of threads; all files of one storage are read by the same group. A manifest can name any number of storages.
GROUPS = 8

#: Threads of one group.
THREADS = 4


class _Group:
    """A few threads that do one thing after the other; they end with the process, also in the middle of a read."""

    def __init__(self) -> None:
        self._work: queue.SimpleQueue[tuple[Future[Any], Callable[..., Any], tuple[Any, ...]]] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._threads = 0

    def submit(self, work: Callable[..., T], *arguments: Any) -> Future[T]:
        """Let a thread do something; what is cancelled before its turn is not begun."""
        future: Future[T] = Future()
        self._work.put((future, work, arguments))
        with self._lock:
            if self._threads < THREADS:
                self._threads += 1
                threading.Thread(target=self._serve, name="kling-storage", daemon=True).start()
        return future

    def _serve(self) -> None:
        while True:
            future, work, arguments = self._work.get()
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(work(*arguments))
                except BaseException as error:  # noqa: BLE001 - it belongs to who asked
                    future.set_exception(error)
            del future, work, arguments  # a piece of a file is not held while nothing is to do


_groups = [_Group() for _ in range(GROUPS)]


async def in_thread(place: Place, seconds: float, work: Callable[..., T], *arguments: Any) -> T:
    """
    Let a thread of a storage do something, for a limited time.

    :param place: which storage.
    :param seconds: how long, the wait for a free thread included.
    :param work: what blocks.
    :param arguments: of it.
    :raises TimeoutError: when it takes too long.
    """
    async with asyncio.timeout(seconds):
        return await asyncio.wrap_future(_group_of(place).submit(work, *arguments))


def _group_of(place: Place) -> _Group:
    return _groups[hash((place.protocol, place.conn_id, place.bucket)) % GROUPS]
