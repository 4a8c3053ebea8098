"""The sensor against the simulator."""

from __future__ import annotations

import asyncio
import json
import time
import warnings
from datetime import timedelta

import pytest
from airflow.sdk import DAG
from support import PHOTOGRAPH, connect, limit

from airflow_provider_kling import exceptions as errors
from airflow_provider_kling.hooks import KlingHook
from airflow_provider_kling.operators import KlingTextToVideoOperator
from airflow_provider_kling.plugins.links import KlingResultLink
from airflow_provider_kling.sensors import KlingTaskSensor
from airflow_provider_kling.triggers import KlingTaskTrigger
from airflow_provider_kling.utils._airflow.compat import (
    AIRFLOW_V_3_3_PLUS,
    AirflowFailException,
    AirflowSkipException,
    TaskDeferred,
)

POKE = {"deferrable": False, "poke_interval": 0.05}


def sensor(task_id: str, **kwargs) -> KlingTaskSensor:
    return KlingTaskSensor(task_id="wait", kling_task_id=task_id, **kwargs)


@pytest.fixture
def task(kling):
    return KlingHook().create_task("image2video", {"image": str(PHOTOGRAPH), "duration": 3}, external_task_id="mine")


@pytest.mark.parametrize("name", ["deferrable", "soft_fail", "start_from_trigger"])
@pytest.mark.parametrize("value", ["False", "no", 0, None])
def test_a_switch_that_is_not_a_truth_value_is_refused(name, value):
    with pytest.raises(errors.KlingValidationError, match=f"Give {name} as True or False"):
        sensor("1", **{name: value})


def test_poking_returns_the_manifest(kling, task, ti):
    manifest = sensor(task.task_id, **POKE).execute({"ti": ti})
    assert manifest["status"] == "succeed"
    assert manifest["videos"]


def test_an_external_id_is_as_good(kling, task, ti):
    assert sensor("mine", **POKE).execute({"ti": ti})["task_id"] == task.task_id


def test_a_finished_task_ends_the_deferrable_sensor_at_once(kling, task, ti):
    kling.finish(task.task_id)
    assert sensor(task.task_id).execute({"ti": ti})["videos"]


@pytest.mark.parametrize("how", [POKE, {}])
def test_the_button_opens_what_the_sensor_returns(kling, task, ti, how):
    kling.finish(task.task_id)
    waiting = sensor(task.task_id, **how)
    assert KlingResultLink().get_link(waiting, ti_key=None) == ""
    manifest = waiting.execute({"ti": ti})
    assert KlingResultLink().get_link(waiting, ti_key=None) == manifest["videos"][0]["url"]


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


def test_poking_survives_a_transient_error(kling, task, ti, monkeypatch):
    limit(monkeypatch, read_attempts=1)
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


FAILED_TRIGGERS = [{"error": "Trigger timeout"}, {"error": "Trigger failure", "traceback": ["a bug"]}]


@pytest.mark.parametrize("soft_fail", [True, False])
@pytest.mark.parametrize("kwargs", FAILED_TRIGGERS)
class TestATriggerThatEndedWithoutAnEvent:
    """The triggerer was down beyond Airflow's own limit, or the trigger broke; the video may be there."""

    def test_a_finished_task_is_delivered(self, kling, task, ti, kwargs, soft_fail):
        kling.finish(task.task_id)
        assert sensor(task.task_id, soft_fail=soft_fail).resume_execution("__fail__", kwargs, {"ti": ti})["videos"]

    @pytest.mark.kling_simulator(seconds=60)
    def test_a_running_task_is_waited_for_again(self, kling, task, ti, kwargs, soft_fail):
        with pytest.raises(TaskDeferred) as caught:
            sensor(task.task_id, soft_fail=soft_fail).resume_execution("__fail__", kwargs, {"ti": ti})
        assert caught.value.trigger.kling_task_id == task.task_id

    @pytest.mark.kling_simulator(seconds=60)
    def test_after_the_deadline_it_is_a_timeout_that_can_be_retried(self, kling, task, ti, kwargs, soft_fail):
        expected = AirflowSkipException if soft_fail else errors.KlingTimeoutError
        with pytest.raises(expected):
            sensor(task.task_id, soft_fail=soft_fail, timeout=0).resume_execution("__fail__", kwargs, {"ti": ti})


class TestWhatNamesTheTask:
    def test_a_manifest_names_task_and_product(self, kling, ti):
        text = KlingHook().create_task("text2video", {"prompt": "x", "duration": 3})
        kling.finish(text.task_id)
        for manifest in (text.manifest(), str(text.manifest()), json.dumps(text.manifest())):
            assert sensor(manifest, **POKE).execute({"ti": ti})["endpoint"] == "text2video"

    def test_native_rendering_turns_the_id_into_a_number(self, kling, task, ti):
        kling.finish(task.task_id)
        assert sensor(int(task.task_id)).execute({"ti": ti})["task_id"] == task.task_id

    @pytest.mark.parametrize(
        "value", [None, "None", " ", "", 1.5, True, [], {}, {"task_id": None}, "{", "a\x00b", "x" * 999]
    )
    @pytest.mark.parametrize("deferrable", [True, False])
    def test_anything_else_is_a_clear_error(self, kling, ti, value, deferrable):
        with pytest.raises(errors.KlingValidationError, match="Give kling_task_id a task's id"):
            sensor(value, deferrable=deferrable).execute({"ti": ti})
        json.dumps(ti.xcoms["failure"])

    @pytest.mark.parametrize("endpoint", [None, 7, "video2video"])
    def test_a_product_that_does_not_exist_is_a_clear_error(self, kling, ti, endpoint):
        with pytest.raises(errors.KlingError, match="endpoint"):
            sensor("7", endpoint=endpoint).execute({"ti": ti})

    def test_a_trigger_understands_a_manifest_too(self, kling, task):
        kling.finish(task.task_id)
        trigger = KlingTaskTrigger(kling_task_id=task.manifest(), timeout=60.0)
        assert asyncio.run(anext(trigger.run())).payload["status"] == "success"


@pytest.mark.kling_simulator(seconds=60)
class TestAManifestOfATaskThatIsTooYoungToHaveEnded:
    """The first look is the triggerer's: a worker would import an HTTP client only to hear that there is nothing."""

    def deferred(self, ti, manifest, **kwargs):
        with pytest.raises(TaskDeferred) as caught:
            sensor(manifest, **kwargs).execute({"ti": ti})
        return caught.value

    def test_nothing_is_asked_on_the_worker(self, kling, task, ti):
        before = kling.requests()
        deferral = self.deferred(ti, task.manifest(), timeout=100)
        trigger = deferral.trigger
        assert kling.requests() == before
        assert (trigger.kling_task_id, trigger.endpoint, trigger.ends_task) == (task.task_id, "image2video", True)
        assert trigger.first_poll_at == pytest.approx(time.time() + 30, abs=5), "two intervals after it was accepted"
        assert (trigger.end_time, trigger.timeout) == (None, 100), "counted from when Kling accepted it"
        assert deferral.timeout == timedelta(seconds=220)

    @pytest.mark.parametrize("age", [31, 200])
    def test_later_the_worker_looks(self, kling, task, ti, age):
        kling.finish(task.task_id)
        manifest = {**task.manifest(), "created_at": task.created_at - 1000 * age}
        assert sensor(manifest, timeout=100).execute({"ti": ti})["videos"]

    @pytest.mark.parametrize(
        "change",
        [{"status": "succeed"}, {"status": "odd"}, {"created_at": 0}, {"created_at": "soon"}, {"created_at": True}],
    )
    def test_a_manifest_without_a_final_result_is_looked_up(self, kling, task, ti, change):
        kling.finish(task.task_id)
        assert sensor({**task.manifest(), **change}).execute({"ti": ti})["videos"]

    def test_a_timeout_that_is_over_is_looked_up(self, kling, task, ti):
        with pytest.raises(errors.KlingTimeoutError, match="still running"):
            sensor(task.manifest(), timeout=0).execute({"ti": ti})

    def test_the_task_of_another_account_fails_for_good(self, kling, task, ti):
        manifest = {**task.manifest(), "task_id": "1"}
        trigger = self.deferred(ti, manifest, poke_interval=0.1).trigger
        trigger.min_deferral = 0.0
        payload = asyncio.run(anext(trigger.run())).payload
        assert payload["status"] == "error"
        with pytest.raises(AirflowFailException):
            sensor(manifest).resume_execution("execute_complete", {"event": payload}, {"ti": ti})


class TestArguments:
    @pytest.mark.parametrize("value", ["30", 30, timedelta(seconds=30), 30.0])
    def test_times_are_understood(self, value):
        waiting_sensor = sensor("7", timeout=value, poke_interval=value)
        assert (waiting_sensor.timeout, waiting_sensor.poke_interval) == (30.0, 30.0)

    def test_none_is_the_default(self):
        waiting_sensor = sensor("7", timeout=None, poke_interval=None)
        assert (waiting_sensor.timeout, waiting_sensor.poke_interval) == (3600.0, 15.0)

    @pytest.mark.parametrize("name", ["timeout", "poke_interval"])
    @pytest.mark.parametrize("value", [float("nan"), float("inf"), -1, "soon", [], True])
    def test_what_is_not_a_time_is_refused_while_the_dag_is_read(self, name, value):
        with pytest.raises(errors.KlingValidationError, match=f"Give {name}"):
            sensor("7", **{name: value})


class TestATaskThatWasReadBefore:
    """Whatever a later look is refused with, the task was paid for: never red for good."""

    def gone(self, kling):
        kling.fault(code=1201, message="Task not found by id/external id", operation="query", times=None)

    @pytest.mark.kling_simulator(seconds=60)
    def test_not_found_after_the_wait_can_be_retried_and_names_the_connection(self, kling, task, ti):
        self.gone(kling)
        event = {"status": "timeout", "kling_task_id": task.task_id, "message": "late"}
        with pytest.raises(
            errors.KlingResultError, match="(?s)Check connection kling_default@.*another account"
        ) as caught:
            sensor(task.task_id, soft_fail=True).resume_execution("execute_complete", {"event": event}, {"ti": ti})
        assert caught.value.transient
        assert not isinstance(caught.value, AirflowFailException)

    @pytest.mark.kling_simulator(seconds=3)
    def test_poking_continues(self, kling, task, ti):
        waiting_sensor = sensor(task.task_id, **POKE)
        assert waiting_sensor.poke({"ti": ti}) is False
        kling.fault(code=1201, message="Task not found by id/external id", operation="query", times=3)
        kling.fault(code=1002, operation="query", times=3)
        assert [waiting_sensor.poke({"ti": ti}) for _ in range(6)] == [False] * 6

    @pytest.mark.kling_simulator(seconds=60)
    def test_airflows_own_timeout_becomes_one_that_can_be_retried(self, kling, task, ti):
        waiting_sensor = sensor(task.task_id, timeout=1, **POKE)
        waiting_sensor.poke({"ti": ti})
        kling.fault(code=5000, operation="query", times=None)
        with pytest.raises(errors.KlingServerError):
            waiting_sensor.execute({"ti": ti})


@pytest.mark.kling_simulator(seconds=1)
def test_a_wait_that_the_triggerer_cannot_do_continues_on_the_worker(kling, task, ti):
    event = {"status": "error", "kling_task_id": task.task_id, "message": "no connection", "cause": "connection"}
    waiting_sensor = sensor(task.task_id, poke_interval=0.1)
    assert waiting_sensor.resume_execution("execute_complete", {"event": event}, {"ti": ti})["videos"]


def test_moderation_fails_at_once(kling, task, ti):
    kling.finish(task.task_id, failure="Failure to pass the risk control system")
    with pytest.raises(AirflowFailException):
        sensor(task.task_id).execute({"ti": ti})
    assert ti.xcoms["failure"]["error"] == "KlingContentPolicyError"
    assert ti.xcoms["failure"]["task_id"] == task.task_id


FOREIGN_EVENTS = [None, {"since": 1.0, "until": 2.0}, {"status": "success", "kling_task_id": "8", "message": ""}]


@pytest.mark.kling_simulator(seconds=60)
@pytest.mark.parametrize("event", FOREIGN_EVENTS)
def test_after_an_event_that_is_not_ours_the_wait_continues(kling, task, ti, event):
    with pytest.raises(TaskDeferred) as caught:
        sensor(task.task_id).execute_complete({"ti": ti}, event)
    assert caught.value.trigger.kling_task_id == task.task_id
    kling.finish(task.task_id)
    assert sensor(task.task_id).execute_complete({"ti": ti}, event)["task_id"] == task.task_id


@pytest.mark.skipif(not AIRFLOW_V_3_3_PLUS, reason="Airflow renders templates in the triggerer from 3.3 on")
class TestStartFromTrigger:
    """Where Airflow supports it, the sensor starts in the triggerer; else on a worker, with the reason in the log."""

    def test_an_output_becomes_a_template_that_the_triggerer_can_render(self):
        with DAG("d", schedule=None):
            animate = KlingTextToVideoOperator(task_id="animate", prompt="x")
            waiting_sensor = sensor(animate.output["task_id"], start_from_trigger=True, timeout=60)
        assert waiting_sensor.start_from_trigger
        kwargs = waiting_sensor.start_trigger_args.trigger_kwargs
        assert kwargs["kling_task_id"] == "{{ ti.xcom_pull(task_ids='animate', key='task_id', map_indexes=-1) }}"
        assert kwargs["ends_task"] is True
        assert waiting_sensor.upstream_task_ids == {"animate"}
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
    def test_a_pull_that_would_wait_forever_starts_on_a_worker(self, kling_task_id, possible):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            waiting_sensor = sensor(kling_task_id, start_from_trigger=True)
        assert waiting_sensor.start_from_trigger is possible
        assert bool([w for w in caught if "map_indexes=-1" in str(w.message)]) is not possible

    def test_a_mapped_upstream_starts_on_a_worker(self):
        with DAG("d", schedule=None):
            animate = KlingTextToVideoOperator.partial(task_id="animate").expand(prompt=["x", "y"])
            with pytest.warns(UserWarning, match="comes from a mapped task"):
                waiting_sensor = sensor(animate.output["task_id"], start_from_trigger=True)
        assert not waiting_sensor.start_from_trigger

    def test_a_mapped_sensor_starts_on_a_worker(self):
        with DAG("d", schedule=None):
            mapped = KlingTaskSensor.partial(task_id="wait", start_from_trigger=True).expand(kling_task_id=["1", "2"])
        assert mapped.start_trigger_args is None

    def test_without_asking_for_it_nothing_changes(self):
        assert not sensor("7").start_from_trigger
        assert sensor("7").start_trigger_args is None


@pytest.mark.skipif(AIRFLOW_V_3_3_PLUS, reason="shows what happens before Airflow 3.3")
def test_an_older_airflow_starts_on_a_worker():
    with pytest.warns(UserWarning, match="Airflow before 3.3"):
        assert not sensor("7", start_from_trigger=True).start_from_trigger


def test_the_deadline_counts_from_klings_acceptance_here_too(kling, task):
    trigger = KlingTaskTrigger(kling_task_id=task.task_id, timeout=0.0, poll_interval=0.1)
    payload = asyncio.run(anext(trigger.run())).payload
    assert payload["status"] in ("timeout", "success")


@pytest.mark.parametrize("how", [POKE, {}])
def test_links_that_kling_has_deleted_are_reported_as_dead(kling, ti, how):
    kling.advance(-40 * 86_400)
    old = KlingHook().create_task("image2video", {"image": str(PHOTOGRAPH), "duration": 3})
    kling.finish(old.task_id)
    kling.advance(40 * 86_400)
    with pytest.raises(errors.KlingResultExpiredError, match="deleted its result after 30 days"):
        sensor(old.task_id, **how).execute({"ti": ti})
