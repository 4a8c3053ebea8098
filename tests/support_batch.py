"""Shared by tests of the batch: an operator with short pauses, and its trigger after serialization."""

from __future__ import annotations

import asyncio
import json

import pytest
from support import PHOTOGRAPH

from airflow_provider_kling.batch.actions import Pace
from airflow_provider_kling.operators import KlingImageToVideoBatchOperator
from airflow_provider_kling.triggers.base import KlingTrigger
from airflow_provider_kling.triggers.batch import KlingBatchTrigger
from airflow_provider_kling.utils._airflow.compat import TaskDeferred
from airflow_provider_kling.waiting.pace import SweepPace
from airflow_provider_kling.waiting.shared_poller import SharedPoller

try:
    from airflow.sdk.serde import deserialize, serialize
except ImportError:  # before Airflow 3.2
    from airflow.serialization.serde import deserialize, serialize


FAST = Pace(first_pause=0.1, max_pause=1.0, manifest_every=0.2, progress_every=0.2, fence_every=0.1, grace_period=2.0)


def set_fast_pace(monkeypatch) -> None:
    """Pauses that are made for videos of minutes, scaled to videos of tenths of a second."""
    monkeypatch.setattr(KlingTrigger, "min_deferral", 0.0)
    monkeypatch.setattr(SharedPoller, "pace", SweepPace(min_gap=0.02))
    monkeypatch.setattr(KlingBatchTrigger, "pace", FAST)


def operator(folder, count=3, **kwargs) -> KlingImageToVideoBatchOperator:
    arguments = {
        "task_id": "animate",
        "items": [{"prompt": f"Number {number}"} for number in range(count)],
        "defaults": {"image": str(PHOTOGRAPH), "duration": 3},
        "output_uri": f"file://{folder}/",
        "poll_interval": 0.1,
        "timeout": 60,
    }
    return KlingImageToVideoBatchOperator(**{**arguments, **kwargs})


def deferred(ti, folder, **kwargs) -> KlingBatchTrigger:
    """What the worker hands to the triggerer, through Airflow's serialization."""
    with pytest.raises(TaskDeferred) as caught:
        operator(folder, **kwargs).execute({"ti": ti})
    return again(caught.value.trigger)


def again(trigger: KlingBatchTrigger) -> KlingBatchTrigger:
    _, kwargs = trigger.serialize()
    assert all(isinstance(value, (str, int, float)) for value in kwargs.values())
    return KlingBatchTrigger(**deserialize(serialize(kwargs)))


async def fire(trigger: KlingBatchTrigger) -> dict:
    (event,) = [event async for event in trigger.run()]
    return event.payload


def run(ti, folder, **kwargs) -> dict:
    return asyncio.run(fire(deferred(ti, folder, **kwargs)))


def manifest(folder) -> list[dict]:
    return [json.loads(line) for line in (folder / "manifest.jsonl").read_text().splitlines()]


def posts(simulator) -> list[dict]:
    """What pays; the list of the second generation is read with a POST, too."""
    return [request for request in simulator.requests(method="POST") if request["path"] != "/tasks"]
