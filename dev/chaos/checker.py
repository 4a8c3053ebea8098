"""Compares what Kling charged with what was submitted and what Airflow delivered. Pure."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True)
class KlingTask:
    """
    A task in the simulator's ledger.

    :param label: the submission that it belongs to, from its prompt.
    :param status: Kling's status.
    :param message: why it failed.
    """

    task_id: str
    label: str
    status: str
    message: str = ""


@dataclass(frozen=True)
class File:
    """
    A stored result that a manifest lists.

    :param problem: what is wrong with the file; empty if nothing.
    """

    uri: str
    problem: str = ""


@dataclass(frozen=True)
class Submission:
    """
    A logical submission, and how it ended in Airflow.

    :param label: Dag, run and map index.
    :param state: state of the Airflow task that delivers the result.
    :param task_id: Kling's id in the delivered manifest.
    :param reason: message of the failure.
    :param files: files that the manifest lists; ``None`` if the Dag stores nothing.
    """

    label: str
    state: str | None
    task_id: str | None = None
    reason: str = ""
    files: tuple[File, ...] | None = None


@dataclass
class Verdict:
    """
    The result of a check.

    :param submissions: number of logical submissions.
    :param charged: number of tasks that Kling charged.
    :param delivered: number of submissions that delivered a charged task.
    :param refused: number of submissions that failed in Airflow with Kling's reason, and cost nothing.
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
        """All problems, one line each."""
        kinds = {"DUPLICATE": self.duplicates, "LOSS": self.losses, "UNFINISHED": self.unfinished}
        return [f"{kind}: {line}" for kind, lines in kinds.items() for line in lines]


def check(submissions: Iterable[Submission], tasks: Iterable[KlingTask]) -> Verdict:
    """
    Compare submissions and tasks.

    A failed task costs nothing and may have a successor. All others are charged, or will be.
    """
    by_label: dict[str, list[KlingTask]] = defaultdict(list)
    for task in tasks:
        by_label[task.label].append(task)
    verdict = Verdict()
    for submission in submissions:
        _check_submission(submission, by_label.pop(submission.label, []), verdict)
    for label, unexpected in by_label.items():
        _count(unexpected, verdict)
        verdict.duplicates.append(f"{label or '(no prompt)'}: no submission for {_ids(unexpected)}")
    return verdict


def _count(tasks: list[KlingTask], verdict: Verdict) -> None:
    verdict.charged += sum(task.status == "succeed" for task in tasks)


def _check_submission(submission: Submission, tasks: list[KlingTask], verdict: Verdict) -> None:
    verdict.submissions += 1
    _count(tasks, verdict)
    paid = [task for task in tasks if task.status != "failed"]
    if len(paid) > 1:
        verdict.duplicates.append(f"{submission.label}: paid {len(paid)} times, {_ids(paid)}")
    if submission.state not in {"success", "failed"}:
        verdict.unfinished.append(f"{submission.label} is {submission.state}; Kling has {_ids(tasks)}")
    elif problem := _loss(submission, tasks, paid):
        verdict.losses.append(f"{submission.label}: {problem}")
    elif submission.state == "success":
        verdict.delivered += 1
    else:
        verdict.refused += 1


def _loss(submission: Submission, tasks: list[KlingTask], paid: list[KlingTask]) -> str:
    """What is missing; empty if nothing."""
    if submission.state == "failed":
        return _loss_of_failed(submission, tasks, paid)
    if submission.task_id not in {task.task_id for task in paid if task.status == "succeed"}:
        return f"delivered {submission.task_id}, but Kling has {_ids(tasks)}"
    if submission.files is None:
        return ""
    return _loss_of_files(submission.files)


def _loss_of_failed(submission: Submission, tasks: list[KlingTask], paid: list[KlingTask]) -> str:
    reason = submission.reason or "no reason"
    if paid:
        return f"paid as {_ids(paid)} but it failed: {reason}"
    if not any(task.message and task.message in reason for task in tasks):
        return f"failed without a reason of Kling's: {reason}"
    return ""


def _loss_of_files(files: tuple[File, ...]) -> str:
    if not files:
        return "no file is stored"
    return "; ".join(f"{file.uri}: {file.problem}" for file in files if file.problem)


def _ids(tasks: list[KlingTask]) -> str:
    return ", ".join(f"{task.task_id} ({task.status})" for task in tasks) or "nothing"
