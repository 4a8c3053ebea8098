"""The fields of a request, its submission, and the requests that arrived."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support import PHOTOGRAPH

if TYPE_CHECKING:
    from airflow_provider_kling.hooks import KlingHook

FIELDS = {"image": str(PHOTOGRAPH), "prompt": "The rocket lifts off", "duration": 3}


def creates(kling) -> list[dict]:
    return kling.requests(method="POST")


def submit(hook: KlingHook, name: str = "one", *, look_up_first: bool = False):
    return hook.create_task("image2video", FIELDS, external_task_id=name, look_up_first=look_up_first)
