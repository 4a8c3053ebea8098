"""Codec of the classic generation: everything under ``/v1/``. Source: https://kling.ai/document-api, read 2026-11."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from airflow_provider_kling.api import task_record
from airflow_provider_kling.api.request import Request
from airflow_provider_kling.api.response_errors import raises_response_error
from airflow_provider_kling.models import Task, TaskStatus

if TYPE_CHECKING:
    from airflow_provider_kling.api.envelope import Response
    from airflow_provider_kling.products.product import Product

#: The largest page that Kling serves.
MAX_PAGE_SIZE = 500
#: The highest number of a page.
MAX_PAGES = 1000

#: A page is asked for by its number.
PAGES_HAVE_NUMBERS = True

#: An API key and a JWT are both taken.
NEEDS_API_KEY = False


def create(product: Product, body: dict[str, Any]) -> Request:
    """Build the paid call."""
    return Request("POST", product.path, json=body)


def query(product: Product, any_id: str) -> Request:
    """
    Build the call that reads one task; free, and it takes no slot.

    :param any_id: Kling's task id or the ``external_task_id``.
    """
    return Request("GET", f"{product.path}/{quote(any_id, safe='')}")


def page(product: Product, number: int, size: int, cursor: str = "") -> Request:
    """
    Build the call that lists tasks of one product; the order is not documented.

    :param number: 1 to 1000.
    :param size: 1 to 500.
    :param cursor: for the second generation only.
    """
    return Request("GET", product.path, params={"pageNum": str(number), "pageSize": str(size)})


def next_cursor(response: Response) -> str:
    """Return nothing: pages have numbers here, no cursors."""
    return ""


@raises_response_error
def read_created(response: Response, product: Product) -> Task:
    """
    Read the task that a POST has created. An id is enough: it means that there is a task, whatever its status.

    :raises KlingResponseError: when the response names no task; then it is not known whether there is one.
    """
    data = response.data
    is_unnamed = product.answers == "at once" and not task_record.holds_task(data) and task_record.holds_result(data)
    if product.answers == "result" or is_unnamed:
        return task_record.read_result(response, product.endpoint)
    data = {"task_id": data} if task_record.is_bare_id(data) else data
    return task_record.read_task(data, product.endpoint, response.request_id, status=TaskStatus.SUBMITTED)


@raises_response_error
def read_task(response: Response, product: Product) -> Task:
    """
    Read one task.

    :raises KlingResponseError: when there is no task in the response, or its status is unknown.
    """
    return task_record.read_task(response.data, product.endpoint, response.request_id)


@raises_response_error
def read_page(response: Response, product: Product, status: TaskStatus | None = None) -> list[Task]:
    """
    Read a page of tasks; a record that cannot be read, perhaps of another product, is left out.

    :param status: taken in place of an unknown status; without it, such a task is left out.
    :raises KlingResponseError: when the response is no list; permanent, so that the list is not asked for again.
    """
    return task_record.read_list(response, lambda _task_id: product.endpoint, status=status)
