"""The weather of a run: what goes wrong at random moments, from a seeded schedule, and how often it really did."""

from __future__ import annotations

import signal
import time
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

import psutil
import requests

from dev.chaos.faults import CLOCK_SKEW, FAULTS, SKEWED_FOR
from dev.chaos.orders import VARIANTS

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Mapping

    from dev.chaos.kling import Kling
    from dev.chaos.stage import ChaosAirflow

#: Seconds that a triggerer is frozen: longer than Airflow waits before another one takes over, in any configuration.
FROZEN_FOR = 32.0

#: How the process that watches a worker calls itself.
WATCHER = "airflow worker -- LocalExecutor"

#: Triggers that must be waiting, so that a frozen triggerer has some that the other one can take over.
WORTH_FREEZING = 4


class Frost(NamedTuple):
    """A triggerer that is frozen, and which job ran which trigger at that moment."""

    name: str
    since: datetime
    until: float
    triggers: dict[int, int | None]


class Weather:
    """
    Breaks things, one after the other.

    :param airflow: its components die.
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
        self._calm_at: float | None = None
        self._frost: Frost | None = None
        self.taken_over = 0
        self._next = 0.0

    def blow(self, run_id: str, *, every: float) -> None:
        """
        Do what is due: end what has lasted long enough, raise what has died, break one more thing.

        :param run_id: of the Dag runs of this wave.
        :param every: seconds between two things that break, on average.
        """
        self.mend()
        now = time.monotonic()
        if now >= self._next:
            self._next = now + self._chance.expovariate(1 / every)
            (name,) = self._chance.choices(list(self._weights), list(self._weights.values()))
            action: Callable[[str], None] = getattr(self, name)
            action(run_id)

    def mend(self) -> None:
        """Thaw and put the clock right when it is time, and start what has died."""
        now = time.monotonic()
        if self._frost and now >= self._frost.until:
            self._thaw(self._frost)
        if self._calm_at and now >= self._calm_at:
            self.calm()
        if ended := self._airflow.ended():
            self._airflow.start(*ended, timeout=180)

    def calm(self) -> None:
        """End all faults of HTTP, after counting those that a request has met."""
        self._harvest()
        self._kling.calm()
        self._armed.clear()
        self._calm_at = None

    def http_fault(self, _run_id: str) -> None:
        """Arm one of the faults."""
        name = self._chance.choice(list(FAULTS))
        if name == CLOCK_SKEW:
            if self._calm_at:
                return
            self._calm_at = time.monotonic() + SKEWED_FOR
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
            doomed = [watcher, process] if with_watcher and watcher else [process]
            for victim in doomed:
                victim.kill()
            self.happened[f"kill -9 of worker{' and watcher' if len(doomed) > 1 else ''}, at random"] += 1

    def kill_triggerer(self, _run_id: str) -> None:
        """Kill a triggerer that is not frozen."""
        frozen = self._frost.name if self._frost else None
        awake = [name for name in self._airflow.triggerers if name != frozen]
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
        self._calm_at = None
        time.sleep(self._chance.uniform(0.5, 3))
        self._kling.start()
        self.happened["simulator killed and restarted with its state"] += 1

    def freeze_triggerer(self, _run_id: str) -> None:
        """Freeze one of two triggerers for longer than the other one waits for it."""
        waiting = len(self._airflow.triggers())
        if self._frost or len(self._airflow.triggerers) < 2 or waiting < WORTH_FREEZING:
            return
        name = self._chance.choice(self._airflow.triggerers)
        self._airflow.kill(name, signal.SIGSTOP)
        self._frost = Frost(name, datetime.now(UTC), time.monotonic() + FROZEN_FOR, self._airflow.triggers())

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

    def _thaw(self, frost: Frost) -> None:
        job = self._airflow.silent_since(frost.since)
        now = self._airflow.triggers()
        self.taken_over += sum(owner == job and now.get(number) != job for number, owner in frost.triggers.items())
        self._airflow.kill(frost.name, signal.SIGCONT)
        self._frost = None
        self.happened[f"triggerer frozen for {FROZEN_FOR:.0f} s, then thawed"] += 1

    def _harvest(self) -> None:
        untouched = self._kling.untouched()
        for number, name in list(self._armed.items()):
            if number not in untouched:
                self.happened[f"HTTP: {name}"] += 1
                del self._armed[number]
