"""A pytest plugin that prints the names of long-running tests every few seconds."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

HEARTBEAT_SECONDS = 10.0


class Waiting:
    """Prints the names of the running tests, and for how long they have been running."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._running: dict[str, float] = {}
        self._closed = threading.Event()
        threading.Thread(target=self._print_heartbeats, name="waiting", daemon=True).start()

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self._running[nodeid] = time.monotonic()

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        self._running.pop(nodeid, None)

    def pytest_unconfigure(self) -> None:
        self._closed.set()

    def _print_heartbeats(self) -> None:
        while not self._closed.wait(HEARTBEAT_SECONDS):
            for nodeid, began in list(self._running.items()):
                seconds = time.monotonic() - began
                if seconds >= HEARTBEAT_SECONDS and (terminal := self._terminal()):
                    terminal.write_line(f"\n  {seconds:.0f} s: {nodeid}")

    def _terminal(self) -> pytest.TerminalReporter | None:
        return self._config.pluginmanager.get_plugin("terminalreporter")


def pytest_configure(config: pytest.Config) -> None:
    """Register the plugin."""
    config.pluginmanager.register(Waiting(config), "waiting")
