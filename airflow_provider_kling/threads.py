"""How a trigger runs what blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

_P = ParamSpec("_P")
_R = TypeVar("_R")


async def in_thread(function: Callable[_P, _R], *args: _P.args, **kwargs: _P.kwargs) -> _R:
    """
    Run what blocks in a thread; the event loop belongs to all triggers.

    Not ``asyncio.to_thread``: before Airflow 3.2, reading a connection in such a thread mixes up the answers of
    Airflow's API and ends the whole triggerer. asgiref's threads know the loop that they have to ask.

    :param function: what to run, with its arguments.
    :return: what it returns.
    """
    from asgiref.sync import sync_to_async

    return await sync_to_async(function, thread_sensitive=False)(*args, **kwargs)
