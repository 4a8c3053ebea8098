"""A task that Kling has no slot for waits outside the worker; the resumed task reads the trigger's event."""

from __future__ import annotations

import math

import pytest
from support import set_pace
from support_operators import operator, run

from airflow_provider_kling import exceptions as errors
from airflow_provider_kling.operators.slot_wait import SlotWait
from airflow_provider_kling.triggers import KlingSlotTrigger
from airflow_provider_kling.utils._airflow.compat import TaskDeferred


@pytest.mark.parametrize("reason", ["Trigger timeout", "Trigger failure"])
def test_a_wait_for_a_slot_that_airflow_ends_submits_once_more(kling, ti, reason):
    """Nothing was accepted yet: there is no Kling task to read."""
    manifest = operator().resume_execution("__fail__", {"error": reason}, {"ti": ti})
    assert manifest["task_id"] == kling.tasks()[0]["task_id"]
    assert not any("None" in request["path"] for request in kling.requests())


def test_a_wait_for_a_slot_that_airflow_ends_is_left_to_a_retry_when_there_still_is_none(kling, ti):
    kling.fault(code=1303, operation="create")
    with pytest.raises(errors.KlingConcurrencyError):
        operator().resume_execution("__fail__", {"error": "Trigger timeout"}, {"ti": ti})
    assert kling.tasks() == []


@pytest.mark.kling_simulator(seconds=60)
def test_an_event_of_another_task_ends_no_wait_for_a_slot(kling, ti):
    stranger = {"status": "success", "kling_task_id": "8", "message": ""}
    assert operator().execute_with_slot({"ti": ti}, stranger)["task_id"] == ti.xcoms["task_id"]


def test_no_free_slot_is_a_wait_outside_the_worker_that_creates_nothing(kling, ti):
    kling.fault(code=1303, operation="create")
    with pytest.raises(TaskDeferred) as caught:
        run(ti, slot_timeout=100)
    trigger = caught.value.trigger
    assert isinstance(trigger, KlingSlotTrigger)
    assert caught.value.method_name == "execute_with_slot"
    assert trigger.until == pytest.approx(trigger.since + 100)
    assert trigger.estimate == str(operator().estimate()), "its page says it meanwhile"
    assert kling.tasks() == []
    manifest = operator().execute_with_slot({"ti": ti}, {"since": trigger.since, "until": trigger.until})
    assert [task["task_id"] for task in kling.tasks()] == [manifest["task_id"]]


def test_the_wait_for_a_slot_keeps_its_place_and_its_end(kling, ti):
    kling.fault(code=1302, operation="create")
    with pytest.raises(TaskDeferred) as caught:
        operator().execute_with_slot({"ti": ti}, {"since": 5.0, "until": 9e9})
    assert (caught.value.trigger.since, caught.value.trigger.until) == (5.0, 9e9)


def test_the_wait_for_a_slot_has_an_end(kling, ti):
    kling.fault(code=1303, operation="create")
    with pytest.raises(errors.KlingConcurrencyError):
        operator().execute_with_slot({"ti": ti}, {"since": 5.0, "until": 6.0})
    assert ti.xcoms["failure"]["code"] == 1303


def test_waiting_for_a_slot_is_logged_once(kling, ti, logged, monkeypatch):
    set_pace(monkeypatch, worker_probe=0.01)
    kling.fault(code=1303, operation="create", times=3)
    animate = operator(deferrable=False)
    lines = logged(animate)
    animate.execute({"ti": ti})
    assert len([line for line in lines if "Waiting for a slot" in line]) == 1
    kling.fault(code=1303, operation="create")
    later = operator(prompt="another")
    lines.clear()
    ti.xcoms.clear()
    with pytest.raises(TaskDeferred):
        later.execute_with_slot({"ti": ti}, {"since": 5.0, "until": 9e9})
    assert [line for line in lines if "outside of the Task Runner" not in line] == []


def test_a_slot_is_waited_for_on_the_worker_when_not_deferrable(kling, ti, monkeypatch):
    set_pace(monkeypatch, worker_probe=0.05)
    kling.fault(code=1303, operation="create", times=2)
    assert run(ti, deferrable=False)["task_id"] == kling.tasks()[0]["task_id"]


def test_a_wait_continues_where_its_trigger_left_it():
    assert SlotWait.of({"status": "slot", "since": 1.5, "until": 20}) == (1.5, 20)


@pytest.mark.parametrize("since", [math.nan, math.inf, -math.inf, -1, 1e305, 10**400, "1", None, [1]])
def test_an_invalid_time_begins_the_wait_again(since):
    """The XCom about the submission would fail on it, after the task is paid."""
    assert SlotWait.of({"since": since, "until": 20}) is None
    assert SlotWait.of({"since": 1, "until": since}) is None


@pytest.mark.parametrize("event", [None, [], "slot", {}, {"since": 1}])
def test_an_event_of_another_shape_begins_the_wait_again(event):
    assert SlotWait.of(event) is None
