"""
One request and its response, with a deadline.

The timeout of ``requests`` is the silence between two bytes: a server that sends a byte a second keeps it waiting for
ever. An exchange has a deadline by the clock, and knows whether anything of the request was sent.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from contextvars import ContextVar
from typing import Any, Self

_CURRENT: ContextVar[HttpExchange | None] = ContextVar("kling_exchange", default=None)


def current_exchange() -> HttpExchange | None:
    """Return the exchange whose ``with`` block this thread is in."""
    return _CURRENT.get()


class HttpExchange:
    """
    A ``with`` block whose sockets are shut down at a deadline, so that nothing in it waits longer.

    :param seconds: from now until then: connecting, sending, and all of the response.
    :param public_only: whether it may connect to public addresses only.
    """

    def __init__(self, seconds: float, *, public_only: bool = False) -> None:
        self.seconds = seconds
        self.public_only = public_only
        #: Whether a connection was made; TLS may still be missing.
        self.connected = False
        #: Whether a byte of the request may have left this machine.
        self.sent = False
        #: Whether the deadline passed before the response came.
        self.expired = False
        self._begin = time.monotonic()
        self._finished = threading.Event()
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []

    def __enter__(self) -> Self:
        self._token = _CURRENT.set(self)
        threading.Thread(target=self._shut_down_at_the_end, name="kling-deadline", daemon=True).start()
        return self

    def __exit__(self, *_exception: object) -> None:
        _CURRENT.reset(self._token)
        self._finished.set()
        with self._lock:
            while self._sockets:
                self._sockets.pop().close()

    def seconds_left(self) -> float:
        """Return the seconds that are left; 0 or less when the time is over."""
        return self._begin + self.seconds - time.monotonic()

    def watch(self, sock: Any) -> None:
        """
        Shut this connected socket down at the deadline.

        A duplicate is kept, because urllib3 hands the socket to TLS and to the response, and either may close it.
        """
        self.connected = True
        duplicate = socket.socket(fileno=os.dup(sock.fileno()))
        with self._lock:
            self._sockets.append(duplicate)
            if self.expired:
                _shut_down(duplicate)

    def _shut_down_at_the_end(self) -> None:
        while (left := self.seconds_left()) > 0:
            if self._finished.wait(left):
                return
        with self._lock:
            self.expired = True
            for sock in self._sockets:
                _shut_down(sock)


def _shut_down(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
