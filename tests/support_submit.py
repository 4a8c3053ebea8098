"""The trigger that submits, started as the triggerer starts it; Airflow's XComs and states are stood in for."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from support import PHOTOGRAPH, FakeTaskInstance, set_pace

from airflow_provider_kling.hooks import KlingHook
from airflow_provider_kling.operators import KlingImageToVideoOperator
from airflow_provider_kling.triggers import KlingSlotTrigger, KlingSubmitTrigger
from airflow_provider_kling.triggers.base import KlingTrigger
from airflow_provider_kling.utils._airflow.compat import TaskDeferred
from airflow_provider_kling.waiting.hook_cache import HookCache

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow.triggers.base import TriggerEvent


class Airflow:
    """What the trigger pushes, and whether its task is still deferred."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(KlingTrigger, "min_deferral", 0.0)
        # Each test has a Kling of its own behind the same connection id.
        HookCache._shared.clear()
        set_pace(monkeypatch, read_interval=0.1, tick=0.1, handover=-1.0, backoff_first=0.1, backoff_longest=0.2)
        self.is_deferred = True
        self.refuses: set[str] = set()
        self.ti = FakeTaskInstance()
        for module in ("base", "task", "submit"):
            monkeypatch.setattr(f"airflow_provider_kling.triggers.{module}.set_xcom", self._set)
        monkeypatch.setattr("airflow_provider_kling.triggers.submit.get_xcom", lambda ti, key: ti.xcoms.get(key))
        for module in ("base", "submit"):
            name = f"airflow_provider_kling.triggers.{module}.is_still_deferred"
            monkeypatch.setattr(name, lambda _ti: self.is_deferred)

    def _set(self, ti: FakeTaskInstance, key: str, value: Any) -> None:
        if key in self.refuses:
            raise RuntimeError("no XCom")
        ti.xcom_push(key, value)

    def started(self, trigger: KlingSubmitTrigger) -> KlingSubmitTrigger:
        """A trigger as the triggerer builds it of what Airflow's database holds."""
        _, arguments = trigger.serialize()
        again = KlingSubmitTrigger(**json.loads(json.dumps(arguments)))
        again.task_instance = self.ti
        return again


def operator(**kwargs) -> KlingImageToVideoOperator:
    defaults = {"task_id": "animate", "image": str(PHOTOGRAPH), "prompt": "It moves", "wait_for_completion": True}
    return KlingImageToVideoOperator(**{**defaults, "poll_interval": 0.05, **kwargs})


def occupy() -> str:
    """Take the only slot."""
    return KlingHook().create_task("image2video", {"image": str(PHOTOGRAPH)}, external_task_id="first").task_id


def deferred(animate: KlingImageToVideoOperator, ti: FakeTaskInstance) -> KlingSlotTrigger:
    """The trigger of an operator that finds no slot."""
    with pytest.raises(TaskDeferred) as caught:
        animate.execute({"ti": ti})
    assert caught.value.method_name == "execute_with_slot"
    return caught.value.trigger


def waiting(airflow: Airflow, **kwargs) -> KlingSubmitTrigger:
    trigger = deferred(operator(**kwargs), airflow.ti)
    assert isinstance(trigger, KlingSubmitTrigger)
    return airflow.started(trigger)


async def event_of(trigger: KlingTrigger) -> TriggerEvent:
    (event,) = [event async for event in trigger.run()]
    return event


async def until(condition: Callable[[], Any]) -> Any:
    async with asyncio.timeout(10):
        while not (found := condition()):  # noqa: ASYNC110 - the simulator has no event loop of ours
            await asyncio.sleep(0.02)
    return found


def others(kling) -> list[dict[str, Any]]:
    """The tasks at Kling but the one that took the slot."""
    return [task for task in kling.tasks() if task["external_task_id"] != "first"]


def creates(kling) -> int:
    return len(kling.requests(method="POST"))


def run_with_slot(kling, first: str, trigger: KlingTrigger, *, is_made: bool = True) -> TriggerEvent:
    """Run a trigger; the slot becomes free, and the task that it submits is made."""

    async def scenario() -> TriggerEvent:
        event = asyncio.create_task(event_of(trigger))
        await asyncio.sleep(0.3)
        kling.finish(first)
        await until(lambda: others(kling) or event.done())
        for task in others(kling) if is_made else ():
            kling.finish(task["task_id"])
        return await asyncio.wait_for(event, 20)

    return asyncio.run(scenario())
