"""Signals that end a program: unwound, so that nothing which it started keeps running."""

from __future__ import annotations

import signal
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from types import FrameType


def unwinding_on_termination() -> AbstractContextManager[None]:
    """Let SIGTERM and a closed terminal leave ``with`` blocks in order instead of ending the program at once."""
    return _handling(_exit, signal.SIGTERM, signal.SIGHUP)


def undisturbed() -> AbstractContextManager[None]:
    """Finish a clean-up even when the user is impatient."""
    return _handling(signal.SIG_IGN, signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def _handling(handler: Any, *numbers: signal.Signals) -> Iterator[None]:
    """Give signals another handler, except those that the caller ignores; only a main thread can."""
    previous = {}
    if threading.current_thread() is threading.main_thread():
        heard = [number for number in numbers if signal.getsignal(number) is not signal.SIG_IGN]
        previous = {number: signal.signal(number, handler) for number in heard}
    try:
        yield
    finally:
        for number, before in previous.items():
            signal.signal(number, before)


def _exit(number: int, frame: FrameType | None) -> None:
    sys.exit(128 + number)
