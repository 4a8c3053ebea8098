"""The demo's progress: one live line per step on a terminal; elsewhere one line per change and per few seconds."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, Self

from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rich.console import Console

_STATE_LABELS = {
    None: "",
    "success": "done",
    "deferred": "waiting for Kling in the triggerer, no worker held",
    "up_for_retry": "failed, retrying",
    "upstream_failed": "not run",
}


#: Seconds between two lines where there is no terminal.
HEARTBEAT_SECONDS = 5.0


class Steps:
    """The steps of the demo with state and elapsed time."""

    def __init__(self, console: Console, names: Iterable[str]) -> None:
        self._console = console
        self._began = time.monotonic()
        columns = (
            SpinnerColumn(finished_text="[green]✓[/]"),
            TextColumn("{task.description:8}"),
            TimeElapsedColumn(),
            TextColumn("{task.fields[state]}", markup=False),
        )
        self._progress = Progress(*columns, console=console, disable=not console.is_terminal)
        self._rows = {
            name: self._progress.add_task(name, start=False, visible=False, total=1, state="") for name in names
        }
        self._states = dict.fromkeys(self._rows, "")
        self._doing, self._since = "", self._began
        self._closed = threading.Event()

    def __enter__(self) -> Self:
        self._progress.start()
        if not self._console.is_terminal:
            threading.Thread(target=self._print_heartbeats, name="progress", daemon=True).start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop redrawing, so that later output appears below."""
        self._closed.set()
        self._progress.stop()

    def _print_heartbeats(self) -> None:
        while not self._closed.wait(1):
            if self._doing and time.monotonic() - self._since >= HEARTBEAT_SECONDS:
                self._line(f"{self._doing}, still")

    def _line(self, text: str) -> None:
        self._since = time.monotonic()
        self._console.print(f"{self._since - self._began:6.1f} s  {text}", markup=False)

    def show(self, name: str, state: str, *, done: bool = False) -> None:
        """Show the state of a step."""
        if self._states[name] == state:
            return
        self._states[name] = state
        self._progress.start_task(self._rows[name])
        self._progress.update(self._rows[name], state=state, completed=int(done), visible=True)
        if not self._console.is_terminal:
            self._line(f"{name}: {state}")
            self._doing = "" if done else f"{name}: {state}"

    def show_tasks(self, instances: Iterable[Mapping[str, Any]]) -> None:
        """Show the task instances of a Dag run."""
        for instance in instances:
            state = instance["state"]
            label = _STATE_LABELS.get(state, state)
            if instance["task_id"] in self._rows and label:
                self.show(instance["task_id"], label, done=state == "success")
