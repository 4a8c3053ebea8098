"""A chaos run: waves of Dag runs while failures are injected, each checked against the simulator's ledger."""

from __future__ import annotations

import random
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dev.chaos.airflow import ChaosAirflow
from dev.chaos.checker import Verdict, check
from dev.chaos.crash_points import VARIANTS, CrashPoints
from dev.chaos.faults import FAULTS
from dev.chaos.history import kling_tasks, submissions
from dev.chaos.kling import Kling
from dev.chaos.nemesis import Nemesis

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from dev.chaos.checker import Submission

#: Failure messages of Kling: for the prompt that moderation rejects, and for a task with an injected failure.
REASONS = ("risk control", str(FAULTS["task fails at Kling"]["message"]))

#: Maximum number of times that failed tasks are cleared at the end of a wave.
CLEAR_ROUNDS = 3

#: Seconds without any change of state until the scheduler is restarted, as an operator would do.
STUCK_AFTER = 90.0


@dataclass(frozen=True)
class Plan:
    """
    Parameters of a run.

    :param seed: seed of all random choices.
    :param injections: minimum number of injections.
    :param home: folder of the run; emptied first.
    :param sizes: submissions of a wave, by Dag.
    :param worker_deaths: crashes of workers at crash points, per wave.
    :param triggerer_deaths: crashes of triggerers at crash points, per wave.
    :param weights: relative frequency of each method of :class:`.nemesis.Nemesis`.
    :param every: mean seconds between two injections.
    :param concurrency: slots of the account, fewer than submissions.
    :param triggerers: number of triggerers; pausing one needs two.
    :param wave_timeout: seconds for a wave to end without further injections.
    """

    seed: int
    injections: int
    home: Path
    sizes: dict[str, int] = field(
        default_factory=lambda: {
            "chaos_trigger": 12,
            "chaos_store": 8,
            "chaos_chain": 8,
            "chaos_worker": 4,
            "chaos_batch": 8,
        }
    )
    worker_deaths: int = 20
    triggerer_deaths: int = 4
    weights: dict[str, float] = field(
        default_factory=lambda: {
            "http_fault": 12,
            "kill_worker": 5,
            "clear": 2,
            "kill_triggerer": 0.8,
            "kill_kling": 0.6,
            "kill_scheduler": 0.5,
            "kill_api_server": 0.5,
            "pause_triggerer": 1.5,
        }
    )
    every: float = 1.5
    concurrency: int = 5
    triggerers: int = 2
    wave_timeout: float = 400.0


@dataclass
class Outcome:
    """The result of a run."""

    seed: int
    verdict: Verdict = field(default_factory=Verdict)
    injections: Counter[str] = field(default_factory=Counter)
    waves: int = 0
    taken_over: int = 0
    cleared: int = 0
    seconds: float = 0.0

    @property
    def clean(self) -> bool:
        """Whether every promise was kept."""
        return self.verdict.clean


class Run:
    """
    One run.

    :param plan: parameters.
    :param say: prints a line.
    """

    def __init__(self, plan: Plan, say: Callable[[str], None]) -> None:
        self._plan = plan
        self._print = say
        self._rng = random.Random(plan.seed)
        self._outcome = Outcome(plan.seed)
        self._ended: list[Submission] = []

    def __call__(self) -> Outcome:
        """Run waves until the plan's number of injections is reached."""
        plan, began = self._plan, time.monotonic()
        kling = Kling(plan.home / "kling", concurrency=plan.concurrency, seconds=4)
        with ChaosAirflow(plan.home, kling.connection, plan.sizes, triggerers=plan.triggerers) as airflow, kling:
            self._airflow, self._kling = airflow, kling
            self._crash_points = CrashPoints(plan.home / "crash_points")
            self._nemesis = Nemesis(airflow, kling, self._rng, plan.sizes, plan.weights)
            for dag_id in VARIANTS:
                airflow.wait_for_dag(dag_id)
            self._print(f"Airflow and the simulator are up after {time.monotonic() - began:.0f} s")
            while self._injected() < plan.injections:
                self._wave(f"wave-{self._outcome.waves + 1}")
        self._outcome.seconds = time.monotonic() - began
        return self._outcome

    def _injected(self) -> int:
        self._outcome.injections = self._nemesis.injections + self._crash_points.fired()
        self._outcome.taken_over = self._nemesis.taken_over
        return self._outcome.injections.total()

    def _wave(self, run_id: str) -> None:
        plan, began, before = self._plan, time.monotonic(), self._injected()
        self._crash_points.plan(
            self._rng, run_id, plan.sizes, workers=plan.worker_deaths, triggerers=plan.triggerer_deaths
        )
        for dag_id in self._rng.sample(list(VARIANTS), len(VARIANTS)):
            self._airflow.trigger_dag(dag_id, run_id=run_id)
        self._inject_until_finished(run_id)
        self._nemesis.end_faults()
        self._wait(run_id)
        self._crash_points.disarm()
        self._clear_failed_tasks(run_id)
        verdict = self._check(run_id)
        self._outcome.waves += 1
        seconds = time.monotonic() - began
        self._print(
            f"{run_id}: {self._injected() - before} injections, {verdict.submissions} submissions, {verdict.charged} "
            f"charged, {verdict.delivered} delivered, {verdict.refused} refused by Kling, {seconds:.0f} s"
        )
        for problem in verdict.problems:
            self._print(f"  {problem}")

    def _inject_until_finished(self, run_id: str) -> None:
        deadline = time.monotonic() + self._plan.wave_timeout
        while self._unfinished(run_id) and time.monotonic() < deadline:
            self._nemesis.inject(run_id, every=self._plan.every)
            if self._injected() >= self._plan.injections:
                return
            time.sleep(0.2)

    def _unfinished(self, run_id: str) -> list[str]:
        return [dag_id for dag_id, state in self._airflow.run_states(run_id).items() if state in {"queued", "running"}]

    def _clear_failed_tasks(self, run_id: str) -> None:
        """Clear failed tasks, as a user would."""
        for _ in range(CLEAR_ROUNDS):
            failed = self._clearable_tasks(run_id)
            if not failed:
                return
            for dag_id, task_id, index in failed:
                self._print(f"  {run_id}: {dag_id}.{task_id}[{index}] failed; cleared")
                self._airflow.clear(dag_id, run_id, [[task_id, index]], include_downstream=True)
                self._outcome.cleared += 1
            self._wait(run_id)

    def _wait(self, run_id: str) -> None:
        """Wait for the end of the Dag runs without injections."""
        deadline = time.monotonic() + self._plan.wave_timeout
        last, moved = "", time.monotonic()
        while self._unfinished(run_id) and time.monotonic() < deadline:
            self._nemesis.recover()
            now = str(self._airflow.rows("SELECT id, state FROM task_instance WHERE run_id = ? ORDER BY id", run_id))
            if now != last:
                last, moved = now, time.monotonic()
            elif time.monotonic() - moved > STUCK_AFTER:
                self._print(f"  {run_id}: no change for {STUCK_AFTER:.0f} s; restarting the scheduler")
                self._airflow.restart("scheduler")
                moved = time.monotonic()
            time.sleep(0.3)

    def _clearable_tasks(self, run_id: str) -> list[tuple[str, str, int]]:
        """Failed tasks whose reason is not a failure at Kling."""
        ends = submissions(self._airflow, self._kling, run_id, self._plan.sizes)
        refused = {instance.label for instance in ends if any(reason in instance.reason for reason in REASONS)}
        return [
            (dag_id, instance["task_id"], instance["map_index"])
            for dag_id in VARIANTS
            for instance in self._airflow.task_instances(dag_id, run_id)
            if instance["state"] == "failed" and f"{dag_id} {run_id} {instance['map_index']}" not in refused
        ]

    def _check(self, run_id: str) -> Verdict:
        """Check this wave, and all waves so far, because a second payment may come late."""
        ended = list(submissions(self._airflow, self._kling, run_id, self._plan.sizes))
        self._ended += ended
        tasks = kling_tasks(self._kling)
        self._outcome.verdict = check(self._ended, tasks)
        return check(ended, [task for task in tasks if run_id in task.label.split()])
