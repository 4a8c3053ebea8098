"""Threads of triggers: they may block, and a bounded number of them serves the whole process."""

from __future__ import annotations

import functools
from concurrent.futures import ThreadPoolExecutor
from enum import Enum
from typing import TYPE_CHECKING, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

_P = ParamSpec("_P")
_R = TypeVar("_R")


class Work(Enum):
    """
    The thread pools.

    They do not wait for each other: a copy that takes minutes must not delay a status check, whose task may be at its
    deadline. None is the event loop's own executor, which belongs to the triggers of all providers.
    """

    #: Reads at Kling.
    READ = "read"
    #: Submissions.
    SUBMIT = "submit"
    #: Copies of results to storage.
    STORE = "store"
    #: Calls of Airflow, and files: states, XComs, plans, manifests.
    REPORT = "report"


#: Threads of each pool in one process, at most. One connection uses four for its reads.
MAX_THREADS = {Work.READ: 32, Work.SUBMIT: 16, Work.STORE: 16, Work.REPORT: 4}


@functools.cache
def _executor(work: Work) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(MAX_THREADS[work], thread_name_prefix=f"kling-{work.value}")


async def in_thread(work: Work, function: Callable[_P, _R], *args: _P.args, **kwargs: _P.kwargs) -> _R:
    """
    Run a blocking function in a thread; the event loop belongs to all triggers.

    Not ``asyncio.to_thread``: before Airflow 3.2, reading a connection in such a thread mixes up the answers of
    Airflow's API and ends the whole triggerer. asgiref's threads know their event loop.

    :param work: the thread pool.
    :param function: what to run, with its arguments.
    :return: what it returns.
    """
    from asgiref.sync import sync_to_async

    call = sync_to_async(function, thread_sensitive=False, executor=_executor(work))
    return await call(*args, **kwargs)
