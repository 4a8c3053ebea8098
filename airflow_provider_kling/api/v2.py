"""
Codec of the new generation, as far as it serves the classic products too: ``GET /tasks`` reads 20 tasks of any product.

That it returns classic tasks is not documented; a public client measured it in 2026-09. It needs an API key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_kling.api.parts import read_video, unknown_status
from airflow_provider_kling.api.request import Request
from airflow_provider_kling.models import Task, TaskStatus

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_kling.api.envelope import Answer

#: How many ids one call takes; 21 are refused with 1201 (measured 2026-09).
MAX_IDS = 20

#: The new generation's words for the states of a task.
STATUS_WORDS = {
    "submitted": TaskStatus.SUBMITTED,
    "processing": TaskStatus.PROCESSING,
    "succeeded": TaskStatus.SUCCEED,
    "succeed": TaskStatus.SUCCEED,
    "failed": TaskStatus.FAILED,
}


def query_many(task_ids: Sequence[str]) -> Request:
    """
    Build the call that reads several tasks of any product; free.

    :param task_ids: at most :data:`MAX_IDS` of Kling's ids.
    """
    return Request("GET", "/tasks", params={"task_ids": ",".join(task_ids)})


def read_tasks(answer: Answer, endpoints: dict[str, str]) -> list[Task]:
    """
    Read the tasks; an id that Kling does not know is simply missing.

    :param endpoints: product by task id; the answer does not name it.
    """
    return [
        _task(item, endpoints[str(item["id"])], answer.request_id)
        for item in answer.data or []
        if isinstance(item, dict) and str(item.get("id")) in endpoints
    ]


def _task(item: dict[str, Any], endpoint: str, request_id: str) -> Task:
    word = str(item.get("status"))
    if word not in STATUS_WORDS:
        raise unknown_status(word, str(item["id"]))
    units = [entry for entry in item.get("billing") or [] if entry.get("charge_type") == "unit"]
    return Task(
        task_id=str(item["id"]),
        status=STATUS_WORDS[word],
        endpoint=endpoint,
        message=str(item.get("message") or ""),
        external_task_id=str(item.get("external_id") or ""),
        created_at=int(item.get("create_time") or 0),
        updated_at=int(item.get("update_time") or 0),
        units=str(units[0].get("amount") or "") if units else "",
        videos=tuple(read_video(output) for output in item.get("outputs") or [] if output.get("type") == "video"),
        request_id=request_id,
    )
