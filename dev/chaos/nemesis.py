"""What goes wrong at random moments, from a seeded schedule, and how often it really did."""

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

#: Seconds that a triggerer is paused: longer than Airflow waits before another one takes over, in any configuration.
PAUSED_FOR = 32.0

#: How the process that watches a worker calls itself.
WATCHER = "airflow worker -- LocalExecutor"

#: Triggers that must be waiting, so that a paused triggerer has some that the other one can take over.
WORTH_PAUSING = 4


class PausedTriggerer(NamedTuple):
    """A triggerer that is paused (SIGSTOP), and which job ran which trigger at that moment."""

    name: str
    since: datetime
    until: float
    triggers: dict[int, int | None]


class Nemesis:
    """
    Breaks things, one after the other.

    :param airflow: its components are killed.
    :param kling: its answers go wrong, and it dies too.
    :param chance: decides what and when.
    :param sizes: submissions in a run, by Dag.
    :param weights: how often each of the methods named is chosen.
    """

    def __init__(
        self,
        airflow: ChaosAirflow,
        kling: Kling,
        chance: random.Random,
        sizes: Mapping[str, int],
        weights: Mapping[str, float],
    ) -> None:
        self._airflow = airflow
        self._kling = kling
        self._chance = chance
        self._sizes = sizes
        self._weights = dict(weights)
        self.happened: Counter[str] = Counter()
        self._armed: dict[int, str] = {}
        self._end_faults_at: float | None = None
        self._paused: PausedTriggerer | None = None
        self.taken_over = 0
        self._next = 0.0

    def inject(self, run_id: str, *, every: float) -> None:
        """
        Do what is due: end what has lasted long enough, raise what has died, break one more thing.

        :param run_id: of the Dag runs of this wave.
        :param every: seconds between two things that break, on average.
        """
        self.recover()
        now = time.monotonic()
        if now >= self._next:
            self._next = now + self._chance.expovariate(1 / every)
            (name,) = self._chance.choices(list(self._weights), list(self._weights.values()))
            action: Callable[[str], None] = getattr(self, name)
            action(run_id)

    def recover(self) -> None:
        """Resume what is paused and put the clock right when it is time, and start what was killed."""
        now = time.monotonic()
        if self._paused and now >= self._paused.until:
            self._resume(self._paused)
        if self._end_faults_at and now >= self._end_faults_at:
            self.end_faults()
        if ended := self._airflow.ended():
            self._airflow.start(*ended, timeout=180)

    def end_faults(self) -> None:
        """End all faults of HTTP, after counting those that a request has met."""
        self._harvest()
        self._kling.end_faults()
        self._armed.clear()
        self._end_faults_at = None

    def http_fault(self, _run_id: str) -> None:
        """Arm one of the faults."""
        name = self._chance.choice(list(FAULTS))
        if name == CLOCK_SKEW:
            if self._end_faults_at:
                return
            self._end_faults_at = time.monotonic() + SKEWED_FOR
        self._armed[self._kling.arm(FAULTS[name])] = name

    def kill_worker(self, _run_id: str) -> None:
        """Kill the process of a running task; sometimes the one that watches it, too."""
        workers = self._airflow.workers()
        if not workers:
            return
        worker = self._chance.choice(workers)
        with_watcher = self._chance.random() < 0.25
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(worker.pid)
            # A worker whose watcher has died already has another parent, which must not be touched.
            watcher = next(
                (victim for victim in process.parents()[:1] if " ".join(victim.cmdline()).startswith(WATCHER)), None
            )
            killed = [watcher, process] if with_watcher and watcher else [process]
            for victim in killed:
                victim.kill()
            self.happened[f"kill -9 of worker{' and watcher' if len(killed) > 1 else ''}, at random"] += 1

    def kill_triggerer(self, _run_id: str) -> None:
        """Kill a triggerer that is not paused."""
        paused = self._paused.name if self._paused else None
        awake = [name for name in self._airflow.triggerers if name != paused]
        self._restart(self._chance.choice(awake), "triggerer, at random")

    def kill_scheduler(self, _run_id: str) -> None:
        """Kill the scheduler and, with it, its workers."""
        self._restart("scheduler", "scheduler with all workers")

    def kill_api_server(self, _run_id: str) -> None:
        """Kill the API server, through which workers speak to Airflow."""
        self._restart("api-server", "API server")

    def kill_kling(self, _run_id: str) -> None:
        """Kill the simulator; what it had accepted comes back with it."""
        self._harvest()
        self._kling.kill()
        self._armed.clear()
        self._end_faults_at = None
        time.sleep(self._chance.uniform(0.5, 3))
        self._kling.start()
        self.happened["simulator killed and restarted with its state"] += 1

    def pause_triggerer(self, _run_id: str) -> None:
        """Freeze one of two triggerers for longer than the other one waits for it."""
        waiting = len(self._airflow.triggers())
        if self._paused or len(self._airflow.triggerers) < 2 or waiting < WORTH_PAUSING:
            return
        name = self._chance.choice(self._airflow.triggerers)
        self._airflow.kill(name, signal.SIGSTOP)
        self._paused = PausedTriggerer(name, datetime.now(UTC), time.monotonic() + PAUSED_FOR, self._airflow.triggers())

    def clear(self, run_id: str) -> None:
        """Clear a task as a user does, whatever it is doing."""
        dag_id = self._chance.choice(list(VARIANTS))
        task_id = self._chance.choice(list(VARIANTS[dag_id].steps))
        index = self._chance.choice(VARIANTS[dag_id].indexes(self._sizes[dag_id]))
        with suppress(requests.RequestException):
            self._airflow.clear(dag_id, run_id, [[task_id, index]], include_downstream=True)
            self.happened["Clear in the middle"] += 1

    def _restart(self, name: str, words: str) -> None:
        self._airflow.kill(name)
        self.happened[f"kill -9 of {words}"] += 1
        time.sleep(self._chance.uniform(1, 3))
        ended = [victim for victim in self._airflow.ended() if victim != name]
        self._airflow.start(name, *ended, timeout=180)

    def _resume(self, paused: PausedTriggerer) -> None:
        job = self._airflow.silent_since(paused.since)
        now = self._airflow.triggers()
        self.taken_over += sum(owner == job and now.get(number) != job for number, owner in paused.triggers.items())
        self._airflow.kill(paused.name, signal.SIGCONT)
        self._paused = None
        self.happened[f"triggerer paused for {PAUSED_FOR:.0f} s, then resumed"] += 1

    def _harvest(self) -> None:
        untouched = self._kling.untouched()
        for number, name in list(self._armed.items()):
            if number not in untouched:
                self.happened[f"HTTP: {name}"] += 1
                del self._armed[number]
