"""``LocalAirflow``: all components of Airflow on this machine, each in a separate process that can be killed."""

from __future__ import annotations

import fcntl
import shutil
import signal
import sqlite3
import sys
import time
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import requests

from dev.local_airflow import settings
from dev.local_airflow.processes import Component, ComponentError, Worker, cpu_seconds, processes_of, stop, workers
from dev.local_airflow.rest import AirflowClient
from dev.local_airflow.signals import exit_on_termination, ignore_signals

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

# Job type that a component writes into Airflow's ``job`` table when it starts.
_JOB_TYPES = {"scheduler": "SchedulerJob", "dag-processor": "DagProcessorJob", "triggerer": "TriggererJob"}
_API_SERVER = "api-server"
_LOCK = "lock"


class LocalAirflow(AirflowClient):
    """A real Airflow in ``home``, with LocalExecutor and SQLite; use it as a context manager.

    The methods of :class:`AirflowClient` are available too. Components are named
    ``scheduler``, ``dag-processor``, ``api-server``, ``triggerer``, ``triggerer-2``, …

    :param home: becomes ``AIRFLOW_HOME``; an existing database in it is reused.
    :param dags_folder: one folder of Dags, or several.
    :param env: further environment variables, such as ``AIRFLOW__…`` settings; they override the defaults.
    :param connections: fields by connection id; set as ``AIRFLOW_CONN_…`` variables.
    :param triggerers: number of triggerers to start.
    :param spare_triggerers: number of further triggerers, which :meth:`start` can start by name.
    :param fresh: whether to empty ``home`` first; not done while another Airflow uses it.
    :param on_waiting: called repeatedly with what the start is waiting for: the database, or names of components.
    """

    def __init__(
        self,
        home: Path,
        dags_folder: Path | Sequence[Path],
        env: Mapping[str, str] | None = None,
        connections: Mapping[str, Mapping[str, object]] | None = None,
        triggerers: int = 1,
        *,
        spare_triggerers: int = 0,
        fresh: bool = False,
        on_waiting: Callable[[Sequence[str]], object] | None = None,
    ) -> None:
        self.home = home.resolve()
        self._fresh = fresh
        self._on_waiting = on_waiting or (lambda _names: None)
        folders = [dags_folder] if isinstance(dags_folder, Path) else list(dags_folder)
        triggerer_names = _triggerers(triggerers + spare_triggerers)
        api, worker_logs, *trigger_logs = settings.free_ports(2 + len(triggerer_names))
        super().__init__(f"http://{settings.LOOPBACK}:{api}")
        self._trigger_log_ports = dict(zip(triggerer_names, trigger_logs, strict=True))
        self._environment = (
            settings.clean_environment()
            | settings.airflow_settings(self.home, folders, [api, worker_logs, trigger_logs[0]])
            | settings.connection_variables(connections or {})
            | dict(env or {})
        )
        self._names = [_API_SERVER, "scheduler", "dag-processor", *triggerer_names[:triggerers]]
        self._components: dict[str, Component] = {}
        self._ended_cpu_seconds = 0.0
        self._cleanup = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.enter_context(exit_on_termination())
            stack.callback(self._stop_all)
            self._lock(stack)
            if self._fresh:
                self._empty_home()
            self._environment = settings.home_secrets(self.home) | self._environment
            settings.write_plugin(self.home)
            self._on_waiting(["the database"])
            if not (self.home / "airflow.db").exists():
                settings.create_database(self.home)
            self.start(*self._names)
            self._cleanup = stack.pop_all()
        return self

    def __exit__(self, *exception: object) -> None:
        self._cleanup.close()

    def start(self, *names: str, timeout: float = 180) -> None:
        """Start components that are not running, and wait until they are healthy."""
        for name in names:
            self._reap_if_ended(name)
            log = self.home / "logs" / f"{name}.log"
            self._components[name] = Component(name, self._command(name), self._component_environment(name), log)
        self._wait_healthy(names, time.monotonic() + timeout)

    def kill(self, name: str, signal_number: int = signal.SIGKILL) -> None:
        """Send a signal to all processes of a component, as if its machine had died, paused or resumed."""
        if signal_number == signal.SIGKILL:
            self._reap(name)
        else:
            self._components[name].signal(signal_number)

    def restart(self, name: str) -> None:
        """Kill a component and start it again."""
        self.kill(name)
        self.start(name)

    def workers(self) -> list[Worker]:
        """The processes of the tasks that currently run on a worker."""
        return workers(processes_of(self._components.values()))

    def cpu_seconds(self) -> float:
        """CPU time of all processes of this Airflow, including those that have ended."""
        return self._ended_cpu_seconds + cpu_seconds(processes_of(self._components.values()))

    def rows(self, sql: str, *parameters: Any) -> list[dict[str, Any]]:
        """Rows of Airflow's metadata database."""
        uri = f"file:{self.home / 'airflow.db'}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True, timeout=30)) as database:
            database.row_factory = sqlite3.Row
            return [dict(row) for row in database.execute(sql, parameters)]

    def _command(self, name: str) -> list[str]:
        subcommand = "triggerer" if name in self._trigger_log_ports else name
        return [sys.executable, "-m", "airflow", subcommand]

    def _component_environment(self, name: str) -> dict[str, str]:
        port = self._trigger_log_ports.get(name)
        own = {"AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(port)} if port else {}
        return self._environment | own

    def _wait_healthy(self, names: Iterable[str], deadline: float) -> None:
        waiting = list(names)
        while waiting := [name for name in waiting if not self._healthy(name)]:
            self._on_waiting(waiting)
            for name in waiting:
                component = self._components[name]
                if not component.running:
                    raise ComponentError(f"{name} ended at the start:\n{component.tail()}")
                if time.monotonic() > deadline:
                    raise ComponentError(f"{name} is not healthy:\n{component.tail()}")
            time.sleep(0.1)

    def _healthy(self, name: str) -> bool:
        if name == _API_SERVER:
            with suppress(requests.RequestException):
                return bool(self.health()["metadatabase"]["status"] == "healthy")
            return False
        kind, since = _job_type(name), self._components[name].started_at
        same_kind = [part for part in self._components.values() if _job_type(part.name) == kind]
        expected = sum(part.started_at >= since for part in same_kind)
        # Airflow stores naive UTC in SQLite.
        moment = since.strftime("%Y-%m-%d %H:%M:%S.%f")
        query = "SELECT count(*) AS started FROM job WHERE job_type = ? AND start_date >= ?"
        return bool(self.rows(query, kind, moment)[0]["started"] >= expected)

    def _lock(self, stack: ExitStack) -> None:
        """Raise an error if another local Airflow uses this home."""
        self.home.mkdir(parents=True, exist_ok=True)
        lock = stack.enter_context((self.home / _LOCK).open("w"))
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ComponentError(f"another Airflow runs in {self.home}") from None

    def _empty_home(self) -> None:
        for entry in self.home.iterdir():
            if entry.is_dir():
                shutil.rmtree(entry)
            elif entry.name != _LOCK:
                entry.unlink()

    def _reap_if_ended(self, name: str) -> None:
        if name not in self._components:
            return
        if self._components[name].running:
            raise RuntimeError(f"{name} is running already")
        self._reap(name)

    def _reap(self, name: str) -> None:
        """Kill the processes of a component, after adding up their CPU time."""
        component = self._components.pop(name)
        self._ended_cpu_seconds += cpu_seconds(processes_of([component]))
        component.reap()

    def _stop_all(self) -> None:
        with ignore_signals():
            stop(self._components.values())
            self._components.clear()


def _triggerers(count: int) -> list[str]:
    return ["triggerer", *(f"triggerer-{number}" for number in range(2, count + 1))]


def _job_type(name: str) -> str | None:
    return next((kind for prefix, kind in _JOB_TYPES.items() if name.startswith(prefix)), None)
