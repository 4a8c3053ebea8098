"""Starts, stops and measures the processes of a local Airflow."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

_WORKER = "airflow worker -- "
_SUPERVISOR = "airflow worker -- LocalExecutor"


class ComponentError(RuntimeError):
    """A component ended or did not become healthy; the message ends with its log."""


class Worker(NamedTuple):
    """The process that runs a task, and its LocalExecutor supervisor (Linux only)."""

    pid: int
    supervisor_pid: int
    task_instance_id: str


class Component:
    """A command in a separate session."""

    def __init__(self, name: str, command: list[str], environment: Mapping[str, str], log: Path) -> None:
        self.name = name
        self.log = log
        self.started_at = datetime.now(UTC)
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                command,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """Process id of the command, and session id of its child processes."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the command is running. Does not reap it, so that its id is not reused."""
        return _living(psutil.Process(self.pid))

    def tail(self, lines: int = 40) -> str:
        """The last lines of the component's log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def signal(self, signal_number: int) -> None:
        """Send a signal to the command and its child processes."""
        for process in processes_of([self]):
            with suppress(psutil.NoSuchProcess):
                process.send_signal(signal_number)

    def reap(self) -> None:
        """Kill all processes of the component, and wait until they have ended."""
        while any(map(_living, processes_of([self]))):
            self.signal(signal.SIGKILL)
            time.sleep(0.02)
        self._process.wait()


def processes_of(components: Iterable[Component]) -> list[psutil.Process]:
    """All processes of the components: those of their sessions, and descendants in other sessions."""
    sessions = {component.pid for component in components}
    found = {process for process in psutil.process_iter() if _session(process.pid) in sessions}
    for process in list(found):
        with suppress(psutil.NoSuchProcess):
            found.update(process.children(recursive=True))
    return list(found)


def cpu_seconds(processes: Iterable[psutil.Process]) -> float:
    """User and system time of the processes and of their ended children."""
    total = 0.0
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            total += times.user + times.system + times.children_user + times.children_system
    return total


def workers(processes: Iterable[psutil.Process]) -> list[Worker]:
    """The processes that currently run a task."""
    found = []
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            title = " ".join(process.cmdline()).strip()
            if title.startswith(_WORKER) and not title.startswith(_SUPERVISOR):
                found.append(Worker(process.pid, process.ppid(), title.removeprefix(_WORKER)))
    return found


def stop(components: Iterable[Component], grace: float = 5.0) -> None:
    """Send SIGTERM to the components, then kill the remaining processes."""
    components = list(components)
    for component in components:
        os.kill(component.pid, signal.SIGTERM)
    deadline = time.monotonic() + grace
    while time.monotonic() < deadline and any(component.running for component in components):
        time.sleep(0.05)
    for component in components:
        component.reap()


def _session(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except OSError:
        return None


def _living(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
