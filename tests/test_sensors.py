"""The sensor against the simulator."""

from __future__ import annotations

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, AirflowSkipException, TaskDeferred
from support import PHOTOGRAPH, connect

from airflow_provider_kling import exceptions as errors
from airflow_provider_kling.hooks import KlingHook
from airflow_provider_kling.sensors import KlingTaskSensor

POKE = {"deferrable": False, "poke_interval": 0.05}


def sensor(task_id: str, **kwargs) -> KlingTaskSensor:
    return KlingTaskSensor(task_id="wait", kling_task_id=task_id, **kwargs)


@pytest.fixture
def task(kling):
    return KlingHook().create_task("image2video", {"image": str(PHOTOGRAPH), "duration": 3}, external_task_id="mine")


def test_poking_returns_the_manifest(kling, task, ti):
    manifest = sensor(task.task_id, **POKE).execute({"ti": ti})
    assert manifest["status"] == "succeed"
    assert manifest["videos"]


def test_an_external_id_is_as_good(kling, task, ti):
    assert sensor("mine", **POKE).execute({"ti": ti})["task_id"] == task.task_id


def test_a_finished_task_ends_the_deferrable_sensor_at_once(kling, task, ti):
    kling.finish(task.task_id)
    assert sensor(task.task_id).execute({"ti": ti})["videos"]


@pytest.mark.kling_simulator(seconds=60)
def test_a_running_task_is_deferred_for(kling, task, ti):
    with pytest.raises(TaskDeferred) as caught:
        sensor("mine", timeout=100).execute({"ti": ti})
    trigger = caught.value.trigger
    assert trigger.kling_task_id == task.task_id, "Kling's own id, so that one request can ask for twenty"
    assert trigger.end_time == pytest.approx(task.created_at / 1000 + 100)
    assert trigger.ends_task


def test_it_resumes_with_the_manifest(kling, task, ti):
    kling.finish(task.task_id)
    event = {"status": "success", "kling_task_id": task.task_id, "message": ""}
    assert sensor(task.task_id).resume_execution("execute_complete", {"event": event}, {"ti": ti})["videos"]


@pytest.mark.kling_simulator(seconds=60)
@pytest.mark.parametrize("mode", ["poke", "reschedule"])
def test_a_timeout_counts_from_klings_acceptance(kling, task, ti, mode):
    ti.get_first_reschedule_date = lambda context: None
    with pytest.raises(errors.KlingTimeoutError, match="still running"):
        sensor(task.task_id, mode=mode, timeout=0, **POKE).execute({"ti": ti})


def test_poking_survives_a_bad_moment(kling, task, ti, monkeypatch):
    monkeypatch.setattr("airflow_provider_kling.transport.READ_ATTEMPTS", 1)
    kling.fault(code=5000, operation="query", times=2)
    assert sensor(task.task_id, **POKE).execute({"ti": ti})["videos"]


@pytest.mark.kling_simulator(seconds=60)
def test_soft_fail_skips_a_timeout(kling, task, ti):
    with pytest.raises(AirflowSkipException, match="still running"):
        sensor(task.task_id, timeout=0, soft_fail=True, **POKE).execute({"ti": ti})
    event = {"status": "timeout", "kling_task_id": task.task_id, "message": "late"}
    with pytest.raises(AirflowSkipException):
        sensor(task.task_id, soft_fail=True).resume_execution("execute_complete", {"event": event}, {"ti": ti})


@pytest.mark.parametrize("message", ["Image pixel is invalid", "Failure to pass the risk control system"])
def test_soft_fail_skips_a_remote_failure(kling, task, ti, message):
    kling.finish(task.task_id, failure=message)
    with pytest.raises(AirflowSkipException, match=message):
        sensor(task.task_id, soft_fail=True).execute({"ti": ti})
    with pytest.raises(AirflowSkipException):
        sensor(task.task_id, soft_fail=True, **POKE).execute({"ti": ti})


@pytest.mark.parametrize("deferrable", [True, False])
def test_soft_fail_never_skips_a_wrong_key(kling_simulator, monkeypatch, ti, deferrable):
    connect(monkeypatch, kling_simulator, login="", password="a-wrong-key")
    with pytest.raises(errors.KlingAuthenticationError):
        sensor("7", soft_fail=True, deferrable=deferrable, poke_interval=0.01).execute({"ti": ti})


def test_soft_fail_never_skips_a_broken_trigger(kling, task, ti):
    with pytest.raises(Exception, match="Unknown|bug") as caught:
        sensor(task.task_id, soft_fail=True).resume_execution("__fail__", {"error": "a bug"}, {"ti": ti})
    assert not isinstance(caught.value, AirflowSkipException)


def test_moderation_fails_at_once(kling, task, ti):
    kling.finish(task.task_id, failure="Failure to pass the risk control system")
    with pytest.raises(AirflowFailException):
        sensor(task.task_id).execute({"ti": ti})


def test_an_event_that_is_not_ours_is_an_error(kling, task, ti):
    with pytest.raises(errors.KlingResultError, match="no end of a wait"):
        sensor(task.task_id).execute_complete({"ti": ti}, None)
