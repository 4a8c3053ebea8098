"""Injects failures at random times from a seeded schedule, and counts them."""

from __future__ import annotations

import signal
import time
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

import psutil
import requests

from dev.chaos.crash_points import VARIANTS
from dev.chaos.faults import CLOCK_SKEW, FAULTS, SKEWED_FOR

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Mapping

    from dev.chaos.airflow import ChaosAirflow
    from dev.chaos.kling import Kling

#: Seconds that a triggerer is paused: longer than Airflow waits before another one takes over its triggers.
PAUSED_FOR = 32.0

#: Process title of the supervisor of a worker.
SUPERVISOR = "airflow worker -- LocalExecutor"

#: Minimum number of triggers, so that a paused triggerer has some that another one can take over.
MIN_WAITING_TRIGGERS = 4


class PausedTriggerer(NamedTuple):
    """A triggerer that is paused (SIGSTOP), and the job of each trigger at that time."""

    name: str
    since: datetime
    until: float
    triggers: dict[int, int | None]


class Nemesis:
    """
    Injects one failure after the other.

    :param airflow: its components are killed.
    :param kling: gets HTTP faults, and is killed too.
    :param rng: decides what happens and when.
    :param sizes: submissions in a run, by Dag.
    :param weights: relative frequency of each method.
    """

    def __init__(
        self,
        airflow: ChaosAirflow,
        kling: Kling,
        rng: random.Random,
        sizes: Mapping[str, int],
        weights: Mapping[str, float],
    ) -> None:
        self._airflow = airflow
        self._kling = kling
        self._rng = rng
        self._sizes = sizes
        self._weights = dict(weights)
        self.injections: Counter[str] = Counter()
        self._armed: dict[int, str] = {}
        self._end_faults_at: float | None = None
        self._paused: PausedTriggerer | None = None
        self.taken_over = 0
        self._next = 0.0

    def inject(self, run_id: str, *, every: float) -> None:
        """
        Do what is due: end faults, restart what has died, inject the next failure.

        :param run_id: run id of the Dag runs of this wave.
        :param every: mean seconds between two failures.
        """
        self.recover()
        now = time.monotonic()
        if now >= self._next:
            self._next = now + self._rng.expovariate(1 / every)
            (name,) = self._rng.choices(list(self._weights), list(self._weights.values()))
            action: Callable[[str], None] = getattr(self, name)
            action(run_id)

    def recover(self) -> None:
        """End the pause and the clock skew when they are due, and restart what was killed."""
        now = time.monotonic()
        if self._paused and now >= self._paused.until:
            self._resume(self._paused)
        if self._end_faults_at and now >= self._end_faults_at:
            self.end_faults()
        if ended := self._airflow.ended():
            self._airflow.start(*ended, timeout=180)

    def end_faults(self) -> None:
        """Disarm all HTTP faults, after counting those that a request has matched."""
        self._count_matched_faults()
        self._kling.end_faults()
        self._armed.clear()
        self._end_faults_at = None

    def http_fault(self, _run_id: str) -> None:
        """Arm one of the HTTP faults."""
        name = self._rng.choice(list(FAULTS))
        if name == CLOCK_SKEW:
            if self._end_faults_at:
                return
            self._end_faults_at = time.monotonic() + SKEWED_FOR
        self._armed[self._kling.arm(FAULTS[name])] = name

    def kill_worker(self, _run_id: str) -> None:
        """Kill the process of a running task, sometimes with its supervisor."""
        workers = self._airflow.workers()
        if not workers:
            return
        worker = self._rng.choice(workers)
        with_supervisor = self._rng.random() < 0.25
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(worker.pid)
            # After its supervisor has died, a worker has another parent, which must not be killed.
            supervisor = next(
                (victim for victim in process.parents()[:1] if " ".join(victim.cmdline()).startswith(SUPERVISOR)), None
            )
            killed = [supervisor, process] if with_supervisor and supervisor else [process]
            for victim in killed:
                victim.kill()
            self.injections[f"kill -9 of worker{' and supervisor' if len(killed) > 1 else ''}, at random"] += 1

    def kill_triggerer(self, _run_id: str) -> None:
        """Kill a triggerer that is not paused."""
        paused = self._paused.name if self._paused else None
        candidates = [name for name in self._airflow.triggerers if name != paused]
        self._restart(self._rng.choice(candidates), "triggerer, at random")

    def kill_scheduler(self, _run_id: str) -> None:
        """Kill the scheduler with its workers."""
        self._restart("scheduler", "scheduler with all workers")

    def kill_api_server(self, _run_id: str) -> None:
        """Kill the API server, which workers depend on."""
        self._restart("api-server", "API server")

    def kill_kling(self, _run_id: str) -> None:
        """Kill the simulator and restart it with its state."""
        self._count_matched_faults()
        self._kling.kill()
        self._armed.clear()
        self._end_faults_at = None
        time.sleep(self._rng.uniform(0.5, 3))
        self._kling.start()
        self.injections["simulator killed and restarted with its state"] += 1

    def pause_triggerer(self, _run_id: str) -> None:
        """Pause one of two triggerers until the other one has taken over its triggers."""
        waiting = len(self._airflow.triggers())
        if self._paused or len(self._airflow.triggerers) < 2 or waiting < MIN_WAITING_TRIGGERS:
            return
        name = self._rng.choice(self._airflow.triggerers)
        self._airflow.kill(name, signal.SIGSTOP)
        self._paused = PausedTriggerer(name, datetime.now(UTC), time.monotonic() + PAUSED_FOR, self._airflow.triggers())

    def clear(self, run_id: str) -> None:
        """Clear a task in any state, as a user does."""
        dag_id = self._rng.choice(list(VARIANTS))
        task_id = self._rng.choice(list(VARIANTS[dag_id].steps))
        index = self._rng.choice(VARIANTS[dag_id].indexes(self._sizes[dag_id]))
        with suppress(requests.RequestException):
            self._airflow.clear(dag_id, run_id, [[task_id, index]], include_downstream=True)
            self.injections["Clear of a running task"] += 1

    def _restart(self, name: str, label: str) -> None:
        self._airflow.kill(name)
        self.injections[f"kill -9 of {label}"] += 1
        time.sleep(self._rng.uniform(1, 3))
        ended = [victim for victim in self._airflow.ended() if victim != name]
        self._airflow.start(name, *ended, timeout=180)

    def _resume(self, paused: PausedTriggerer) -> None:
        job = self._airflow.paused_triggerer_job(paused.since)
        now = self._airflow.triggers()
        self.taken_over += sum(owner == job and now.get(number) != job for number, owner in paused.triggers.items())
        self._airflow.kill(paused.name, signal.SIGCONT)
        self._paused = None
        self.injections[f"triggerer paused for {PAUSED_FOR:.0f} s, then resumed"] += 1

    def _count_matched_faults(self) -> None:
        unmatched = self._kling.unmatched_faults()
        for number, name in list(self._armed.items()):
            if number not in unmatched:
                self.injections[f"HTTP: {name}"] += 1
                del self._armed[number]
