"""The server's clock: the system clock with a skew, which can be moved forward."""

from __future__ import annotations

import time
from typing import Final

#: A hundred years in seconds.
MAX_SECONDS: Final = 100 * 365 * 24 * 3600


class Clock:
    """System time plus a skew, plus the seconds that :meth:`advance` added.

    Credentials are validated with :meth:`server_time`, which ``advance`` does not change: otherwise a test that moves
    the clock by 30 days would invalidate every token that its client signs.

    :param skew: seconds that the server is ahead of the system clock.
    """

    def __init__(self, skew: float = 0.0) -> None:
        self._skew = skew
        self._advanced = 0.0

    def advance(self, seconds: float) -> None:
        """Move the clock of tasks and result URLs forward by ``seconds``.

        :param seconds: a negative number moves it back.
        :raises ValueError: not a number, or more than a hundred years.
        """
        if not -MAX_SECONDS <= seconds <= MAX_SECONDS:
            raise ValueError(f"seconds is {seconds}; allowed: {-MAX_SECONDS} to {MAX_SECONDS}")
        self._advanced += seconds

    def server_time(self) -> float:
        """Epoch seconds for the ``Date`` header and the validation of credentials."""
        return time.time() + self._skew

    def now_ms(self) -> int:
        """Epoch milliseconds for tasks and the expiry of results."""
        return int((self.server_time() + self._advanced) * 1000)
