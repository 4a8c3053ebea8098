"""Responses of every kind, and how each is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from adversary.scripted import TASK_ID

from airflow_provider_kling.api import account, classic, envelope, v2
from airflow_provider_kling.products.video import IMAGE2VIDEO

if TYPE_CHECKING:
    from collections.abc import Callable


NOW = 1774805076166
VIDEO = {"id": "867283741759111203", "url": "https://h.example/v.mp4?Signature=secret", "duration": "5.041"}
CLASSIC = {
    "task_id": TASK_ID,
    "task_status": "succeed",
    "task_status_msg": "",
    "task_info": {"external_task_id": "af-1"},
    "task_result": {"videos": [VIDEO]},
    "final_unit_deduction": "3",
    "final_balance_deduction": {"quota": "0.5", "list_price": "0.6"},
    "created_at": NOW,
    "updated_at": NOW,
}


NEW = {
    "id": TASK_ID,
    "status": "succeeded",
    "message": "",
    "create_time": NOW,
    "update_time": NOW,
    "external_id": "af-1",
    "outputs": [{"type": "video", **VIDEO}],
    "billing": [{"charge_type": "unit", "amount": "5", "package_type": "video"}],
}


PACK = {
    "resource_pack_name": "Trial",
    "total_quantity": 100.0,
    "remaining_quantity": 91.2,
    "invalid_time": NOW,
    "status": "online",
}


COSTS = {"code": 0, "msg": "success", "resource_pack_subscribe_infos": [PACK]}


def whole(data: Any) -> dict[str, Any]:
    return {"code": 0, "message": "SUCCEED", "request_id": "r-1", "data": data}


#: Reader and a valid answer of each kind.
KINDS: dict[str, tuple[Callable[[envelope.Response], Any], dict[str, Any]]] = {
    "create": (lambda response: classic.read_created(response, IMAGE2VIDEO), whole(CLASSIC)),
    "query": (lambda response: classic.read_task(response, IMAGE2VIDEO), whole(CLASSIC)),
    "list": (lambda response: classic.read_page(response, IMAGE2VIDEO), whole([CLASSIC, CLASSIC])),
    "tasks": (lambda response: v2.read_tasks(response, {TASK_ID: "image2video"}), whole([NEW, NEW])),
    "costs": (account.read_costs, whole(COSTS)),
}


def read(kind: str, body: bytes, status: int = 200) -> Any:
    return KINDS[kind][0](envelope.read(status, body))
