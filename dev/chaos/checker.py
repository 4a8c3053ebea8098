"""The check, pure: what Kling charged, against what was asked for and what Airflow delivered."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True)
class KlingTask:
    """
    A task in the simulator's books.

    :param label: the submission that it belongs to; its prompt says so.
    :param status: Kling's.
    :param message: why it failed.
    """

    task_id: str
    label: str
    status: str
    message: str = ""


@dataclass(frozen=True)
class File:
    """
    A stored result as the manifest promises it, and as it is.

    :param problem: what is wrong with it, or nothing.
    """

    uri: str
    problem: str = ""


@dataclass(frozen=True)
class Submission:
    """
    A logical submission, and how it ended in Airflow.

    :param label: Dag, run and map index.
    :param state: of the Airflow task that delivers.
    :param task_id: Kling's id in what was delivered.
    :param reason: what the failure says.
    :param files: what the manifest lists; ``None`` if nothing was to be stored.
    """

    label: str
    state: str | None
    task_id: str | None = None
    reason: str = ""
    files: tuple[File, ...] | None = None


@dataclass
class Verdict:
    """
    What the books say.

    :param submissions: how many were asked for.
    :param charged: how many tasks Kling charged.
    :param delivered: how many submissions ended with the task that was charged.
    :param refused: how many failed in Airflow with the reason that Kling gave, and cost nothing.
    """

    submissions: int = 0
    charged: int = 0
    delivered: int = 0
    refused: int = 0
    duplicates: list[str] = field(default_factory=list)
    losses: list[str] = field(default_factory=list)
    unfinished: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Whether every promise was kept."""
        return not (self.duplicates or self.losses or self.unfinished) and self.charged == self.delivered

    @property
    def problems(self) -> list[str]:
        """Everything that is wrong, a line each."""
        kinds = {"DUPLICATE": self.duplicates, "LOSS": self.losses, "UNFINISHED": self.unfinished}
        return [f"{kind}: {line}" for kind, lines in kinds.items() for line in lines]


def check(submissions: Iterable[Submission], tasks: Iterable[KlingTask]) -> Verdict:
    """
    Compare the books.

    A task that Kling reports failed costs nothing and may have a successor. All others are charged, or will be.
    """
    by_label: dict[str, list[KlingTask]] = defaultdict(list)
    for task in tasks:
        by_label[task.label].append(task)
    verdict = Verdict()
    for submission in submissions:
        _check_submission(submission, by_label.pop(submission.label, []), verdict)
    for label, strangers in by_label.items():
        _count(strangers, verdict)
        verdict.duplicates.append(f"{label or '(no prompt)'}: nobody asked for {_ids(strangers)}")
    return verdict


def _count(tasks: list[KlingTask], verdict: Verdict) -> None:
    verdict.charged += sum(task.status == "succeed" for task in tasks)


def _check_submission(submission: Submission, tasks: list[KlingTask], verdict: Verdict) -> None:
    verdict.submissions += 1
    _count(tasks, verdict)
    alive = [task for task in tasks if task.status != "failed"]
    if len(alive) > 1:
        verdict.duplicates.append(f"{submission.label}: paid {len(alive)} times, {_ids(alive)}")
    if submission.state not in {"success", "failed"}:
        verdict.unfinished.append(f"{submission.label} is {submission.state}; Kling has {_ids(tasks)}")
    elif problem := _loss(submission, tasks, alive):
        verdict.losses.append(f"{submission.label}: {problem}")
    elif submission.state == "success":
        verdict.delivered += 1
    else:
        verdict.refused += 1


def _loss(submission: Submission, tasks: list[KlingTask], alive: list[KlingTask]) -> str:
    """What is missing, in words; nothing when all is well."""
    if submission.state == "failed":
        return _loss_of_failed(submission, tasks, alive)
    if submission.task_id not in {task.task_id for task in alive if task.status == "succeed"}:
        return f"delivered {submission.task_id}, but Kling has {_ids(tasks)}"
    if submission.files is None:
        return ""
    return _loss_of_files(submission.files)


def _loss_of_failed(submission: Submission, tasks: list[KlingTask], alive: list[KlingTask]) -> str:
    reason = submission.reason or "no reason"
    if alive:
        return f"paid as {_ids(alive)} but it failed: {reason}"
    if not any(task.message and task.message in reason for task in tasks):
        return f"failed without a reason of Kling's: {reason}"
    return ""


def _loss_of_files(files: tuple[File, ...]) -> str:
    if not files:
        return "no file is stored"
    return "; ".join(f"{file.uri}: {file.problem}" for file in files if file.problem)


def _ids(tasks: list[KlingTask]) -> str:
    return ", ".join(f"{task.task_id} ({task.status})" for task in tasks) or "nothing"
