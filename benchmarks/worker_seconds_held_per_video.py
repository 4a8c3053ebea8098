"""Seconds in which a worker process is held while Kling works on a video."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks import scenarios
from benchmarks.cpu_per_video import costs, slow_outcomes
from benchmarks.figures import Row
from benchmarks.waits import video_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.bench import Bench
    from benchmarks.waits import Outcome

#: Seconds that the submitting process may need to end after Kling has accepted the task.
GRACE = 5.0

#: Alternatives whose target is zero; a separate sensor task needs a moment to start.
NONE_AT_ALL = (scenarios.OPERATOR, scenarios.STARTED_IN_TRIGGERER, scenarios.BATCH)


def measure(bench: Bench) -> list[Row]:
    """Return a row for each alternative, from the runs of ``cpu_per_video``."""
    costs(bench)
    return [_row(name, outcome) for name, outcome in slow_outcomes(bench).items()]


def _row(name: str, outcome: Outcome | str) -> Row:
    text = scenarios.ALTERNATIVES[name]
    limit = 0.0 if name in NONE_AT_ALL else None
    if isinstance(outcome, str):
        return Row(text, None, "s", limit, note=outcome)
    held = sum(_overlap(life, work) for life, work in _lives_and_works(outcome)) / outcome.videos
    return Row(
        text,
        held,
        "s",
        limit,
        note=f"From {GRACE:.0f} s after acceptance to the end.",
        reason="worker processes of submissions were slow to end.",
        idea="repeat it on a machine that does nothing else.",
    )


def _lives_and_works(outcome: Outcome) -> Iterator[tuple[tuple[float, float], tuple[float, float]]]:
    """The lifetime of each worker process, with the time in which Kling worked on its video."""
    works: dict[int | None, tuple[float, float]] = {
        int(prompt.split()[-1]): (task["created_at"] / 1000, task["updated_at"] / 1000)
        for prompt, task in zip(outcome.prompts, outcome.tasks, strict=True)
    }
    whole = (min(start for start, _ in works.values()), max(end for _, end in works.values()))
    numbers = {task_instance["id"].replace("-", ""): video_of(task_instance) for task_instance in outcome.run.instances}
    for instance, first, last in outcome.run.lives:
        if instance in numbers:
            yield (first, last), works.get(numbers[instance], whole)


def _overlap(life: tuple[float, float], work: tuple[float, float]) -> float:
    return max(0.0, min(life[1], work[1]) - max(life[0], work[0] + GRACE))
