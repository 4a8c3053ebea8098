"""The sensor against the simulator."""

from __future__ import annotations

import asyncio
import warnings

import pytest
from airflow.sdk import DAG
from support import PHOTOGRAPH, connect

from airflow_provider_kling import exceptions as errors
from airflow_provider_kling._airflow.compat import (
    AIRFLOW_V_3_3_PLUS,
    AirflowFailException,
    AirflowSkipException,
    TaskDeferred,
)
from airflow_provider_kling.hooks import KlingHook
from airflow_provider_kling.operators import KlingTextToVideoOperator
from airflow_provider_kling.sensors import KlingTaskSensor
from airflow_provider_kling.triggers import KlingTaskTrigger

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
    assert ti.xcoms["failure"]["error"] == "KlingContentPolicyError"
    assert ti.xcoms["failure"]["task_id"] == task.task_id


STRANGERS = [None, {"since": 1.0, "until": 2.0}, {"status": "success", "kling_task_id": "8", "message": ""}]


@pytest.mark.kling_simulator(seconds=60)
@pytest.mark.parametrize("event", STRANGERS)
def test_after_an_event_that_is_not_ours_the_wait_goes_on(kling, task, ti, event):
    with pytest.raises(TaskDeferred) as caught:
        sensor(task.task_id).execute_complete({"ti": ti}, event)
    assert caught.value.trigger.kling_task_id == task.task_id
    kling.finish(task.task_id)
    assert sensor(task.task_id).execute_complete({"ti": ti}, event)["task_id"] == task.task_id


@pytest.mark.skipif(not AIRFLOW_V_3_3_PLUS, reason="Airflow renders templates in the triggerer from 3.3 on")
class TestStartFromTrigger:
    """Where Airflow can start a sensor in the triggerer it does; elsewhere the ordinary road, with the reason."""

    def test_an_output_becomes_a_template_that_the_triggerer_can_render(self):
        with DAG("d", schedule=None):
            animate = KlingTextToVideoOperator(task_id="animate", prompt="x")
            one = sensor(animate.output["task_id"], start_from_trigger=True, timeout=60)
        assert one.start_from_trigger
        kwargs = one.start_trigger_args.trigger_kwargs
        assert kwargs["kling_task_id"] == "{{ ti.xcom_pull(task_ids='animate', key='task_id', map_indexes=-1) }}"
        assert kwargs["ends_task"] is True
        assert one.upstream_task_ids == {"animate"}
        KlingTaskTrigger(**kwargs)

    @pytest.mark.parametrize(
        ("kling_task_id", "possible"),
        [
            ("867283741759111202", True),
            ("{{ params.id }}", True),
            ("{{ ti.xcom_pull(task_ids='a', key='task_id', map_indexes=-1) }}", True),
            ("{{ ti.xcom_pull('a', key='task_id') }}", False),
        ],
    )
    def test_a_pull_that_would_wait_for_ever_takes_the_ordinary_road(self, kling_task_id, possible):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            one = sensor(kling_task_id, start_from_trigger=True)
        assert one.start_from_trigger is possible
        assert bool([w for w in caught if "map_indexes=-1" in str(w.message)]) is not possible

    def test_a_mapped_upstream_takes_the_ordinary_road(self):
        with DAG("d", schedule=None):
            animate = KlingTextToVideoOperator.partial(task_id="animate").expand(prompt=["x", "y"])
            with pytest.warns(UserWarning, match="comes from a mapped task"):
                one = sensor(animate.output["task_id"], start_from_trigger=True)
        assert not one.start_from_trigger

    def test_a_mapped_sensor_takes_the_ordinary_road(self):
        with DAG("d", schedule=None):
            mapped = KlingTaskSensor.partial(task_id="wait", start_from_trigger=True).expand(kling_task_id=["1", "2"])
        assert mapped.start_trigger_args is None

    def test_without_asking_for_it_nothing_changes(self):
        assert not sensor("7").start_from_trigger
        assert sensor("7").start_trigger_args is None


@pytest.mark.skipif(AIRFLOW_V_3_3_PLUS, reason="shows what happens before Airflow 3.3")
def test_an_older_airflow_takes_the_ordinary_road():
    with pytest.warns(UserWarning, match="Airflow before 3.3"):
        assert not sensor("7", start_from_trigger=True).start_from_trigger


def test_the_deadline_counts_from_klings_acceptance_here_too(kling, task):
    trigger = KlingTaskTrigger(kling_task_id=task.task_id, timeout=0.0, poll_interval=0.1)
    payload = asyncio.run(anext(trigger.run())).payload
    assert payload["status"] in ("timeout", "success")


@pytest.mark.parametrize("how", [POKE, {}])
def test_links_that_kling_has_deleted_are_said_to_be_dead(kling, ti, how):
    kling.advance(-40 * 86_400)
    old = KlingHook().create_task("image2video", {"image": str(PHOTOGRAPH), "duration": 3})
    kling.finish(old.task_id)
    kling.advance(40 * 86_400)
    with pytest.raises(errors.KlingResultExpiredError, match="deleted its result after 30 days"):
        sensor(old.task_id, **how).execute({"ti": ti})
