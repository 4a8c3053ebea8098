"""Billing: ``/account/costs`` and the two reports of ``/account/billing``.

The account pays with packs or with money, so one of the reports is empty. Kling's values of ``product_function`` were
observed for text to video only; the others follow from the names of the products.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_kling.simulator.prices import as_text
from airflow_provider_kling.simulator.validation import Body, invalid, query_number, typed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from airflow_provider_kling.simulator.account import Account
    from airflow_provider_kling.simulator.service import Service
    from airflow_provider_kling.simulator.tasks import Task

#: The pack is valid for a year, so that a test can advance the clock by months.
PACK_VALID_MS: Final = 365 * 24 * 3600 * 1000

PACK_IDS: Final = {"video": "60aa3fd3d4ab4a3f9eec5db27aa44f28", "image": "60aa3fd3d4ab4a3f9eec5db27aa44f29"}
KEY_NAME: Final = "default"
MAX_LIMIT: Final = 500

#: Suffixes of the names of amounts in a report.
AMOUNTS: Final = ("_deduction", "_amount", "list_price")

FUNCTIONS: Final = {"image2video": "image_to_video", "text2video": "text_to_video"}
RESOLUTIONS: Final = {720: "720p", 1080: "1080p", 2160: "4k", 1024: "1k", 2048: "2k", 4096: "4k"}


def costs(service: Service, query: Mapping[str, str]) -> dict[str, Any]:
    """``data`` of ``GET /account/costs``, which has an inner envelope."""
    for name in ("start_time", "end_time"):
        query_number(query, name, default=None, high=10**15)
    account = service.account
    if account.rules.cash:
        # Without packs the key is absent.
        return {"code": 0, "msg": "success"}
    packs = [_pack(account, "video"), *([_pack(account, "image")] if account.rules.image_units is not None else [])]
    wanted = query.get("resource_pack_name")
    chosen = [pack for pack in packs if wanted in {None, "", pack["resource_pack_name"]}]
    found = {"resource_pack_subscribe_infos": chosen} if chosen else {}
    return {"code": 0, "msg": "success", **found}


def _pack(account: Account, kind: str) -> dict[str, Any]:
    left, bought = account.units_left(kind), account.units_left(kind) + account.units_used(kind)
    return {
        "resource_pack_name": _pack_name(account, kind),
        "resource_pack_id": PACK_IDS[kind],
        "resource_pack_type": "decreasing_total",
        "total_quantity": float(bought),
        "remaining_quantity": max(0.0, float(left)),
        "purchase_time": account.opened_at,
        "effective_time": account.opened_at,
        "invalid_time": account.opened_at + PACK_VALID_MS,
        "status": "online" if left > 0 else "runOut",
    }


def _pack_name(account: Account, kind: str) -> str:
    rules, months = account.rules, PACK_VALID_MS // (30 * 24 * 3600 * 1000)
    slots = rules.image_concurrency if kind == "image" else rules.concurrency
    bought = account.units_left(kind) + account.units_used(kind)
    return f"Trial-{kind.capitalize()}-{as_text(bought)}Units-{slots}Con-{months}Months"


def package_report(service: Service, body: Body) -> dict[str, Any]:
    """``data`` of ``POST /account/billing/package``: deductions of units, the oldest first."""
    account = service.account
    rows = [] if account.rules.cash else [_units(account, *pair) for pair in _paid(account)]
    names = {PACK_IDS[kind]: _pack_name(account, kind) for kind in PACK_IDS}
    data = _page(rows, body, {"api_key_name", "product_type", "package_name", "package_id"}, names)
    return _format_amounts(data, service.settings.report_amounts)


def balance_report(service: Service, body: Body) -> dict[str, Any]:
    """``data`` of ``POST /account/billing/balance``: deductions of money, the oldest first."""
    account = service.account
    rows = [_money(*pair) for pair in _paid(account)] if account.rules.cash else []
    return _format_amounts(_page(rows, body, {"api_key_name"}, {}), service.settings.report_amounts)


def _paid(account: Account) -> list[tuple[Task, Decimal]]:
    """The charged tasks, each with the balance of its pack before the charge."""
    left = {kind: account.units_left(kind) + account.units_used(kind) for kind in PACK_IDS}
    paid = []
    for task in sorted(account.all_tasks(), key=lambda task: task.updated_at):
        if task.charged:
            pack = account.pack_of(task.pack)
            paid.append((task, left[pack]))
            left[pack] -= task.money or task.charged
    return paid


def _deduction(task: Task) -> dict[str, Any]:
    recipe = task.recipe
    return {
        "product_type": task.pack.replace("_", "-"),
        "task_id": task.task_id,
        "api_key_name": KEY_NAME,
        "product_function": FUNCTIONS.get(task.product, task.product.partition("/")[0].replace("-", "_")),
        "model_name": task.model,
        "resolution": RESOLUTIONS.get(recipe.get("short_side") or recipe.get("long_side") or 0, ""),
        "duration": str(recipe["duration"]) if "duration" in recipe else "",
        "deduction_time": task.updated_at,
    }


def _units(account: Account, task: Task, before: Decimal) -> dict[str, Any]:
    return _deduction(task) | {
        "package_id": PACK_IDS[account.pack_of(task.pack)],
        "refer_video_input": "video" in task.kinds.values(),
        "video_sound": "native" if task.recipe.get("sound") else "off",
        "voice_control": False,
        "unit_before_deduction": as_text(before),
        "deduction_amount": as_text(task.charged),
        "unit_after_deduction": as_text(before - task.charged),
    }


def _money(task: Task, before: Decimal) -> dict[str, Any]:
    return _deduction(task) | {
        "cash_type": "balance",
        "balance_before_deduction": as_text(before),
        "deduction_amount": as_text(task.money),
        "balance_after_deduction": as_text(before - task.money),
        "list_price": as_text(task.money),
        "currency": "USD",
    }


def _page(rows: list[dict[str, Any]], body: Body, keys: set[str], names: dict[str, str]) -> dict[str, Any]:
    # The cursor replaces all other parameters, the limit included.
    given = _read_cursor(cursor) if (cursor := typed(body, "cursor", str)) else _read_filters(body, keys)
    chosen = [
        row
        for row in rows
        if given["start"] <= row["deduction_time"] <= given["end"]
        and all(_with_package_name(row, names).get(key) in values for key, values in given["filters"].items())
    ]
    first, limit = given["skip"], given["limit"]
    page, more = chosen[first : first + limit], len(chosen) > first + limit
    cursor = _cursor(given | {"skip": first + limit}) if more else ""
    return {"result": {"detail": page, "count": len(page)}, "next_cursor": cursor, "has_more": more}


def _format_amounts(data: dict[str, Any], amounts: str) -> dict[str, Any]:
    """Convert the amounts of a report to numbers if the settings say so."""
    if amounts == "number":
        for row in data["result"]["detail"]:
            row |= {name: float(value) for name, value in row.items() if name.endswith(AMOUNTS)}
            row["deduction_time"] = str(row["deduction_time"])
    return data


def _with_package_name(row: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    return row | {"package_name": names.get(row.get("package_id", ""), "")}


def _read_filters(body: Body, keys: set[str]) -> dict[str, Any]:
    limit = typed(body, "limit", int, MAX_LIMIT)
    if not 1 <= limit <= MAX_LIMIT:
        raise invalid(f"limit value '{limit}' is invalid")
    filters: dict[str, list[Any]] = {}
    for item in typed(body, "filters", list, []):
        key = item.get("key") if isinstance(item, dict) else None
        if key not in keys or not isinstance(item.get("values"), list):
            raise invalid(f"filters.key value '{key}' is invalid, allowed values: {', '.join(sorted(keys))}")
        # The example of Kling's page has every filter with empty values, even two that exclude each other.
        if item["values"]:
            filters[key] = item["values"]
    if {"package_name", "package_id"} <= filters.keys():
        raise invalid("package_name and package_id are mutually exclusive")
    return {"start": _time(body, "start_time"), "end": _time(body, "end_time"), "limit": limit, "skip": 0,
            "filters": filters}  # fmt: skip


def _time(body: Body, name: str) -> int:
    value = body.get(name)
    try:
        return int(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        raise invalid(f"{name} value '{value}' is invalid" if value is not None else f"{name} is required") from None


def _cursor(given: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(given).encode()).decode()


def _read_cursor(cursor: str) -> dict[str, Any]:
    try:
        given = json.loads(base64.urlsafe_b64decode(cursor))
        numbers = {name: int(given[name]) for name in ("start", "end", "limit", "skip")}
        return {**numbers, "filters": {str(key): list(values) for key, values in given["filters"].items()}}
    except (binascii.Error, ValueError, TypeError, KeyError, AttributeError, OverflowError):
        raise invalid("cursor value is invalid") from None
