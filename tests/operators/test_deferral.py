"""The operator defers, and resumes after the event of the trigger."""

from __future__ import annotations

import types
from datetime import timedelta

import pytest
from airflow.listeners import hookimpl
from support import PHOTOGRAPH, again
from support_operators import operator, run

from airflow_provider_kling import exceptions as errors
from airflow_provider_kling.operators import KlingImageToVideoOperator
from airflow_provider_kling.triggers import KlingTaskTrigger
from airflow_provider_kling.utils._airflow.compat import TaskDeferred


def test_a_resumed_wait_whose_xcom_is_gone_looks_the_task_up(kling, ti):
    run(ti)
    kling.finish(ti.xcoms.pop("task_id"))
    event = {"status": "success", "kling_task_id": kling.tasks()[0]["task_id"], "message": ""}
    assert operator(wait_for_completion=True).execute_complete({"ti": ti}, event)["status"] == "succeed"
    assert len(kling.tasks()) == 1


@pytest.mark.kling_simulator(seconds=30)
def test_it_defers_with_nothing_but_strings_and_numbers(kling, ti):
    with pytest.raises(TaskDeferred) as caught:
        run(ti, wait_for_completion=True, timeout=100)
    trigger = caught.value.trigger
    assert isinstance(trigger, KlingTaskTrigger)
    _, kwargs = trigger.serialize()
    assert all(isinstance(value, (str, int, float)) or value is None for value in kwargs.values())
    assert kwargs["kling_task_id"] == ti.xcoms["task_id"]
    assert kwargs["end_time"] == pytest.approx(kling.tasks()[0]["created_at"] / 1000 + 100)
    assert kwargs["ends_task"] is True
    assert caught.value.timeout > timedelta(seconds=100), "the trigger's own deadline comes first"


@pytest.mark.kling_simulator(seconds=30)
def test_execution_timeout_bounds_the_deferred_wait_too(kling, ti):
    with pytest.raises(TaskDeferred) as caught:
        run(ti, wait_for_completion=True, execution_timeout=timedelta(seconds=10))
    assert caught.value.trigger.end_time < caught.value.trigger.deferred_at + 11


@pytest.mark.kling_simulator(seconds=30)
def test_an_execution_timeout_of_zero_ends_no_wait_as_it_ends_no_work_in_airflow(kling, ti):
    with pytest.raises(TaskDeferred) as caught:
        run(ti, wait_for_completion=True, execution_timeout=timedelta(0))
    assert caught.value.trigger.end_time > caught.value.trigger.deferred_at + 3000


@pytest.mark.kling_simulator(seconds=30)
@pytest.mark.parametrize(
    "work",
    [
        {"output_uri": "file:///tmp/kling-results-of-a-test/"},
        {"post_execute": lambda context, result: None},
        {"on_success_callback": lambda context: None},
        {"outlets": ["asset"]},
    ],
)
def test_a_worker_is_resumed_when_it_has_something_to_do(kling, ti, work):
    if "outlets" in work:
        from airflow.sdk import Asset

        work = {"outlets": [Asset("s3://videos/one")]}
    with pytest.raises(TaskDeferred) as caught:
        run(ti, wait_for_completion=True, **work)
    assert caught.value.trigger.ends_task is False


@pytest.mark.kling_simulator(seconds=30)
def test_a_worker_is_resumed_for_a_subclass_with_its_own_execute_complete(kling, ti):
    class Named(KlingImageToVideoOperator):
        def execute_complete(self, context, event=None):
            return {**super().execute_complete(context, event), "name": "rocket"}

    named = Named(task_id="animate", image=str(PHOTOGRAPH), duration=3, wait_for_completion=True)
    with pytest.raises(TaskDeferred) as caught:
        named.execute({"ti": ti})
    assert caught.value.trigger.ends_task is False


@pytest.mark.kling_simulator(seconds=30)
def test_a_worker_is_resumed_when_a_plugin_listens_to_successes(kling, ti):
    listener = pytest.importorskip("airflow.sdk.listener", reason="Airflow 3.2 brought it")

    class Lineage:
        @hookimpl
        def on_task_instance_success(self, previous_state, task_instance):
            """Tell a lineage backend."""

    manager, lineage = listener.get_listener_manager(), Lineage()
    manager.pm.register(lineage)
    try:
        with pytest.raises(TaskDeferred) as caught:
            run(ti, wait_for_completion=True)
    finally:
        manager.pm.unregister(lineage)
    assert caught.value.trigger.ends_task is False


def test_a_finished_task_is_not_deferred_for(kling, ti):
    run(ti)
    kling.finish(ti.xcoms["task_id"])
    assert run(again(ti), wait_for_completion=True)["status"] == "succeed"


@pytest.mark.parametrize("wait", [False, True])
def test_a_clear_after_forty_days_hands_over_no_dead_links(kling, ti, wait):
    kling.advance(-40 * 86_400)
    kling.finish(run(ti)["task_id"])
    kling.advance(40 * 86_400)
    with pytest.raises(errors.KlingResultExpiredError, match="after 30 days"):
        run(again(ti), wait_for_completion=wait, deferrable=False)
    assert len(kling.tasks()) == 1


def test_it_resumes_with_fresh_links(kling, ti):
    run(ti)
    kling.finish(ti.xcoms["task_id"])
    event = {"status": "success", "kling_task_id": ti.xcoms["task_id"], "message": ""}
    manifest = operator().execute_complete({"ti": ti}, event)
    assert manifest["videos"][0]["url"]
    assert manifest["model_name"] == "kling-v3"


@pytest.mark.kling_simulator(seconds=60)
def test_after_an_event_of_another_task_the_wait_continues_for_its_own(kling, ti):
    run(ti)
    own = ti.xcoms["task_id"]
    stranger = {"status": "success", "kling_task_id": "8", "message": ""}
    with pytest.raises(TaskDeferred) as caught:
        operator(wait_for_completion=True).execute_complete({"ti": ti}, stranger)
    assert caught.value.trigger.kling_task_id == own
    kling.finish(own)
    assert operator(wait_for_completion=True).execute_complete({"ti": ti}, stranger)["task_id"] == own


@pytest.mark.kling_simulator(seconds=2)
def test_a_wait_whose_trigger_has_no_connection_continues_on_the_worker(kling, ti, monkeypatch):
    run(ti)
    own = ti.xcoms["task_id"]
    event = types.SimpleNamespace(status="error", kling_task_id=own, message="no connection", needs_worker=True)
    monkeypatch.setattr("airflow_provider_kling.polling.read_event", lambda *_: event)
    assert operator(wait_for_completion=True).execute_complete({"ti": ti}, {})["status"] == "succeed"


def test_after_a_trigger_failed_the_task_is_polled_once_more(kling, ti):
    run(ti)
    kling.finish(ti.xcoms["task_id"])
    manifest = operator().resume_execution("__fail__", {"error": "Trigger failure"}, {"ti": ti})
    assert manifest["status"] == "succeed"


@pytest.mark.kling_simulator(seconds=30)
def test_a_trigger_that_broke_while_the_task_runs_leaves_it_to_a_retry(kling, ti):
    run(ti)
    with pytest.raises(errors.KlingResultError, match="runs on and will be billed"):
        operator(wait_for_completion=True).resume_execution("__fail__", {"error": "Trigger timeout"}, {"ti": ti})
    assert run(again(ti))["task_id"] == ti.xcoms["task_id"]
