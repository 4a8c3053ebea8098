"""Shared by the measurements: an Airflow, started when first needed, and a simulator for each scenario."""

from __future__ import annotations

import dataclasses
import sys
import time
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

from benchmarks.kling import ACCOUNT, Kling, connection, http_connection
from benchmarks.process import REPOSITORY
from dev.local_airflow import LocalAirflow
from dev.local_airflow.settings import free_ports

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.sizes import Sizes

#: Each scenario has its own simulator; Airflow has its connections from the start.
SITUATIONS = (
    *("slow", "fast", "latency", "slots_batch", "slots_two_batches"),
    *("slots_mapped", "slots_pool_only", "slots_two_triggerers"),
)

Measured = TypeVar("Measured")

#: Started only for the measurements that need it.
SECOND_TRIGGERER = "triggerer-2"

#: Seconds after a run in which its processes end and their CPU time is counted.
SETTLE = 4.0

#: Seconds between two polls of the processes and of the run.
LOOK = 0.25

FINISHED = ("success", "failed")


@dataclasses.dataclass
class Run:
    """
    A finished Dag run.

    :param dag_id: the Dag.
    :param run_id: the run.
    :param started: epoch seconds.
    :param elapsed: duration of the measurement in seconds.
    :param cpu: CPU seconds of the whole Airflow in that time, including its idle load.
    :param instances: the task instances, from Airflow's database.
    :param lives: first and last epoch second in which a worker process was observed, by task instance id.
    :param starts: number of worker processes started for them, from Airflow's audit log.
    """

    dag_id: str
    run_id: str
    started: float
    elapsed: float
    cpu: float
    instances: list[dict[str, Any]]
    lives: list[tuple[str, float, float]]
    starts: int

    def count(self, state: str) -> int:
        """Number of task instances that ended in a state."""
        return sum(task_instance["state"] == state for task_instance in self.instances)


class Bench:
    """
    The shared Airflow and simulators; use as a context manager.

    :param sizes: sizes of the measurements.
    """

    def __init__(self, sizes: Sizes) -> None:
        self.sizes = sizes
        self.memory: dict[str, Any] = {}
        self._ports = dict(zip(SITUATIONS, free_ports(len(SITUATIONS)), strict=True))
        self._cleanup = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._cleanup.close()

    def once(self, name: str, measure: Callable[[], Measured]) -> Measured:
        """Run a measurement that several figures need, once, and cache it."""
        if name not in self.memory:
            self.memory[name] = measure()
        measured: Measured = self.memory[name]
        return measured

    def kling(self, situation: str, **options: Any) -> Kling:
        """Return the simulator of a scenario as a context manager; ``options`` are those of :class:`Kling`."""
        return Kling(self._ports[situation], **options)

    @cached_property
    def airflow(self) -> LocalAirflow:
        """The Airflow; started at the first access."""
        say("starting Airflow")
        urls = {name: f"http://127.0.0.1:{port}" for name, port in self._ports.items()}
        connections = {f"kling_{name}": connection(url) for name, url in urls.items()}
        connections |= {f"http_{name}": http_connection(url) for name, url in urls.items()}
        environment = self.sizes.environment() | {
            "PYTHONPATH": str(REPOSITORY),
            "KLING_ACCESS_KEY": ACCOUNT.access_key,
            "KLING_SECRET_KEY": ACCOUNT.secret_key,
            # No posters: they need a process per stored video, and the alternatives do not make any.
            "AIRFLOW__KLING__POSTERS": "False",
            "AIRFLOW__CORE__PARALLELISM": str(self.sizes.workers),
            # Dag parsing uses CPU time in bursts, which would be added to the current measurement.
            "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "36000",
            "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "36000",
        }
        home = REPOSITORY / ".airflow" / "benchmarks"
        dags = Path(__file__).with_name("dags")
        airflow = LocalAirflow(home, dags, env=environment, connections=connections, spare_triggerers=1, fresh=True)
        return self._cleanup.enter_context(airflow)

    @contextmanager
    def two_triggerers(self) -> Iterator[None]:
        """Run a second triggerer during a ``with`` block."""
        self.airflow.start(SECOND_TRIGGERER)
        try:
            yield
        finally:
            self.airflow.kill(SECOND_TRIGGERER)

    def idle(self) -> float:
        """CPU seconds per second of an idle Airflow."""
        rates: list[float] = self.memory.setdefault("idle", [])
        if not rates:
            self.warm_up()
            time.sleep(10)
            self.measure_idle()
        return sum(rates) / len(rates)

    def warm_up(self) -> None:
        """Let every process of Airflow work once, because the first time costs more."""
        self.once("warm up", self._warm_up)

    def _warm_up(self) -> None:
        self.run("slow_warm_up")
        # The first XCom of a trigger makes the triggerer initialize its API client.
        with self.kling("latency", seconds=1):
            self.run("latency_warm_up")

    def measure_idle(self) -> float:
        """Measure the idle CPU time again; :meth:`idle` is the mean."""
        say(f"measuring Airflow's idle CPU time, {self.sizes.idle_seconds:.0f} s")
        before, started = self.airflow.cpu_seconds(), time.monotonic()
        time.sleep(self.sizes.idle_seconds)
        rate = (self.airflow.cpu_seconds() - before) / (time.monotonic() - started)
        self.memory.setdefault("idle", []).append(rate)
        return rate

    def run(self, dag_id: str, *, timeout: float = 900) -> Run:
        """Run a Dag to its end and measure processes and CPU time, without requests to the API server."""
        say(f"running {dag_id}")
        airflow = self.airflow
        airflow.wait_for_dag(dag_id)
        cpu, started, epoch = airflow.cpu_seconds(), time.monotonic(), time.time()
        run_id = airflow.trigger_dag(dag_id)
        lives = self._watch(dag_id, run_id, time.monotonic() + timeout)
        time.sleep(SETTLE)
        used = airflow.cpu_seconds() - cpu
        query = "SELECT * FROM task_instance WHERE dag_id = ? AND run_id = ?"
        instances = airflow.rows(query, dag_id, run_id)
        query = "SELECT count(*) AS starts FROM log WHERE event = 'running' AND dag_id = ? AND run_id = ?"
        starts = airflow.rows(query, dag_id, run_id)[0]["starts"]
        return Run(dag_id, run_id, epoch, time.monotonic() - started, used, instances, lives, starts)

    def _watch(self, dag_id: str, run_id: str, deadline: float) -> list[tuple[str, float, float]]:
        seen: dict[tuple[int, str], list[float]] = {}
        while not self._finished(dag_id, run_id):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{dag_id} did not end: {self.airflow.states(dag_id, run_id)}")
            now = time.time()
            for worker in self.airflow.workers():
                key = (worker.pid, worker.task_instance_id.replace("-", ""))
                seen.setdefault(key, [now, now])[1] = now
            time.sleep(LOOK)
        return [(instance, first, last) for (_, instance), (first, last) in seen.items()]

    def _finished(self, dag_id: str, run_id: str) -> bool:
        query = "SELECT state FROM dag_run WHERE dag_id = ? AND run_id = ?"
        return self.airflow.rows(query, dag_id, run_id)[0]["state"] in FINISHED


def epoch(stored: str) -> float:
    """Epoch seconds of a time in Airflow's SQLite database, which is naive UTC."""
    return datetime.fromisoformat(stored).replace(tzinfo=UTC).timestamp()


def say(text: str) -> None:
    """Print a progress line to standard error."""
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {text}\n")
    sys.stderr.flush()
