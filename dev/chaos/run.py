"""A chaos run: waves of Dag runs while things break, each checked by the simulator's ledger."""

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

#: What Kling says of the prompt that ``dags/chaos.py`` sends to be refused, and of a task that fails on command.
REASONS = ("risk control", str(FAULTS["task fails at Kling"]["message"]))

#: How often failed tasks are cleared at the end of a wave, as a user would.
CLEAR_ROUNDS = 3

#: A wave that does not move for so long gets its scheduler restarted, as an operator would do.
STUCK_AFTER = 90.0


@dataclass(frozen=True)
class Plan:
    """
    What a run does.

    :param seed: decides every choice.
    :param injections: things that must have gone wrong before the run may end.
    :param home: a folder of its own; emptied.
    :param sizes: submissions of a wave, by Dag.
    :param worker_deaths: at crash points, in each wave.
    :param triggerer_deaths: at crash points, in each wave.
    :param weights: how often each method of :class:`.nemesis.Nemesis` is chosen.
    :param every: seconds between two things that break, on average.
    :param concurrency: slots of the account, fewer than submissions.
    :param triggerers: how many; freezing one takes two.
    :param wave_timeout: seconds for a wave to end once nothing breaks any more.
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
    """What a run did, and what the books say."""

    seed: int
    verdict: Verdict = field(default_factory=Verdict)
    injections: Counter[str] = field(default_factory=Counter)
    waves: int = 0
    taken_over: int = 0
    rescued: int = 0
    seconds: float = 0.0

    @property
    def clean(self) -> bool:
        """Whether every promise was kept."""
        return self.verdict.clean


class Run:
    """
    One run.

    :param plan: what to do.
    :param say: prints a line.
    """

    def __init__(self, plan: Plan, say: Callable[[str], None]) -> None:
        self._plan = plan
        self._say = say
        self._chance = random.Random(plan.seed)
        self._outcome = Outcome(plan.seed)
        self._ended: list[Submission] = []

    def __call__(self) -> Outcome:
        """Run until enough has gone wrong."""
        plan, began = self._plan, time.monotonic()
        kling = Kling(plan.home / "kling", concurrency=plan.concurrency, seconds=4)
        with ChaosAirflow(plan.home, kling.connection, plan.sizes, triggerers=plan.triggerers) as airflow, kling:
            self._airflow, self._kling = airflow, kling
            self._crash_points = CrashPoints(plan.home / "crash_points")
            self._nemesis = Nemesis(airflow, kling, self._chance, plan.sizes, plan.weights)
            for dag_id in VARIANTS:
                airflow.wait_for_dag(dag_id)
            self._say(f"Airflow and the simulator are up after {time.monotonic() - began:.0f} s")
            while self._done() < plan.injections:
                self._wave(f"wave-{self._outcome.waves + 1}")
        self._outcome.seconds = time.monotonic() - began
        return self._outcome

    def _done(self) -> int:
        self._outcome.injections = self._nemesis.happened + self._crash_points.fired()
        self._outcome.taken_over = self._nemesis.taken_over
        return self._outcome.injections.total()

    def _wave(self, run_id: str) -> None:
        plan, began, before = self._plan, time.monotonic(), self._done()
        self._crash_points.plan(
            self._chance, run_id, plan.sizes, workers=plan.worker_deaths, triggerers=plan.triggerer_deaths
        )
        for dag_id in self._chance.sample(list(VARIANTS), len(VARIANTS)):
            self._airflow.trigger_dag(dag_id, run_id=run_id)
        self._break_until_over(run_id)
        self._nemesis.end_faults()
        self._wait(run_id)
        self._crash_points.disarm()
        self._rescue(run_id)
        verdict = self._check(run_id)
        self._outcome.waves += 1
        seconds = time.monotonic() - began
        self._say(
            f"{run_id}: {self._done() - before} injections, {verdict.submissions} submissions, {verdict.charged} "
            f"charged, {verdict.delivered} delivered, {verdict.refused} refused by Kling, {seconds:.0f} s"
        )
        for problem in verdict.problems:
            self._say(f"  {problem}")

    def _break_until_over(self, run_id: str) -> None:
        deadline = time.monotonic() + self._plan.wave_timeout
        while self._open(run_id) and time.monotonic() < deadline:
            self._nemesis.inject(run_id, every=self._plan.every)
            if self._done() >= self._plan.injections:
                return
            time.sleep(0.2)

    def _open(self, run_id: str) -> list[str]:
        return [dag_id for dag_id, state in self._airflow.run_states(run_id).items() if state in {"queued", "running"}]

    def _rescue(self, run_id: str) -> None:
        """Clear what failed, as a user would."""
        for _ in range(CLEAR_ROUNDS):
            failed = self._rescuable(run_id)
            if not failed:
                return
            for dag_id, task_id, index in failed:
                self._say(f"  {run_id}: {dag_id}.{task_id}[{index}] failed; cleared")
                self._airflow.clear(dag_id, run_id, [[task_id, index]], include_downstream=True)
                self._outcome.rescued += 1
            self._wait(run_id)

    def _wait(self, run_id: str) -> None:
        """Let the Dag runs end while nothing breaks."""
        deadline = time.monotonic() + self._plan.wave_timeout
        last, moved = "", time.monotonic()
        while self._open(run_id) and time.monotonic() < deadline:
            self._nemesis.recover()
            now = str(self._airflow.rows("SELECT id, state FROM task_instance WHERE run_id = ? ORDER BY id", run_id))
            if now != last:
                last, moved = now, time.monotonic()
            elif time.monotonic() - moved > STUCK_AFTER:
                self._say(f"  {run_id}: nothing has moved for {STUCK_AFTER:.0f} s; the scheduler is restarted")
                self._airflow.restart("scheduler")
                moved = time.monotonic()
            time.sleep(0.3)

    def _rescuable(self, run_id: str) -> list[tuple[str, str, int]]:
        """Failed tasks whose reason is not Kling's."""
        ends = submissions(self._airflow, self._kling, run_id, self._plan.sizes)
        refused = {instance.label for instance in ends if any(reason in instance.reason for reason in REASONS)}
        return [
            (dag_id, instance["task_id"], instance["map_index"])
            for dag_id in VARIANTS
            for instance in self._airflow.task_instances(dag_id, run_id)
            if instance["state"] == "failed" and f"{dag_id} {run_id} {instance['map_index']}" not in refused
        ]

    def _check(self, run_id: str) -> Verdict:
        """Check a wave, and everything up to now: a late second payment counts too."""
        ended = list(submissions(self._airflow, self._kling, run_id, self._plan.sizes))
        self._ended += ended
        tasks = kling_tasks(self._kling)
        self._outcome.verdict = check(self._ended, tasks)
        return check(ended, [task for task in tasks if run_id in task.label.split()])
