"""The trigger that waits for a slot, as Airflow keeps it."""

from __future__ import annotations

import asyncio
import time

import pytest

from airflow_provider_kling.triggers import KlingSlotTrigger
from airflow_provider_kling.triggers.base import KlingTrigger


def test_its_arguments_survive_airflows_serialization():
    trigger = KlingSlotTrigger("kling_other", 1.0, 2.0, 3.0, 4.0, "x-1", "kling-v3")
    path, kwargs = trigger.serialize()
    assert path == "airflow_provider_kling.triggers.KlingSlotTrigger"
    serde = pytest.importorskip(
        "airflow.sdk.serde", reason="the task SDK has its own serialization from Airflow 3.2 on"
    )
    again = KlingSlotTrigger(**serde.deserialize(serde.serialize(kwargs)))
    assert again.serialize()[1] == kwargs
    assert (again.refused_at, again.external_task_id, again.model_name) == (4.0, "x-1", "kling-v3")


def test_arguments_of_other_versions_load():
    older = {"kling_conn_id": "kling_default", "since": 1.0, "until": 2.0, "deferred_at": 3.0}
    assert KlingSlotTrigger(**older).refused_at == 0.0
    assert KlingSlotTrigger(**older, something_new=1).since == 1.0


@pytest.mark.kling_simulator(seconds=60)
def test_those_of_an_older_version_wait_side_by_side_and_each_has_one_event(kling, monkeypatch):
    monkeypatch.setattr(KlingTrigger, "min_deferral", 0.0)
    now = time.time()

    async def events(trigger):
        return [event.payload async for event in trigger.run()]

    async def run_all():
        return await asyncio.gather(*(events(KlingSlotTrigger(since=now, until=now + 1.0)) for _ in range(5)))

    assert asyncio.run(run_all()) == [[{"status": "slot", "since": now, "until": now + 1.0}]] * 5


@pytest.mark.parametrize("name", ["since", "until", "deferred_at", "refused_at"])
def test_one_without_times_does_not_wait(monkeypatch, name):
    monkeypatch.setattr(KlingTrigger, "min_deferral", 0.0)
    now = time.time()
    times = {"since": now, "until": now + 60, "deferred_at": now, "refused_at": now, name: float("nan")}

    async def events():
        return [event.payload async for event in KlingSlotTrigger(**times).run()]

    (event,) = asyncio.run(asyncio.wait_for(events(), 5))
    assert event["status"] == "slot"


@pytest.mark.kling_simulator(concurrency=1, seconds=60)
def test_the_operator_passes_who_was_refused_and_when(kling, ti):
    from support import PHOTOGRAPH

    from airflow_provider_kling.hooks import KlingHook
    from airflow_provider_kling.operators import KlingImageToVideoOperator
    from airflow_provider_kling.utils._airflow.compat import TaskDeferred

    KlingHook().create_task("image2video", {"image": str(PHOTOGRAPH), "duration": 3})
    operator = KlingImageToVideoOperator(
        task_id="animate", image=str(PHOTOGRAPH), prompt="x", external_task_id="mine", wait_for_completion=True
    )
    with pytest.raises(TaskDeferred) as caught:
        operator.execute({"ti": ti})
    trigger = caught.value.trigger
    assert (trigger.external_task_id, trigger.model_name) == ("mine", "kling-v3")
    assert abs(trigger.refused_at - time.time()) < 10

    kling.clear_faults()
    kling.fault(code=1302, operation="create", times=1)
    with pytest.raises(TaskDeferred) as caught:
        operator.execute({"ti": ti})
    assert caught.value.trigger.refused_at == 0.0, "too fast says nothing about slots"
