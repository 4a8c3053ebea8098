"""
Waiting for one of the account's slots, outside the worker.

Kling holds a slot from acceptance to the end of a task and answers 1303 when all are taken. Those who wait stand in a
queue: whenever the shared poller sees a task of the account end, the one who has waited longest may try. Slots that
others free (another triggerer, another program) cannot be seen, so the head of the queue also tries now and then.
"""

from __future__ import annotations

import asyncio
import bisect
import itertools
import random
import time

#: Seconds between two tries that nobody called for, give or take a half. Kling asks for a second at least; a video
#: takes minutes.
PROBE_INTERVAL = 20.0

#: Seconds that waiting for a slot may take unless the Dag says otherwise; a thousand videos on 20 slots take hours.
DEFAULT_SLOT_TIMEOUT = 12 * 3600.0


def probe_pause() -> float:
    """Return a pause before the next try, jittered so that several workers or triggerers do not try together."""
    return PROBE_INTERVAL * (0.5 + random.random())  # noqa: S311 - spreads load, guards nothing


class SlotQueue:
    """Those who wait for a slot of one account in one event loop, longest wait first."""

    def __init__(self) -> None:
        self._waiters: list[tuple[float, int, asyncio.Future[None]]] = []
        self._arrivals = itertools.count()
        self._next_probe = 0.0

    def release(self) -> None:
        """Let the one who has waited longest try: a slot became free."""
        for _, _, freed in self._waiters:
            if not freed.done():
                freed.set_result(None)
                return

    async def wait(self, *, since: float, until: float) -> bool:
        """
        Wait until a try is worthwhile.

        :param since: epoch seconds when the caller first found no slot; decides its place.
        :param until: epoch seconds when it gives up.
        :return: whether to try; ``False`` when the time has passed.
        """
        freed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiter = (since, next(self._arrivals), freed)
        if not self._waiters:
            self._next_probe = max(self._next_probe, time.time() + probe_pause())
        bisect.insort(self._waiters, waiter)
        try:
            while not freed.done():
                now = time.time()
                if now >= until:
                    return False
                if now >= self._next_probe and self._waiters[0] is waiter:
                    self._next_probe = now + probe_pause()
                    return True
                # Others look again a little after the head has had its turn.
                pause = max(self._next_probe - now, 0.0) + (0.0 if self._waiters[0] is waiter else 1.0)
                await asyncio.wait([freed], timeout=min(pause, until - now))
            return True
        finally:
            self._waiters.remove(waiter)
