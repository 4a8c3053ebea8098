"""Converts a task to Kling's JSON: the classic object, the object of the second generation, the body of a callback."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from airflow_provider_kling.simulator.deductions import deductions
from airflow_provider_kling.simulator.prices import as_text
from airflow_provider_kling.simulator.tasks import Task
from airflow_provider_kling.simulator.v2_outputs import v2_outputs

#: Returns the classic ``task_result`` of a task that succeeded.
ResultMaker = Callable[[Task], dict[str, Any]]


def created(task: Task, *, missing_task_info: str) -> dict[str, Any]:
    """``data`` of the response to a classic create call."""
    info: dict[str, Any] = {}
    if task.external_task_id or missing_task_info == "null":
        info = {"task_info": {"external_task_id": task.external_task_id}}
    elif missing_task_info == "empty":
        info = {"task_info": {}}
    return {"task_id": task.task_id, "task_status": "submitted", **info, **_times(task)}


def created_new(task: Task) -> dict[str, Any]:
    """``data`` of the response to a create call of the second generation."""
    return {
        "id": task.task_id,
        "status": "submitted",
        **({"external_id": task.external_task_id} if task.external_task_id else {}),
        "message": "",
        "create_time": task.created_at,
        "update_time": task.created_at,
    }


def classic(
    task: Task,
    result: ResultMaker,
    *,
    early_result: str,
    watermark: bool,
    parent: dict[str, Any] | None,
    missing_task_info: str,
) -> dict[str, Any]:
    """``data`` of a classic query.

    :param watermark: whether the product supports watermarks.
    :param parent: ``parent_video``, if the task works on a video.
    """
    view: dict[str, Any] = {
        "task_id": task.task_id,
        "task_status": task.status,
        "task_status_msg": task.message,
        "task_info": ({"parent_video": parent} if parent else {}) | _external(task),
    }
    if missing_task_info == "null":
        view["task_info"] |= {"external_task_id": task.external_task_id}
    if task.status == "succeed":
        view["task_result"] = result(task)
    elif early_result != "absent":
        view["task_result"] = {} if early_result == "empty" else None
    if task.ended and watermark:
        view["watermark_info"] = {"enabled": task.watermark}
    if task.ended:
        view |= deductions(task)
    return view | _times(task)


def at_once(task: Task, result: ResultMaker) -> dict[str, Any]:
    """``data`` of a create call whose response holds the result; without ``task_info`` and ``watermark_info``."""
    return {
        "task_id": task.task_id,
        "task_status": task.status,
        "task_status_msg": task.message,
        "task_result": result(task) if task.status == "succeed" else {},
        **deductions(task),
        **_times(task),
    }


def callback(task: Task, result: ResultMaker) -> dict[str, Any]:
    """Body of a classic callback: the task without an envelope."""
    view: dict[str, Any] = {
        "task_id": task.task_id,
        "task_status": task.status,
        "task_status_msg": task.message,
        **_times(task),
    }
    if task.ended:
        view |= deductions(task)
    info: dict[str, Any] = {}
    if task.status == "succeed":
        info = {"parent_video": {"id": "", "url": "", "duration": ""}}
    empty: dict[str, Any] = {"images": [], "videos": []}
    outputs = result(task) if task.status == "succeed" else {}
    return view | {"task_info": info | _external(task), "task_result": empty | outputs}


def v2(task: Task, result: ResultMaker) -> dict[str, Any]:
    """One item of ``GET /tasks``: a task of any generation with the field names of the second."""
    view: dict[str, Any] = {
        "id": task.task_id,
        "status": "succeeded" if task.status == "succeed" else task.status,
        "message": task.message,
        "create_time": task.created_at,
        "update_time": task.updated_at,
    }
    if task.external_task_id:
        view["external_id"] = task.external_task_id
    outputs = v2_outputs(result(task)) if task.status == "succeed" else []
    if task.recipe.get("deleted"):
        # Documented for voices and elements; the classic result has a status for elements only.
        outputs = [output | {"status": "deleted"} for output in outputs]
    view["outputs"] = outputs
    if task.status == "succeed":
        view["billing"] = [_bill(task)]
    elif task.status == "failed":
        view["billing"] = [{"amount": "0"}]
    return view


def _bill(task: Task) -> dict[str, Any]:
    if not task.money:
        return {"charge_type": "unit", "amount": as_text(task.charged), "package_type": task.pack}
    amount = as_text(task.money)
    return {
        "charge_type": "cash",
        "cash_type": "balance",
        "amount": amount,
        "currency": "USD",
        "package_type": task.pack,
        "list_price": amount,
    }


def _external(task: Task) -> dict[str, Any]:
    return {"external_task_id": task.external_task_id} if task.external_task_id else {}


def _times(task: Task) -> dict[str, int]:
    return {"created_at": task.created_at, "updated_at": task.updated_at}
