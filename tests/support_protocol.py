"""A submission, its tasks and errors, and steps through the protocol."""

from __future__ import annotations

import dataclasses

from airflow_provider_kling.exceptions import KlingConcurrencyError, KlingConnectionError, KlingDuplicateTaskError
from airflow_provider_kling.models import Task, TaskStatus
from airflow_provider_kling.submission.protocol import Submission

CUT = KlingConnectionError("cut")
DUPLICATE = KlingDuplicateTaskError(1201, "External_task_id x already exists", http_status=400)
NO_SLOT = KlingConcurrencyError(1303, "parallel task over resource pack limit", http_status=429)


def task(status: TaskStatus = TaskStatus.SUBMITTED) -> Task:
    return Task(task_id="867283741759111202", status=status, endpoint="image2video", message="because")


def first_try() -> Submission:
    return Submission("x", look_up_first=False)


def retry() -> Submission:
    return Submission("x", look_up_first=True)


def foreign_task(status: TaskStatus = TaskStatus.SUBMITTED) -> Task:
    """A task that carries somebody else's id."""
    return dataclasses.replace(task(status), external_task_id="monday-s-cat")


def take_steps(submission: Submission, *outcomes):
    step = submission.start()
    for outcome in outcomes:
        step = submission.next_step(outcome)
    return step
