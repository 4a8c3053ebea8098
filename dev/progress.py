"""The demo's progress: a live line a step on a terminal, a plain line a change elsewhere."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Self

from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rich.console import Console

_WORDS = {
    None: "",
    "success": "done",
    "deferred": "waiting for Kling in the triggerer, no worker held",
    "up_for_retry": "failed, trying again",
    "upstream_failed": "not run",
}


class Steps:
    """The named steps of the demo, each with its state and the time that it took."""

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

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop redrawing; what is printed from now on stands below."""
        self._progress.stop()

    def show(self, name: str, state: str, *, done: bool = False) -> None:
        """Say what a step is doing now."""
        if self._states[name] == state:
            return
        self._states[name] = state
        self._progress.start_task(self._rows[name])
        self._progress.update(self._rows[name], state=state, completed=int(done), visible=True)
        if not self._console.is_terminal:
            elapsed = time.monotonic() - self._began
            self._console.print(f"{elapsed:6.1f} s  {name}: {state}", markup=False)

    def show_tasks(self, instances: Iterable[Mapping[str, Any]]) -> None:
        """Show the task instances of a Dag run."""
        for instance in instances:
            state = instance["state"]
            words = _WORDS.get(state, state)
            if instance["task_id"] in self._rows and words:
                self.show(instance["task_id"], words, done=state == "success")
