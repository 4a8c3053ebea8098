"""What a task leaves when it fails, for a branch to look at."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_kling.exceptions import KlingError


def push_failure(error: KlingError, context: Context, kling_task_id: str | None = None) -> None:
    """
    Leave the XCom ``failure``, so that a branch can look at what went wrong.

    :param error: what went wrong.
    :param context: Airflow's context.
    :param kling_task_id: the task, when the error does not name one.
    """
    context["ti"].xcom_push(
        key="failure",
        value={
            "error": type(error).__name__,
            "code": getattr(error, "code", None),
            "message": error.message,
            "task_id": error.kling_task_id or kling_task_id,
        },
    )
