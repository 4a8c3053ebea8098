"""
The threads in which the API server waits for storage.

A storage that hangs must not block Airflow's own pages. So these threads are not Airflow's, their number is fixed, and
each storage uses one group of them: a read that has timed out keeps its thread until it ends, and a storage that hangs
blocks only its own group.
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
    """A few threads with one queue; as daemons they end with the process, even in the middle of a read."""

    def __init__(self) -> None:
        self._work: queue.SimpleQueue[tuple[Future[Any], Callable[..., Any], tuple[Any, ...]]] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._threads = 0

    def submit(self, work: Callable[..., T], *arguments: Any) -> Future[T]:
        """Queue a call for a thread; a call that is cancelled before its turn is not started."""
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
            del future, work, arguments  # while the thread is idle, it must not keep a chunk of a file in memory


_groups = [_Group() for _ in range(GROUPS)]


async def in_thread(place: Place, seconds: float, work: Callable[..., T], *arguments: Any) -> T:
    """
    Call a function in a thread of a storage, with a timeout.

    :param place: which storage.
    :param seconds: the timeout, including the wait for a free thread.
    :param work: the function, which may block.
    :param arguments: its arguments.
    :raises TimeoutError: when it takes too long.
    """
    async with asyncio.timeout(seconds):
        return await asyncio.wrap_future(_group_of(place).submit(work, *arguments))


def _group_of(place: Place) -> _Group:
    return _groups[hash((place.protocol, place.conn_id, place.bucket)) % GROUPS]
