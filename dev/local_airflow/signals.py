"""Signal handlers, so that all started processes are stopped when the program is terminated."""

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


def exit_on_termination() -> AbstractContextManager[None]:
    """Turn SIGTERM and SIGHUP into ``SystemExit``, so that ``with`` blocks are left in order."""
    return _with_handler(_exit, signal.SIGTERM, signal.SIGHUP)


def ignore_signals() -> AbstractContextManager[None]:
    """Ignore termination signals, so that a cleanup is finished."""
    return _with_handler(signal.SIG_IGN, signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def _with_handler(handler: Any, *numbers: signal.Signals) -> Iterator[None]:
    """Set a handler for signals that are not ignored; has no effect outside of the main thread."""
    previous = {}
    if threading.current_thread() is threading.main_thread():
        handled = [number for number in numbers if signal.getsignal(number) is not signal.SIG_IGN]
        previous = {number: signal.signal(number, handler) for number in handled}
    try:
        yield
    finally:
        for number, before in previous.items():
            signal.signal(number, before)


def _exit(number: int, frame: FrameType | None) -> None:
    sys.exit(128 + number)
