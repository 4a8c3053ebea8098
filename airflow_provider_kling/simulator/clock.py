"""The server's clock: real, but it can be wrong (skew) and it can be moved forward."""

from __future__ import annotations

import time
from typing import Final

#: A hundred years in seconds.
LONGEST: Final = 100 * 365 * 24 * 3600


class Clock:
    """Wall time plus a skew, plus what :meth:`advance` added.

    Credentials are checked against :meth:`server_time`, which ``advance`` leaves alone: a test that lets 30 days pass
    would otherwise expire every token that its client signs with the real time.

    :param skew: seconds that the server is ahead of the real time.
    """

    def __init__(self, skew: float = 0.0) -> None:
        self._skew = skew
        self._advanced = 0.0

    def advance(self, seconds: float) -> None:
        """Let ``seconds`` pass at once for tasks and result URLs.

        :param seconds: a negative number turns the time back.
        :raises ValueError: they are no number, or more than a hundred years; no task could say its time afterwards.
        """
        if not -LONGEST <= seconds <= LONGEST:
            raise ValueError(f"seconds is {seconds}; allowed: {-LONGEST} to {LONGEST}")
        self._advanced += seconds

    def server_time(self) -> float:
        """Epoch seconds of the ``Date`` header and of the check of credentials."""
        return time.time() + self._skew

    def now_ms(self) -> int:
        """Epoch milliseconds of the account: task times, expiry of results."""
        return int((self.server_time() + self._advanced) * 1000)
