"""Output of a shell command: notes and progress on standard error, the result on standard output."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import Progress, ProgressColumn, TextColumn, TimeElapsedColumn
from rich.progress_bar import ProgressBar

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.progress import Task

#: Kling reports no percentage; the bar stays below its end until the task is done.
_MOST = 0.97


class _Typical(ProgressColumn):
    """A bar of the time that such a task usually takes."""

    def render(self, task: Task) -> ProgressBar:
        total = task.total or 1.0
        return ProgressBar(total=total, completed=min(task.elapsed or 0.0, total * _MOST), width=30)


def _console() -> Console:
    return Console(file=sys.stderr, highlight=False, soft_wrap=True)


def print_note(text: str) -> None:
    """
    Print a note on standard error.

    :param text: it may hold anything; no part of it is taken for a style.
    """
    _console().print(text, markup=False)


def ask(question: str) -> bool:
    """
    Ask at the terminal.

    :param question: without its answers.
    :return: whether the answer was yes.
    """
    _console().print(f"{question} (y/N) ", markup=False, end="")
    return sys.stdin.readline().strip().lower() in ("y", "yes")


@contextlib.contextmanager
def progress(text: str, typical_seconds: float) -> Iterator[None]:
    """
    Show how long a task has been running, beside how long such tasks take.

    :param text: what is running.
    :param typical_seconds: how long that usually takes.
    """
    console = _console()
    if not console.is_terminal:
        # Nobody would see it, and older versions of rich leave an empty line, even of a bar that is disabled.
        yield
        return
    columns = (TextColumn("{task.description}", markup=False), _Typical(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        bar.add_task(f"{text}, usually {typical_seconds:.0f} s", total=typical_seconds)
        yield
