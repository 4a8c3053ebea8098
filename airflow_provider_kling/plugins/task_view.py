"""What the tab of one task says, for what Airflow knows of the task. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_provider_kling.utils._airflow.api_server import TaskRecord


def view_of(record: TaskRecord) -> dict[str, Any]:
    """
    Return what the page shows.

    :param record: what Airflow knows.
    """
    manifest = record.xcoms.get("return_value")
    return {
        "is_kling": is_kling(record),
        "state": record.state,
        "manifest": manifest if isinstance(manifest, dict) else None,
    }


def is_kling(record: TaskRecord) -> bool:
    """
    Whether a task is one of ours, also of a subclass with another name.

    :param record: what Airflow knows.
    """
    manifest = record.xcoms.get("return_value")
    made = isinstance(manifest, dict) and {"task_id", "external_task_id", "endpoint"} <= manifest.keys()
    return record.operator.startswith("Kling") or bool(record.trigger) or made
