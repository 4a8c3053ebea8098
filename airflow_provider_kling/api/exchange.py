"""
One request and its answer, bounded in time.

A timeout of ``requests`` is the silence between two bytes; a server that sends a byte a second keeps it waiting for
ever. An exchange has an end by the wall clock, and knows whether anything of the request was sent.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from contextvars import ContextVar
from typing import Any, Self

_CURRENT: ContextVar[Exchange | None] = ContextVar("kling_exchange", default=None)


def current() -> Exchange | None:
    """Return the exchange that this thread is in."""
    return _CURRENT.get()


class Exchange:
    """
    What happens in a ``with`` block ends in time: at the end of its seconds its sockets are shut down.

    :param seconds: from now until then: connecting, sending, and all of the answer.
    :param public_only: whether it may connect to public addresses only.
    """

    def __init__(self, seconds: float, *, public_only: bool = False) -> None:
        self.seconds = seconds
        self.public_only = public_only
        #: Whether a connection was made; TLS may still be missing.
        self.connected = False
        #: Whether a byte of the request may have left this machine.
        self.sent = False
        #: Whether the time was over before the answer.
        self.expired = False
        self._begin = time.monotonic()
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []

    def __enter__(self) -> Self:
        self._token = _CURRENT.set(self)
        threading.Thread(target=self._end_in_time, name="kling-deadline", daemon=True).start()
        return self

    def __exit__(self, *_exception: object) -> None:
        _CURRENT.reset(self._token)
        self._over.set()
        with self._lock:
            while self._sockets:
                self._sockets.pop().close()

    def left(self) -> float:
        """Return the seconds that are left; 0 or less when the time is over."""
        return self._begin + self.seconds - time.monotonic()

    def watch(self, sock: Any) -> None:
        """
        Have a connected socket shut down at the end.

        A duplicate of it is kept: urllib3 hands the socket on to TLS and to the answer, and both may close their own.
        """
        self.connected = True
        duplicate = socket.socket(fileno=os.dup(sock.fileno()))
        with self._lock:
            self._sockets.append(duplicate)
            if self.expired:
                _shut_down(duplicate)

    def _end_in_time(self) -> None:
        while (left := self.left()) > 0:
            if self._over.wait(left):
                return
        with self._lock:
            self.expired = True
            for sock in self._sockets:
                _shut_down(sock)


def _shut_down(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
