"""How the trigger of a batch ends: its event, a lost plan, another trigger."""

from __future__ import annotations

import asyncio
import dataclasses

import pytest
from support import FakeTaskInstance
from support_batch import FAST, deferred, fire, operator, posts, set_fast_pace

from airflow_provider_kling.exceptions import KlingBatchError
from airflow_provider_kling.triggers import base as trigger_base
from airflow_provider_kling.triggers import batch as trigger_module
from airflow_provider_kling.triggers.batch import KlingBatchTrigger
from airflow_provider_kling.utils._airflow.compat import AIRFLOW_V_3_2_PLUS


@pytest.fixture(autouse=True)
def _fast_pace(monkeypatch):
    set_fast_pace(monkeypatch)


def test_a_plan_that_is_gone_is_an_event(kling, ti, tmp_path):
    trigger = deferred(ti, tmp_path)
    (plan,) = tmp_path.glob(".*/plan.jsonl")
    plan.unlink()
    payload = asyncio.run(fire(trigger))
    assert payload["status"] == "error"
    with pytest.raises(KlingBatchError, match=r"plan.jsonl: it cannot be read"):
        operator(tmp_path).execute_complete({"ti": ti}, payload)


def test_on_kill_logs_what_keeps_running(logged):
    trigger = KlingBatchTrigger(batch_id="b", something_new=1)
    lines = logged(trigger)
    asyncio.run(trigger.on_kill())
    assert "keep running and are billed" in lines[-1]


def test_a_success_that_needs_a_worker_ends_there(ti, tmp_path):
    summary = {"done": 3, "items": 3}
    assert operator(tmp_path).execute_complete({"ti": ti}, {"status": "success", "summary": summary}) == summary


@pytest.mark.kling_simulator(seconds=0.1)
def test_a_batch_that_another_triggerer_has_ended_ends_nothing(kling, ti, tmp_path, monkeypatch):
    responses = [True]
    monkeypatch.setattr(trigger_base, "set_xcom", lambda _ti, key, value: None)
    for module in (trigger_base, trigger_module):
        monkeypatch.setattr(module, "is_still_deferred", lambda _ti: responses.pop() if responses else False)
    monkeypatch.setattr(KlingBatchTrigger, "pace", dataclasses.replace(FAST, fence_every=1000.0))
    trigger = deferred(ti, tmp_path)
    trigger.task_instance = FakeTaskInstance()
    trigger.batch = dataclasses.replace(trigger.batch, started_at=0.0)
    assert asyncio.run(fire(trigger))["status"] == "success", "an event, which resumes on a worker"


@pytest.mark.skipif(not AIRFLOW_V_3_2_PLUS, reason="before Airflow 3.2 a trigger cannot ask Airflow")
def test_a_trigger_whose_task_is_not_deferred_any_more_submits_and_writes_nothing(kling, ti, tmp_path, monkeypatch):
    for module in (trigger_base, trigger_module):
        monkeypatch.setattr(module, "is_still_deferred", lambda _ti: False)
    trigger = deferred(ti, tmp_path)
    trigger.task_instance = FakeTaskInstance()
    assert asyncio.run(fire(trigger))["status"] == "error"
    assert posts(kling) == []
    assert not (tmp_path / "manifest.jsonl").exists()


def test_the_event_of_another_batch_is_no_end_of_this_one(kling, ti, tmp_path):
    stranger = {"batch_id": "another", "status": "success", "summary": {"done": 3, "items": 3}}
    with pytest.raises(KlingBatchError, match="not about this batch"):
        operator(tmp_path).execute_complete({"ti": ti}, stranger)
