"""What measurements share: one Airflow, started when the first of them needs it, and a Kling for each situation."""

from __future__ import annotations

import dataclasses
import sys
import time
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from benchmarks.kling import ACCOUNT, Kling, connection, http_connection
from benchmarks.process import REPOSITORY
from dev.local_airflow import LocalAirflow
from dev.local_airflow.settings import free_ports

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.sizes import Sizes

#: Every situation has a Kling of its own; its connections are known to Airflow from the start.
SITUATIONS = (
    *("slow", "fast", "latency", "slots_batch", "slots_two_batches"),
    *("slots_mapped", "slots_pool_only", "slots_two_triggerers"),
)

#: Started for the measurements that say so, and ended after them.
SECOND_TRIGGERER = "triggerer-2"

#: Seconds after a run until its processes have ended and their CPU time is counted.
SETTLE = 4.0

#: Seconds between two looks at the processes and at the run.
LOOK = 0.25

FINISHED = ("success", "failed")


@dataclasses.dataclass
class Run:
    """
    One finished run of a Dag.

    :param dag_id: the Dag.
    :param run_id: the run.
    :param started: epoch seconds.
    :param elapsed: seconds that were watched.
    :param cpu: seconds of CPU time that the whole Airflow used meanwhile, idle time included.
    :param instances: the task instances, as Airflow's database has them.
    :param lives: first and last epoch second in which a worker process was seen, by id of the task instance.
    """

    dag_id: str
    run_id: str
    started: float
    elapsed: float
    cpu: float
    instances: list[dict[str, Any]]
    lives: list[tuple[str, float, float]]

    def count(self, state: str) -> int:
        """How many task instances ended in a state."""
        return sum(task_instance["state"] == state for task_instance in self.instances)


class Bench:
    """
    The shared equipment, for the length of a ``with`` block.

    :param sizes: how much is measured.
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

    def once(self, name: str, measure: Callable[[], Any]) -> Any:
        """Measure what several figures need, once."""
        if name not in self.memory:
            self.memory[name] = measure()
        return self.memory[name]

    def kling(self, situation: str, **options: Any) -> Kling:
        """Return the Kling of a situation, to be used as a context manager; it takes the options of that class."""
        return Kling(self._ports[situation], **options)

    @cached_property
    def airflow(self) -> LocalAirflow:
        """The Airflow, started now if it does not run yet."""
        say("starting Airflow")
        urls = {name: f"http://127.0.0.1:{port}" for name, port in self._ports.items()}
        connections = {f"kling_{name}": connection(url) for name, url in urls.items()}
        connections |= {f"http_{name}": http_connection(url) for name, url in urls.items()}
        environment = self.sizes.environment() | {
            "PYTHONPATH": str(REPOSITORY),
            "KLING_ACCESS_KEY": ACCOUNT.access_key,
            "KLING_SECRET_KEY": ACCOUNT.secret_key,
            # A process for each stored video, where the decoder is installed; the alternatives make none either.
            "AIRFLOW__KLING__POSTERS": "False",
            "AIRFLOW__CORE__PARALLELISM": str(self.sizes.workers),
            # Parsing comes in bursts, which would be counted to whatever runs at that moment.
            "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "36000",
            "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "36000",
        }
        home = REPOSITORY / ".airflow" / "benchmarks"
        dags = Path(__file__).with_name("dags")
        airflow = LocalAirflow(home, dags, env=environment, connections=connections, spare_triggerers=1, fresh=True)
        return self._cleanup.enter_context(airflow)

    @contextmanager
    def two_triggerers(self) -> Iterator[None]:
        """Let a second triggerer run, for the length of a ``with`` block."""
        self.airflow.start(SECOND_TRIGGERER)
        try:
            yield
        finally:
            self.airflow.kill(SECOND_TRIGGERER)

    def idle(self) -> float:
        """CPU seconds that Airflow uses in a second without work."""
        rates = self.memory.setdefault("idle", [])
        if not rates:
            self.warm_up()
            time.sleep(10)
            self.measure_idle()
        return sum(rates) / len(rates)

    def warm_up(self) -> None:
        """Let every process of the executor, the triggerer and the API server work once: first times cost more."""
        self.once("warm up", self._warm_up)

    def _warm_up(self) -> None:
        self.run("slow_warm_up")
        # The first XCom that a trigger sets makes the triggerer build its half of Airflow's API.
        with self.kling("latency", seconds=1):
            self.run("latency_warm_up")

    def measure_idle(self) -> float:
        """Measure the idle CPU time once more; :meth:`idle` is the mean."""
        say(f"measuring Airflow's idle CPU time, {self.sizes.idle_seconds:.0f} s")
        before, started = self.airflow.cpu_seconds(), time.monotonic()
        time.sleep(self.sizes.idle_seconds)
        rate = (self.airflow.cpu_seconds() - before) / (time.monotonic() - started)
        self.memory.setdefault("idle", []).append(rate)
        return rate

    def run(self, dag_id: str, *, timeout: float = 900) -> Run:
        """Run a Dag to its end, watching processes and CPU time, without asking the API server."""
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
        return Run(dag_id, run_id, epoch, time.monotonic() - started, used, instances, lives)

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
        return [(instance, *life) for (_, instance), life in seen.items()]

    def _finished(self, dag_id: str, run_id: str) -> bool:
        query = "SELECT state FROM dag_run WHERE dag_id = ? AND run_id = ?"
        return self.airflow.rows(query, dag_id, run_id)[0]["state"] in FINISHED


def epoch(stored: str) -> float:
    """Epoch seconds of a moment as Airflow stores it in SQLite: naive UTC."""
    return datetime.fromisoformat(stored).replace(tzinfo=UTC).timestamp()


def say(text: str) -> None:
    """Tell what happens, beside the table."""
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {text}\n")
    sys.stderr.flush()
