"""Codec of the classic generation: everything under ``/v1/``. Source: https://kling.ai/document-api, read 2026-11."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from airflow_provider_kling.api.parts import read_video, unknown_status
from airflow_provider_kling.api.request import Request
from airflow_provider_kling.exceptions import KlingResponseError, particulars
from airflow_provider_kling.models import Task, TaskStatus

if TYPE_CHECKING:
    from airflow_provider_kling.api.envelope import Answer
    from airflow_provider_kling.api.products import Product

#: The largest page that Kling serves.
MAX_PAGE_SIZE = 500


def create(product: Product, body: dict[str, Any]) -> Request:
    """Build the paid call."""
    return Request("POST", product.path, json=body)


def query(product: Product, any_id: str) -> Request:
    """
    Build the call that reads one task; free, and it takes no slot.

    :param any_id: Kling's task id or the ``external_task_id``.
    """
    return Request("GET", f"{product.path}/{quote(any_id, safe='')}")


def page(product: Product, number: int, size: int) -> Request:
    """
    Build the call that lists tasks of one product; the order is not documented.

    :param number: 1 to 1000.
    :param size: 1 to 500.
    """
    return Request("GET", product.path, params={"pageNum": str(number), "pageSize": str(size)})


def read_task(answer: Answer, product: Product) -> Task:
    """
    Read one task.

    :raises KlingResponseError: when there is no task in the answer, or its status is unknown.
    """
    return _task(answer.data, product, answer.request_id)


def read_page(answer: Answer, product: Product) -> list[Task]:
    """Read a page of tasks."""
    return [_task(item, product, answer.request_id) for item in answer.data or []]


def _task(data: Any, product: Product, request_id: str) -> Task:
    if not isinstance(data, dict) or not data.get("task_id"):
        raise KlingResponseError(
            f"Check the connection's host: the answer holds no task.{particulars(request_id=request_id)}",
            http_status=200,
        )
    info = data.get("task_info") or {}
    result = data.get("task_result") or {}
    return Task(
        task_id=str(data["task_id"]),
        status=_status(data),
        endpoint=product.endpoint,
        message=str(data.get("task_status_msg") or ""),
        external_task_id=str(info.get("external_task_id") or ""),
        created_at=int(data.get("created_at") or 0),
        updated_at=int(data.get("updated_at") or 0),
        units=str(data.get("final_unit_deduction") or ""),
        videos=tuple(read_video(item) for item in result.get("videos") or []),
        request_id=request_id,
    )


def _status(data: dict[str, Any]) -> TaskStatus:
    word = str(data.get("task_status"))
    try:
        return TaskStatus(word)
    except ValueError:
        raise unknown_status(word, str(data["task_id"])) from None
