"""``GET /tasks`` and ``POST /tasks``: every task, whatever created it, in the words of the new generation.

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
from airflow_provider_kling.simulator.validation import Body, bad, typed

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
class Tasks:
    """The tasks of one of the two places that list them.

    :param of_solutions: whether they are those of packaged scenarios, which have a place of their own.
    :param limit: how many are on a page unless the caller says it.
    """

    of_solutions: bool
    limit: int

    def holds(self, task: Task) -> bool:
        """Whether a task stands there."""
        return PRODUCTS[task.product].is_task and (task.product in solutions.PRODUCTS) is self.of_solutions


TASKS: Final = Tasks(of_solutions=False, limit=DEFAULT_LIMIT)
SOLUTIONS: Final = Tasks(of_solutions=True, limit=MAX_LIMIT)


def query(service: Service, parameters: Mapping[str, str], place: Tasks = TASKS) -> list[dict[str, Any]]:
    """``data`` of ``GET /tasks`` or ``GET /solutions``; unknown ids are simply missing."""
    task_ids, external_ids = (_ids(parameters, name) for name in ("task_ids", "external_task_ids"))
    if not task_ids and not external_ids:
        raise bad("task_ids or external_task_ids is required")
    if len(task_ids) + len(external_ids) > MAX_IDS:
        raise bad("task_ids and external_task_ids cannot exceed 20 in total")
    found = service.account.by_ids(task_ids, external_ids)
    return [views.unified(task, service.result) for task in found if place.holds(task)]


def _ids(parameters: Mapping[str, str], name: str) -> list[str]:
    return [value.strip() for value in parameters.get(name, "").split(",") if value.strip()]


def listing(service: Service, body: Body, place: Tasks = TASKS) -> dict[str, Any]:
    """``data`` of ``POST /tasks`` or ``POST /solutions``: one page, and a cursor for the next."""
    limit = typed(body, "limit", int, place.limit)
    if place.of_solutions:
        # Their pages: 0 and less count as 1.
        limit = max(limit, 1)
    if not 1 <= limit <= MAX_LIMIT:
        raise bad(f"limit value '{limit}' is invalid")
    window = _window(body, service.clock.now_ms())
    chosen = _filtered(service, body, window, place)
    rest = chosen[window["skip"] :]
    page, more = rest[:limit], len(rest) > limit
    data: dict[str, Any] = {"count": len(page), "has_more": more}
    if page:
        data["result"] = [views.unified(task, service.result) for task in page]
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
        # Measured: numbers and strings are both accepted.
        return int(value)
    except (TypeError, ValueError, OverflowError):
        raise bad(f"{name} value '{value}' is invalid") from None


def _cursor(window: dict[str, int]) -> str:
    return base64.urlsafe_b64encode(json.dumps(window).encode()).decode()


def _read_cursor(cursor: str) -> dict[str, int]:
    try:
        window = json.loads(base64.urlsafe_b64decode(cursor))
        return {name: int(window[name]) for name in ("start", "end", "skip")}
    except (binascii.Error, ValueError, TypeError, KeyError, OverflowError):
        raise bad("cursor value is invalid") from None


def _filtered(service: Service, body: Body, window: dict[str, int], place: Tasks) -> list[Task]:
    wanted = {"status": set(STATUSES), "product_type": set(PACKS)}
    for item in typed(body, "filters", list, []):
        key = item.get("key") if isinstance(item, dict) else None
        if key not in wanted or not isinstance(item.get("values"), list):
            raise bad(f"filters.key value '{key}' is invalid, allowed values: status, product_type")
        wanted[key] = {value for value in item["values"] if isinstance(value, str)}
    newest_first = service.settings.list_order == "newest"
    return [
        task
        for task in service.account.all_tasks(newest_first=newest_first)
        if place.holds(task)
        and window["start"] <= task.created_at <= window["end"]
        and task.pack in wanted["product_type"]
        and not wanted["status"].isdisjoint(_words(task, place))
    ]


def _words(task: Task, place: Tasks) -> set[str]:
    """What the status of a task is called in a filter; the page of one scenario has the classic word."""
    if task.status != "succeed":
        return {task.status}
    return {"succeeded", "succeed"} if place.of_solutions else {"succeeded"}
