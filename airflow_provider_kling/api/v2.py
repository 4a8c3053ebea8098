"""
Codec of the second generation of the API: the model in the path, ``GET`` and ``POST /tasks``.

``GET /tasks`` reads 20 tasks of any product, classic ones too. That is not documented; a public client measured it in
2026-09. All of it needs an API key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from airflow_provider_kling.api import task_record, values
from airflow_provider_kling.api.request import Request
from airflow_provider_kling.api.response_errors import raises_response_error
from airflow_provider_kling.exceptions import KlingTaskNotFoundError
from airflow_provider_kling.models import Task, TaskStatus
from airflow_provider_kling.products.translation import translate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_kling.api.envelope import Response
    from airflow_provider_kling.products.product import Product

#: How many ids one call takes; 21 are refused with 1201 (measured 2026-09).
MAX_IDS = 20

#: The largest page that Kling serves.
MAX_PAGE_SIZE = 500

#: A page is asked for with the cursor of the one before.
PAGES_HAVE_NUMBERS = False

#: A JWT of AccessKey and SecretKey is refused on every path of this generation.
NEEDS_API_KEY = True


def create(product: Product, body: dict[str, Any]) -> Request:
    """Build the paid call; the canonical body is translated here, because Kling ignores a misplaced key silently."""
    model = quote(str(body.get("model_name") or product.default_model), safe="")
    return Request("POST", f"{product.path}/{model}", json=translate(product, body))


def query(product: Product, any_id: str) -> Request:
    """
    Build the call that reads one task; free, and it takes no slot.

    :param any_id: Kling's task id, which is a number, or the ``external_task_id``, which is none.
    """
    return (
        query_many([any_id]) if any_id.isdecimal() else Request("GET", "/tasks", params={"external_task_ids": any_id})
    )


def query_many(task_ids: Sequence[str]) -> Request:
    """
    Build the call that reads several tasks of any product; free.

    :param task_ids: at most :data:`MAX_IDS` of Kling's ids.
    """
    return Request("GET", "/tasks", params={"task_ids": ",".join(task_ids)})


def page(product: Product, number: int, size: int, cursor: str = "") -> Request:
    """
    Build the call that lists the tasks of all video products; without a window it begins 30 days ago.

    :param number: counts for the classic generation only.
    :param size: 1 to 500.
    :param cursor: from the page before. It overrides every window, so none is sent beside it.
    """
    body: dict[str, Any] = {"limit": size, "filters": [{"key": "product_type", "values": ["video"]}]}
    return Request("POST", "/tasks", json={**body, "cursor": cursor} if cursor else body)


def next_cursor(response: Response) -> str | None:
    """Return what leads to the page after this one; empty when there is none, ``None`` when it is not said."""
    data = values.json_object(response.data)
    if data.get("has_more") is not True:
        return ""
    cursor = data.get("next_cursor")
    return cursor if isinstance(cursor, str) and cursor else None


@raises_response_error
def read_created(response: Response, product: Product) -> Task:
    """
    Read the task that a POST has created. An id is enough: it means that there is a task, whatever its status.

    :raises KlingResponseError: when the response names no task; then it is not known whether there is one.
    """
    data = {"id": response.data} if task_record.is_bare_id(response.data) else response.data
    return task_record.read_task(data, product.endpoint, response.request_id, status=TaskStatus.SUBMITTED)


@raises_response_error
def read_task(response: Response, product: Product) -> Task:
    """
    Read one task.

    :raises KlingTaskNotFoundError: when Kling returns an empty list, which means that there is none.
    :raises KlingResponseError: when there is no list in the response, or the task's status is unknown.
    """
    if response.data == []:
        raise KlingTaskNotFoundError(1201, "no task has this id", http_status=200, request_id=response.request_id)
    if not isinstance(response.data, list):
        raise task_record.no_list(response)
    return task_record.read_task(response.data, product.endpoint, response.request_id)


@raises_response_error
def read_page(response: Response, product: Product, status: TaskStatus | None = None) -> list[Task]:
    """
    Read a page of tasks; a record that cannot be read, perhaps of another product, is left out.

    :param status: taken in place of an unknown status; without it, such a task is left out.
    :raises KlingResponseError: when the response holds no list; permanent, so that the list is not asked for again.
    """
    data = values.json_object(response.data)
    # Kling leaves the list out when it is empty.
    listed = [] if "result" not in data and data.get("count") == 0 else data.get("result", response.data)
    if not isinstance(listed, list):
        raise task_record.no_list(response)
    return task_record.read_list(response._replace(data=listed), lambda _task_id: product.endpoint, status=status)


@raises_response_error
def read_tasks(response: Response, endpoints: dict[str, str]) -> list[Task]:
    """
    Read the tasks; an id that Kling does not know is simply missing, and a record that cannot be read is left out.

    :param endpoints: product by task id; the response does not name it.
    :raises KlingResponseError: when the response is no list; permanent, so that the list is not asked for again.
    """
    return task_record.read_list(response, endpoints.get)
