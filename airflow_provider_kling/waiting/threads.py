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
    What a thread does.

    Kinds do not wait for each other: a copy that takes minutes must not delay a look, whose task may be at its
    deadline. None of them uses the event loop's own executor, which belongs to the triggers of all providers.
    """

    #: Reads at Kling.
    LOOK = "look"
    #: Submissions.
    SEND = "send"
    #: Results on their way to storage.
    COPY = "copy"
    #: What is asked of Airflow and written for people: states, XComs, plans, manifests.
    REPORT = "report"


#: How many threads of each kind one process has at most. One connection takes four for its looks.
MAX_THREADS = {Work.LOOK: 32, Work.SEND: 16, Work.COPY: 16, Work.REPORT: 4}


@functools.cache
def _executor(work: Work) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(MAX_THREADS[work], thread_name_prefix=f"kling-{work.value}")


async def in_thread(work: Work, function: Callable[_P, _R], *args: _P.args, **kwargs: _P.kwargs) -> _R:
    """
    Run what blocks in a thread; the event loop belongs to all triggers.

    Not ``asyncio.to_thread``: before Airflow 3.2, reading a connection in such a thread mixes up the answers of
    Airflow's API and ends the whole triggerer. asgiref's threads know the loop that they have to ask.

    :param work: which of the package's threads.
    :param function: what to run, with its arguments.
    :return: what it returns.
    """
    from asgiref.sync import sync_to_async

    call = sync_to_async(function, thread_sensitive=False, executor=_executor(work))
    return await call(*args, **kwargs)
