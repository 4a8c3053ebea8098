"""``GET /tasks`` and ``POST /tasks``: the tasks of all products, with the field names of the second generation.

Texts of a bad ``limit``, ``cursor``, time or filter were not observed.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_kling.simulator import views
from airflow_provider_kling.simulator.products import PRODUCTS, solutions
from airflow_provider_kling.simulator.validation import Body, invalid, typed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_kling.simulator.service import Service
    from airflow_provider_kling.simulator.tasks import Task

#: Measured: 20 ids are answered, 21 are refused.
MAX_IDS: Final = 20
DEFAULT_LIMIT: Final = 100
MAX_LIMIT: Final = 500
THIRTY_DAYS_MS: Final = 30 * 24 * 3600 * 1000
STATUSES: Final = ("submitted", "processing", "succeeded", "failed")
PACKS: Final = ("video", "image", "try_on")


@dataclass(frozen=True)
class TaskList:
    """One of the two lists of tasks.

    :param of_solutions: whether it is the list of packaged scenarios.
    :param limit: default number of tasks on a page.
    """

    of_solutions: bool
    limit: int

    def includes(self, task: Task) -> bool:
        """Whether a task belongs to the list."""
        return PRODUCTS[task.product].is_task and (task.product in solutions.PRODUCTS) is self.of_solutions


TASKS: Final = TaskList(of_solutions=False, limit=DEFAULT_LIMIT)
SOLUTIONS: Final = TaskList(of_solutions=True, limit=MAX_LIMIT)


def query(service: Service, parameters: Mapping[str, str], task_list: TaskList = TASKS) -> list[dict[str, Any]]:
    """``data`` of ``GET /tasks`` or ``GET /solutions``; unknown ids are left out."""
    task_ids, external_ids = (_ids(parameters, name) for name in ("task_ids", "external_task_ids"))
    if not task_ids and not external_ids:
        raise invalid("task_ids or external_task_ids is required")
    if len(task_ids) + len(external_ids) > MAX_IDS:
        raise invalid("task_ids and external_task_ids cannot exceed 20 in total")
    found = service.account.by_ids(task_ids, external_ids)
    return [views.v2(task, service.result) for task in found if task_list.includes(task)]


def _ids(parameters: Mapping[str, str], name: str) -> list[str]:
    return [value.strip() for value in parameters.get(name, "").split(",") if value.strip()]


def list_tasks(service: Service, body: Body, task_list: TaskList = TASKS) -> dict[str, Any]:
    """``data`` of ``POST /tasks`` or ``POST /solutions``: one page and a cursor for the next."""
    limit = typed(body, "limit", int, task_list.limit)
    if task_list.of_solutions:
        # Pages of scenarios: 0 and less count as 1.
        limit = max(limit, 1)
    if not 1 <= limit <= MAX_LIMIT:
        raise invalid(f"limit value '{limit}' is invalid")
    window = _window(body, service.clock.now_ms())
    chosen = _filtered(service, body, window, task_list)
    rest = chosen[window["skip"] :]
    page, more = rest[:limit], len(rest) > limit
    data: dict[str, Any] = {"count": len(page), "has_more": more}
    if page:
        data["result"] = [views.v2(task, service.result) for task in page]
    if more:
        data["next_cursor"] = _cursor(window | {"skip": window["skip"] + limit})
    return data


def _window(body: Body, now: int) -> dict[str, int]:
    if cursor := typed(body, "cursor", str):
        return _read_cursor(cursor)
    end = _time(body, "end_time", now)
    return {"start": _time(body, "start_time", end - THIRTY_DAYS_MS), "end": end, "skip": 0}


def _time(body: Body, name: str, default: int) -> int:
    value = body.get(name, default)
    try:
        # Measured: numbers and strings are accepted.
        return int(value)
    except (TypeError, ValueError, OverflowError):
        raise invalid(f"{name} value '{value}' is invalid") from None


def _cursor(window: dict[str, int]) -> str:
    return base64.urlsafe_b64encode(json.dumps(window).encode()).decode()


def _read_cursor(cursor: str) -> dict[str, int]:
    try:
        window = json.loads(base64.urlsafe_b64decode(cursor))
        return {name: int(window[name]) for name in ("start", "end", "skip")}
    except (binascii.Error, ValueError, TypeError, KeyError, OverflowError):
        raise invalid("cursor value is invalid") from None


def _filtered(service: Service, body: Body, window: dict[str, int], task_list: TaskList) -> list[Task]:
    wanted = {"status": set(STATUSES), "product_type": set(PACKS)}
    for item in typed(body, "filters", list, []):
        key = item.get("key") if isinstance(item, dict) else None
        if key not in wanted or not isinstance(item.get("values"), list):
            raise invalid(f"filters.key value '{key}' is invalid, allowed values: status, product_type")
        wanted[key] = {value for value in item["values"] if isinstance(value, str)}
    newest_first = service.settings.list_order == "newest"
    return [
        task
        for task in service.account.all_tasks(newest_first=newest_first)
        if task_list.includes(task)
        and window["start"] <= task.created_at <= window["end"]
        and task.pack in wanted["product_type"]
        and not wanted["status"].isdisjoint(_status_names(task, task_list))
    ]


def _status_names(task: Task, task_list: TaskList) -> set[str]:
    """Values of a status filter that match a task; the page of one scenario has the classic value ``succeed``."""
    if task.status != "succeed":
        return {task.status}
    return {"succeeded", "succeed"} if task_list.of_solutions else {"succeeded"}
