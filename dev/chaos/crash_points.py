"""Crash points: steps of a submission at which its process kills itself (in ``site/chaos_steps.py``)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    #: Step, Dag, run, task, map index.
    Point = tuple[str, str, str, str, str]

SUBMIT = ("post-before", "post-accepted", "post-answered", "push-before", "push-after")
DEFER = ("defer-before", "defer-sent")
SLOT = ("slot-defer", "slot-resume")
STORE = ("store-before", "store-half", "store-after", "finish-after")
RESUME = ("resume-before",)

#: Steps that run in a triggerer, whose restart takes seconds.
SLOT_IN_TRIGGERER = ("submit-before", "submit-accepted", "submit-answered")
IN_TRIGGERER = ("wait-begin", "event", "handed-half", "handed-over", "batch-report", *SLOT_IN_TRIGGERER)

#: Label of each step in the summary.
STEP_LABELS = {
    "post-before": "worker, before the POST",
    "post-accepted": "worker, Kling has accepted, no response read",
    "post-answered": "worker, response read, nothing stored",
    "push-before": "worker, before the XCom",
    "push-after": "worker, after the XCom",
    "defer-before": "worker, before deferring",
    "defer-sent": "worker, while deferring",
    "slot-defer": "worker, while it defers to wait for a slot",
    "slot-resume": "worker, resumed with a slot",
    "sensor-before": "worker, before the sensor runs",
    "resume-before": "worker, resumed after the event",
    "store-before": "worker, before storing",
    "store-half": "worker, half a file stored",
    "store-after": "worker, file stored, not reported",
    "finish-after": "worker, done, not reported",
    "submit-before": "triggerer, before the POST",
    "submit-accepted": "triggerer, Kling has accepted, no response read",
    "submit-answered": "triggerer, response read, nothing stored",
    "wait-begin": "triggerer, at the start of a wait",
    "event": "triggerer, at the event",
    "handed-half": "triggerer, half of the XComs pushed",
    "handed-over": "triggerer, XComs pushed, no event",
    "batch-report": "triggerer, in the middle of a batch",
}


@dataclass(frozen=True)
class Variant:
    """
    One Dag of ``dags/chaos.py``.

    :param delivers: the task whose success delivers the result.
    :param steps: crash points of its tasks, by task.
    :param stores: whether it stores a file.
    :param mapped: whether each submission is a mapped task instance.
    """

    delivers: str
    steps: Mapping[str, tuple[str, ...]]
    stores: bool
    mapped: bool = True

    def indexes(self, size: int) -> Sequence[int]:
        """The map indexes of its task instances in a run with ``size`` submissions."""
        return range(size) if self.mapped else (-1,)


VARIANTS = {
    "chaos_trigger": Variant("animate", {"animate": (*SUBMIT, *DEFER, *SLOT, *IN_TRIGGERER)}, stores=False),
    "chaos_store": Variant(
        "animate",
        {"animate": (*SUBMIT, *DEFER, *SLOT, *SLOT_IN_TRIGGERER, *RESUME, *STORE, "wait-begin", "event")},
        stores=True,
    ),
    "chaos_chain": Variant(
        "video.store",
        {
            "video.submit": (*SUBMIT, *SLOT, *SLOT_IN_TRIGGERER),
            "video.wait": ("sensor-before", *DEFER, *IN_TRIGGERER),
            "video.store": STORE,
        },
        stores=True,
    ),
    "chaos_worker": Variant("animate", {"animate": (*SUBMIT, *STORE)}, stores=True),
    "chaos_batch": Variant(
        "animate",
        {"animate": (*DEFER, "wait-begin", "batch-report", "event", "handed-over")},
        stores=True,
        mapped=False,
    ),
}


class CrashPoints:
    """
    The crash points of a run.

    :param folder: folder with the crash point files, which the processes read.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        (folder / "fired").mkdir(parents=True, exist_ok=True)

    def plan(self, rng: random.Random, run_id: str, sizes: Mapping[str, int], *, workers: int, triggerers: int) -> None:
        """
        Set the crash points of one wave; each step is used once before any is repeated.

        :param workers: number of crashes of workers; every fifth also kills the supervisor of the worker.
        :param triggerers: number of crashes of triggerers.
        """
        points = [
            (step, dag_id, run_id, task_id, str(index))
            for dag_id, variant in VARIANTS.items()
            for task_id, steps in variant.steps.items()
            for step in steps
            for index in variant.indexes(sizes[dag_id])
        ]
        in_triggerer = [point for point in points if point[0] in IN_TRIGGERER]
        on_worker = [point for point in points if point[0] not in IN_TRIGGERER]
        for point in _choose_evenly(rng, in_triggerer, triggerers) + _choose_evenly(rng, on_worker, workers):
            machine = point[0] not in IN_TRIGGERER and rng.random() < 0.2
            self._write("@".join(point), "machine" if machine else "")

    def disarm(self) -> None:
        """Remove the crash points that no process has reached."""
        for file in self._folder.iterdir():
            if file.is_file():
                file.unlink(missing_ok=True)

    def fired(self) -> Counter[str]:
        """Number of crashes by label of the step."""
        fired = (file for file in (self._folder / "fired").iterdir() if not file.name.startswith("."))
        return Counter(f"kill -9 of {_label(file)}" for file in fired)

    def _write(self, name: str, content: str) -> None:
        # A process must not claim a file that is not completely written.
        draft = self._folder / "fired" / f".{name}"
        draft.write_text(content)
        draft.rename(self._folder / name)


def _label(file: Path) -> str:
    label = STEP_LABELS[file.name.partition("@")[0]]
    return label.replace("worker", "worker and supervisor") if file.read_text() == "machine" else label


def _choose_evenly(rng: random.Random, points: Sequence[Point], count: int) -> list[Point]:
    """Choose crash points round-robin over the steps."""
    by_step: dict[str, list[Point]] = {}
    for point in points:
        by_step.setdefault(point[0], []).append(point)
    for candidates in by_step.values():
        rng.shuffle(candidates)
    chosen: list[Point] = []
    while by_step and len(chosen) < count:
        steps = list(by_step)
        rng.shuffle(steps)
        for step in steps[: count - len(chosen)]:
            chosen.append(by_step[step].pop())
            if not by_step[step]:
                del by_step[step]
    return chosen
