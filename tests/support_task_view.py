"""A task's record in Airflow, and what the tab shows of it."""

from __future__ import annotations

import json

from airflow_provider_kling.models import Task, TaskStatus, Video
from airflow_provider_kling.plugins.task_view import view_of
from airflow_provider_kling.utils._airflow.api_server import TaskKey, TaskRecord

NOW = 1_800_000_000.0
KEY = TaskKey("d", "r", "animate", -1)
SUBMISSION = {
    "endpoint": "image2video",
    "model_name": "kling-v3",
    "slot_since": None,
    "submitted_at": int((NOW - 200) * 1000),
    "accepted_at": int((NOW - 199) * 1000),
    "adopted": False,
    "estimate": "about 3 units, $0.42 (price list of 2026-09)",
}


def manifest(*results, status=TaskStatus.SUCCEED, ended=NOW - 60, **more):
    task = Task(
        task_id="179",
        external_task_id="af-1",
        status=status,
        endpoint="image2video",
        created_at=int((NOW - 199) * 1000),
        updated_at=int(ended * 1000),
        units="3",
        results=results or (Video("v1", "https://cdn.example.com/v.mp4?Signature=s", "5.041"),),
        request_id="q1",
    )
    return {**task.manifest(model_name="kling-v3"), **more}


def record(state="success", operator="KlingImageToVideoOperator", **more) -> TaskRecord:
    return TaskRecord(key=KEY, state=state, operator=operator, **more)


def view(given: TaskRecord):
    """What the page gets; it goes through JSON."""
    return json.loads(json.dumps(view_of(given, NOW)))


def rows(shown):
    return {row["label"]: row["value"] for row in shown}
