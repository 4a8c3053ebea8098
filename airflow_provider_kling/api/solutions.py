"""
Codec of packaged scenarios: everything under ``/solutions``. Their tasks look like those of the second generation, and
stand in a list of their own. Source: page of solutions of https://kling.ai/document-api, read 2026-11.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from airflow_provider_kling.api.request import Request
from airflow_provider_kling.api.v2 import (
    MAX_PAGE_SIZE,
    NEEDS_API_KEY,
    PAGES_HAVE_NUMBERS,
    next_cursor,
    read_created,
    read_page,
    read_task,
)

if TYPE_CHECKING:
    from airflow_provider_kling.products.product import Product

__all__ = [
    "MAX_PAGE_SIZE",
    "NEEDS_API_KEY",
    "PAGES_HAVE_NUMBERS",
    "create",
    "next_cursor",
    "page",
    "query",
    "read_created",
    "read_page",
    "read_task",
]

#: What ``options`` call the watermark where they do not call it ``watermark``.
_WATERMARK = {"e-commerce/clothing_dupe": "watermark_info"}

#: Keys of the body that are no fields of the scenario.
_OURS = ("solution", "callback_url", "external_task_id", "watermark_info", "options")


def create(product: Product, body: dict[str, Any]) -> Request:
    """Build the paid call: the fields of the scenario unchanged, and those that concern the task in ``options``."""
    options: dict[str, Any] = {name: body[name] for name in ("callback_url", "external_task_id") if name in body}
    solution = str(body.get("solution"))
    if "watermark_info" in body:
        options[_WATERMARK.get(solution, "watermark")] = body["watermark_info"]
    own = body.get("options")
    options |= own if isinstance(own, dict) else {}
    sent = {name: value for name, value in body.items() if name not in _OURS}
    return Request("POST", f"{product.path}/{quote(solution)}", json={**sent, "options": options})


def query(product: Product, any_id: str) -> Request:
    """
    Build the call that reads one task; free.

    :param any_id: Kling's task id, which is a number, or the ``external_task_id``, which is none.
    """
    return Request("GET", product.path, params={"task_ids" if any_id.isdecimal() else "external_task_ids": any_id})


def page(product: Product, number: int, size: int, cursor: str = "") -> Request:
    """
    Build the call that lists the tasks of all scenarios.

    :param number: counts for the classic generation only.
    :param size: 1 to 500.
    :param cursor: from the page before.
    """
    body: dict[str, Any] = {"limit": size}
    return Request("POST", product.path, json={**body, "cursor": cursor} if cursor else body)
