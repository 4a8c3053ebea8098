"""Crash points: the step of a submission at which its process kills itself; ``site/chaos_steps.py`` does it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping, Sequence
    from pathlib import Path

SUBMIT = ("post-before", "post-accepted", "post-answered", "push-before", "push-after")
DEFER = ("defer-before", "defer-sent")
SLOT = ("slot-defer", "slot-resume")
STORE = ("store-before", "store-half", "store-after", "finish-after")
RESUME = ("resume-before",)

#: These kill a triggerer, whose restart takes seconds.
IN_TRIGGERER = ("wait-begin", "event", "handed-half", "handed-over", "batch-report")

#: Step to what the summary calls it.
WORDS = {
    "post-before": "worker, before the POST",
    "post-accepted": "worker, Kling has accepted, no answer read",
    "post-answered": "worker, answer read, nothing kept",
    "push-before": "worker, before the XCom",
    "push-after": "worker, after the XCom",
    "defer-before": "worker, before it defers",
    "defer-sent": "worker, while it defers",
    "slot-defer": "worker, while it leaves to wait for a slot",
    "slot-resume": "worker, back for a slot",
    "sensor-before": "worker, sensor begins",
    "resume-before": "worker, resumed after the event",
    "store-before": "worker, before it stores",
    "store-half": "worker, half a file stored",
    "store-after": "worker, file stored, nobody told",
    "finish-after": "worker, all done, nobody told",
    "wait-begin": "triggerer, as a wait begins",
    "event": "triggerer, at the event",
    "handed-half": "triggerer, half of the XComs pushed",
    "handed-over": "triggerer, XComs pushed, no event",
    "batch-report": "triggerer, in the middle of a batch",
}


@dataclass(frozen=True)
class Variant:
    """
    One Dag of ``dags/chaos.py``.

    :param delivers: the task whose success is the delivery.
    :param steps: the steps that its tasks pass, by task.
    :param stores: whether it stores a file.
    :param mapped: whether each submission is a task instance of its own.
    """

    delivers: str
    steps: Mapping[str, tuple[str, ...]]
    stores: bool
    mapped: bool = True

    def indexes(self, size: int) -> Sequence[int]:
        """The map indexes of its task instances, when a run makes ``size`` submissions."""
        return range(size) if self.mapped else (-1,)


VARIANTS = {
    "chaos_trigger": Variant("animate", {"animate": (*SUBMIT, *DEFER, *SLOT, *IN_TRIGGERER)}, stores=False),
    "chaos_store": Variant(
        "animate", {"animate": (*SUBMIT, *DEFER, *SLOT, *RESUME, *STORE, "wait-begin", "event")}, stores=True
    ),
    "chaos_chain": Variant(
        "video.store",
        {
            "video.submit": (*SUBMIT, *SLOT),
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

    :param folder: where the processes look.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        (folder / "fired").mkdir(parents=True, exist_ok=True)

    def plan(
        self, chance: random.Random, run_id: str, sizes: Mapping[str, int], *, workers: int, triggerers: int
    ) -> None:
        """
        Set the crash points of one wave; every step comes up before one is repeated.

        :param workers: deaths of workers; every fifth takes the process that watches the worker along.
        :param triggerers: deaths of triggerers.
        """
        places = [
            (step, dag_id, run_id, task_id, str(index))
            for dag_id, variant in VARIANTS.items()
            for task_id, steps in variant.steps.items()
            for step in steps
            for index in variant.indexes(sizes[dag_id])
        ]
        in_triggerer = [place for place in places if place[0] in IN_TRIGGERER]
        on_worker = [place for place in places if place[0] not in IN_TRIGGERER]
        for place in _evenly(chance, in_triggerer, triggerers) + _evenly(chance, on_worker, workers):
            machine = place[0] not in IN_TRIGGERER and chance.random() < 0.2
            self._write("@".join(place), "machine" if machine else "")

    def disarm(self) -> None:
        """Remove those that no process has reached."""
        for point in self._folder.iterdir():
            if point.is_file():
                point.unlink(missing_ok=True)

    def fired(self) -> Counter[str]:
        """Deaths that happened, by what the summary calls the step."""
        fired = (point for point in (self._folder / "fired").iterdir() if not point.name.startswith("."))
        return Counter(f"kill -9 of {_words(point)}" for point in fired)

    def _write(self, name: str, content: str) -> None:
        # A process must not claim a point that is still being written.
        draft = self._folder / "fired" / f".{name}"
        draft.write_text(content)
        draft.rename(self._folder / name)


def _words(point: Path) -> str:
    words = WORDS[point.name.partition("@")[0]]
    return words.replace("worker", "worker and watcher") if point.read_text() == "machine" else words


def _evenly(chance: random.Random, places: list[tuple[str, ...]], count: int) -> list[tuple[str, ...]]:
    """Choose places so that the steps take turns."""
    by_step: dict[str, list[tuple[str, ...]]] = {}
    for place in places:
        by_step.setdefault(place[0], []).append(place)
    for alike in by_step.values():
        chance.shuffle(alike)
    chosen: list[tuple[str, ...]] = []
    while by_step and len(chosen) < count:
        turn = list(by_step)
        chance.shuffle(turn)
        for step in turn[: count - len(chosen)]:
            chosen.append(by_step[step].pop())
            if not by_step[step]:
                del by_step[step]
    return chosen
