"""Airflow tasks that fail although Kling made the video, with results after one second."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks import scenarios
from benchmarks.figures import Row
from benchmarks.waits import Outcome, outcomes, video_of

if TYPE_CHECKING:
    from benchmarks.bench import Bench

SECONDS = 1.0
OURS = (scenarios.OPERATOR, scenarios.OPERATOR_AND_SENSOR, scenarios.STARTED_IN_TRIGGERER, scenarios.BATCH)
COMPARED = (scenarios.RESCHEDULE, scenarios.CONVENTIONAL, *OURS)
STALE = "Airflow fails a task that resumes before the executor's late event of its deferral (apache/airflow#72716)."


def measure(bench: Bench) -> list[Row]:
    """Return a row for each alternative that can defer."""
    every = outcomes(bench, scenarios.fast(bench.sizes), SECONDS, COMPARED)
    return [_row(name, outcome) for name, outcome in every.items()]


def _row(name: str, outcome: Outcome | str) -> Row:
    text = scenarios.ALTERNATIVES[name]
    limit = 0.0 if name in OURS else None
    if isinstance(outcome, str):
        return Row(text, None, "", limit, note=outcome)
    run = outcome.run
    # A video has one or two task instances; it is lost if one of them fails.
    lost = len({video_of(instance) for instance in run.instances if instance["state"] != "success"})
    made = sum(task["status"] == "succeed" for task in outcome.tasks)
    note = f"{made} of {outcome.videos} videos made." + (f" {STALE}" if lost and name not in OURS else "")
    idea = "look at the logs of the tasks that failed, in .airflow/benchmarks/logs."
    return Row(text, lost, "", limit, note=note, reason=STALE, idea=idea)
