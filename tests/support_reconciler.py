"""A reconciler with a few items, and tasks and errors of Kling for it."""

from __future__ import annotations

from airflow_provider_kling.batch.actions import Desired, Policy, Submit
from airflow_provider_kling.batch.reconciler import Reconciler
from airflow_provider_kling.exceptions import KlingConcurrencyError, KlingConnectionError
from airflow_provider_kling.models import Task, TaskStatus, Video

CUT = KlingConnectionError("cut")
FULL = KlingConcurrencyError(1303, "parallel task over resource pack limit", http_status=429)
START = 1_000_000.0
FOREVER = START + 1e9
VIDEO = (Video("v", "https://kling.example/v.mp4"),)


def task(name: str, status=TaskStatus.SUBMITTED, *, task_id="1", message="", units="", created=START + 1) -> Task:
    videos = VIDEO if status is TaskStatus.SUCCEED else ()
    return Task(task_id, status, "image2video", message, name, int(created * 1000), 0, units=units, results=videos)


def batch(count=3, **policy) -> Reconciler:
    desired = [Desired(f"k{number}", f"x{number}") for number in range(count)]
    return Reconciler(
        desired, Policy(**{"concurrency": 5, "started_at": START, "end_time": FOREVER, **policy}), jitter=lambda: 0.5
    )


def kinds(actions) -> list[str]:
    return [type(action).__name__ for action in actions]


def submits(actions) -> list[str]:
    return [action.key for action in actions if isinstance(action, Submit)]


def finished(key: int, units="1") -> Task:
    return task(f"x{key}", TaskStatus.SUCCEED, task_id=f"t{key}", units=units)


def done(reconciler: Reconciler, key: int, units="1", now=START) -> None:
    reconciler.observed(f"k{key}", finished(key, units), now)
    reconciler.stored(f"k{key}", [{"uri": "u"}])
