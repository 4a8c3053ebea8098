"""Runs that several figures share: every alternative, with slow and with fast results."""

from __future__ import annotations

import dataclasses
import time
from typing import TYPE_CHECKING, Any

from benchmarks.bench import say

if TYPE_CHECKING:
    from benchmarks.bench import Bench, Run
    from benchmarks.kling import Kling
    from benchmarks.scenarios import Scenario


@dataclasses.dataclass
class Outcome:
    """
    The result of a run of one alternative.

    :param run: the run.
    :param videos: number of requested videos.
    :param tasks: the tasks at Kling, oldest first.
    :param prompts: their prompts, in the same order.
    :param refusals: number of 1303 responses by ``external_task_id``.
    """

    run: Run
    videos: int
    tasks: list[dict[str, Any]]
    prompts: list[str]
    refusals: dict[str, int] = dataclasses.field(default_factory=dict)

    @property
    def problem(self) -> str:
        """What went wrong; empty if all videos were made and all tasks succeeded."""
        ended, all_of_them = self.run.count("success"), len(self.run.instances)
        if ended == all_of_them and len(self.tasks) == self.videos:
            return ""
        return f"{ended} of {all_of_them} task instances succeeded, with {len(self.tasks)} videos for {self.videos}."


def video_of(instance: dict[str, Any]) -> int | None:
    """The number of the video that a task instance makes; ``None`` for the batch."""
    if instance["map_index"] >= 0:
        return int(instance["map_index"])
    suffix = instance["task_id"].rpartition("_")[2]
    return int(suffix) if suffix.isdecimal() else None


def outcomes(bench: Bench, scenario: Scenario, seconds: float, names: tuple[str, ...]) -> dict[str, Outcome | str]:
    """Run alternatives one after the other, once for all figures; the outcome of a failure is its message."""
    return bench.once(f"outcomes of {scenario.name}", lambda: _all(bench, scenario, seconds, names))


def _all(bench: Bench, scenario: Scenario, seconds: float, names: tuple[str, ...]) -> dict[str, Outcome | str]:
    found: dict[str, Outcome | str] = {}
    with bench.kling(scenario.name, seconds=seconds) as kling:
        for name in names:
            found[name] = _outcome(bench, kling, scenario.dag_id(name), scenario.videos_of(name))
    return found


def on_slots(bench: Bench, dag_id: str, videos: int, *, slots: int, seconds: float) -> Outcome | str:
    """Run a Dag with few slots at Kling, once for all figures."""
    return bench.once(dag_id, lambda: _on_slots(bench, dag_id, videos, slots, seconds))


def _on_slots(bench: Bench, dag_id: str, videos: int, slots: int, seconds: float) -> Outcome | str:
    with bench.kling(dag_id, seconds=seconds, concurrency=slots) as kling:
        return _outcome(bench, kling, dag_id, videos)


def _outcome(bench: Bench, kling: Kling, dag_id: str, videos: int) -> Outcome | str:
    since = time.time()
    try:
        run = bench.run(dag_id)
    except (LookupError, TimeoutError) as error:
        say(f"{dag_id}: {error}")
        return f"{type(error).__name__}: {str(error)[:200]}"
    return Outcome(run, videos, kling.tasks_since(since), kling.prompts_since(since), kling.refusals_since(since))
