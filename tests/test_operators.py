"""The operators against the simulator; Airflow's own side is stood in for by a small task instance."""

from __future__ import annotations

import base64
import dataclasses
from datetime import timedelta

import pytest
from airflow.listeners import hookimpl
from support import PHOTOGRAPH, connect

from airflow_provider_kling import exceptions as errors
from airflow_provider_kling._airflow.compat import AirflowFailException, TaskDeferred
from airflow_provider_kling.images import InlineImage
from airflow_provider_kling.operators import KlingImageToVideoOperator, KlingTextToVideoOperator
from airflow_provider_kling.triggers import KlingSlotTrigger, KlingTaskTrigger


def operator(**kwargs) -> KlingImageToVideoOperator:
    defaults = {"task_id": "animate", "image": str(PHOTOGRAPH), "prompt": "It moves", "duration": 3}
    return KlingImageToVideoOperator(**{**defaults, "poll_interval": 0.05, **kwargs})


def run(ti, **kwargs):
    return operator(**kwargs).execute({"ti": ti})


def again(ti, **changes):
    """The same Airflow task on its next try, with its XComs cleared as Airflow does."""
    return dataclasses.replace(ti, try_number=ti.try_number + 1, xcoms={}, **changes)


def test_it_submits_pushes_the_id_and_returns_the_manifest(kling, ti):
    manifest = run(ti)
    (task,) = kling.tasks()
    assert ti.xcoms["task_id"] == task["task_id"] == manifest["task_id"]
    assert ti.xcoms["manifest"] == manifest
    assert (manifest["status"], manifest["model_name"], manifest["videos"]) == ("submitted", "kling-v3", [])


def test_text_to_video_is_the_same_with_its_own_fields(kling, ti):
    manifest = KlingTextToVideoOperator(task_id="t", prompt="A boat", aspect_ratio="1:1").execute({"ti": ti})
    assert manifest["endpoint"] == "text2video"
    assert kling.requests(method="POST")[0]["body"]["aspect_ratio"] == "1:1"


def test_the_id_is_pushed_before_anything_else_can_go_wrong(kling, ti):
    class Store:
        def set(self, key, value):
            raise OSError("the state store is down")

    with pytest.raises(OSError, match="state store"):
        operator().execute({"ti": ti, "task_state_store": Store()})
    assert ti.xcoms["task_id"] == kling.tasks()[0]["task_id"]


def test_the_ids_are_written_to_the_task_state_store_for_people_to_see(kling, ti):
    store = {}

    class Store:
        set = staticmethod(store.__setitem__)

    operator().execute({"ti": ti, "task_state_store": Store()})
    assert store == {
        "kling_task_id": kling.tasks()[0]["task_id"],
        "external_task_id": kling.tasks()[0]["external_task_id"],
    }


def test_a_retry_adopts_what_the_first_try_paid_for(kling, ti):
    first = run(ti)
    second = run(again(ti))
    assert second["task_id"] == first["task_id"]
    assert len(kling.tasks()) == 1


def test_a_clear_adopts_by_default(kling, ti):
    first = run(ti, retries=2)
    assert run(again(ti, max_tries=3), retries=2)["task_id"] == first["task_id"]


def test_a_clear_pays_for_a_new_take_when_asked_and_a_retry_never_does(kling, ti):
    ti.max_tries = 2
    first = run(ti, retries=2, on_clear="regenerate")
    assert run(again(ti), retries=2, on_clear="regenerate")["task_id"] == first["task_id"]
    cleared = again(ti, max_tries=4)
    second = run(cleared, retries=2, on_clear="regenerate")
    assert second["task_id"] != first["task_id"]
    assert run(again(cleared), retries=2, on_clear="regenerate")["task_id"] == second["task_id"]
    assert len(kling.tasks()) == 2


@pytest.mark.parametrize("change", [{"prompt": "It moves more"}, {"duration": 4}, {"mode": "pro"}])
def test_a_changed_request_is_a_new_video(kling, ti, change):
    run(ti)
    run(again(ti), **change)
    assert len(kling.tasks()) == 2


def test_a_picture_that_changed_behind_the_same_path_is_a_new_video(kling, ti, tmp_path):
    from PIL import Image

    path = tmp_path / "picture.png"
    for colour, expected in (("red", 1), ("red", 1), ("blue", 2)):
        Image.new("RGB", (400, 300), colour).save(path)
        run(again(ti), image=str(path))
        assert len(kling.tasks()) == expected


def test_mapped_tasks_have_a_task_each(kling, ti):
    for index in range(3):
        run(dataclasses.replace(ti, map_index=index))
    assert len(kling.tasks()) == 3


def test_an_id_of_the_users_own_is_kept(kling, ti):
    run(ti, external_task_id="campaign-7")
    run(again(ti), external_task_id="campaign-7", prompt="another one")
    assert [task["external_task_id"] for task in kling.tasks()] == ["campaign-7"]


def test_it_waits_on_the_worker_when_not_deferrable(kling, ti):
    manifest = run(ti, wait_for_completion=True, deferrable=False)
    assert manifest["status"] == "succeed"
    assert manifest["videos"][0]["url"].startswith(kling.url)
    assert ti.xcoms["manifest"] == manifest


@pytest.mark.kling_simulator(seconds=30)
def test_it_defers_with_nothing_but_strings_and_numbers(kling, ti):
    with pytest.raises(TaskDeferred) as caught:
        run(ti, wait_for_completion=True, timeout=100)
    trigger = caught.value.trigger
    assert isinstance(trigger, KlingTaskTrigger)
    _, kwargs = trigger.serialize()
    assert all(isinstance(value, (str, int, float)) or value is None for value in kwargs.values())
    assert kwargs["kling_task_id"] == ti.xcoms["task_id"]
    assert kwargs["end_time"] == pytest.approx(ti.xcoms["manifest"]["created_at"] / 1000 + 100)
    assert kwargs["ends_task"] is True
    assert caught.value.timeout > timedelta(seconds=100), "the trigger's own deadline comes first"


@pytest.mark.kling_simulator(seconds=30)
def test_execution_timeout_bounds_the_deferred_wait_too(kling, ti):
    with pytest.raises(TaskDeferred) as caught:
        run(ti, wait_for_completion=True, execution_timeout=timedelta(seconds=10))
    assert caught.value.trigger.end_time < caught.value.trigger.deferred_at + 11


@pytest.mark.kling_simulator(seconds=30)
@pytest.mark.parametrize(
    "work",
    [
        {"output_uri": "file:///tmp/x/"},
        {"post_execute": lambda context, result: None},
        {"on_success_callback": lambda context: None},
        {"outlets": ["asset"]},
    ],
)
def test_a_worker_is_asked_back_when_it_has_something_to_do(kling, ti, work):
    if "outlets" in work:
        from airflow.sdk import Asset

        work = {"outlets": [Asset("s3://videos/one")]}
    with pytest.raises(TaskDeferred) as caught:
        run(ti, wait_for_completion=True, **work)
    assert caught.value.trigger.ends_task is False


@pytest.mark.kling_simulator(seconds=30)
def test_a_worker_is_asked_back_by_a_subclass_with_an_end_of_its_own(kling, ti):
    class Named(KlingImageToVideoOperator):
        def execute_complete(self, context, event=None):
            return {**super().execute_complete(context, event), "name": "rocket"}

    named = Named(task_id="animate", image=str(PHOTOGRAPH), duration=3, wait_for_completion=True)
    with pytest.raises(TaskDeferred) as caught:
        named.execute({"ti": ti})
    assert caught.value.trigger.ends_task is False


@pytest.mark.kling_simulator(seconds=30)
def test_a_worker_is_asked_back_when_a_plugin_listens_to_successes(kling, ti):
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


def test_it_resumes_with_fresh_links(kling, ti):
    run(ti)
    kling.finish(ti.xcoms["task_id"])
    event = {"status": "success", "kling_task_id": ti.xcoms["task_id"], "message": ""}
    manifest = operator().execute_complete({"ti": ti}, event)
    assert manifest["videos"][0]["url"]
    assert manifest["model_name"] == "kling-v3"


@pytest.mark.kling_simulator(seconds=60)
def test_after_an_event_of_another_task_the_wait_goes_on_for_its_own(kling, ti):
    run(ti)
    own = ti.xcoms["task_id"]
    stranger = {"status": "success", "kling_task_id": "8", "message": ""}
    with pytest.raises(TaskDeferred) as caught:
        operator().execute_complete({"ti": ti}, stranger)
    assert caught.value.trigger.kling_task_id == own
    kling.finish(own)
    assert operator().execute_complete({"ti": ti}, stranger)["task_id"] == own


@pytest.mark.kling_simulator(seconds=60)
def test_a_stranger_s_event_ends_no_wait_for_a_slot(kling, ti):
    stranger = {"status": "success", "kling_task_id": "8", "message": ""}
    assert operator().execute_with_slot({"ti": ti}, stranger)["task_id"] == ti.xcoms["task_id"]


def test_a_trigger_that_broke_gets_one_more_look(kling, ti):
    run(ti)
    kling.finish(ti.xcoms["task_id"])
    manifest = operator().resume_execution("__fail__", {"error": "Trigger failure"}, {"ti": ti})
    assert manifest["status"] == "succeed"


@pytest.mark.kling_simulator(seconds=30)
def test_a_trigger_that_broke_while_the_task_runs_leaves_it_to_a_retry(kling, ti):
    run(ti)
    with pytest.raises(errors.KlingResultError, match="runs on and will be billed"):
        operator().resume_execution("__fail__", {"error": "Trigger timeout"}, {"ti": ti})
    assert run(again(ti))["task_id"] == ti.xcoms["task_id"]


def test_it_stores_the_result_in_the_same_task(kling, ti, tmp_path):
    manifest = run(ti, deferrable=False, output_uri=f"file://{tmp_path}/")
    (file,) = manifest["files"]
    path = tmp_path / f"{manifest['task_id']}_0.mp4"
    assert file["uri"] == f"file://{path}"
    assert path.stat().st_size == file["bytes"]
    assert file["duration"] == pytest.approx(3, abs=0.2)
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"code": 1301}, "KlingContentPolicyError"),
        ({"code": 1102}, "KlingAccountError"),
        ({"kind": "fail_task", "message": "Failure to pass the risk control system"}, "KlingContentPolicyError"),
    ],
)
def test_a_permanent_failure_is_not_retried_and_leaves_a_word_for_a_branch(kling, ti, fault, error):
    kling.fault(operation="create", **fault)
    with pytest.raises(AirflowFailException):
        run(ti, wait_for_completion=True, deferrable=False)
    assert ti.xcoms["failure"]["error"] == error
    assert ti.xcoms["failure"]["message"]


def test_a_failed_task_is_left_to_airflows_retries_which_submit_anew(kling, ti):
    kling.fault("fail_task", message="Internal error, please contact Kling customer service.")
    with pytest.raises(errors.KlingTaskFailedError) as caught:
        run(ti, wait_for_completion=True, deferrable=False)
    assert not isinstance(caught.value, AirflowFailException)
    manifest = run(again(ti), wait_for_completion=True, deferrable=False)
    assert manifest["external_task_id"].endswith("-2")
    assert manifest["units"]
    assert [task["status"] for task in kling.tasks()] == ["failed", "succeed"]


def test_a_bad_request_costs_nothing(kling, ti):
    with pytest.raises(errors.KlingValidationError, match="3 problems"):
        run(ti, image="missing.png", duration=99, cfg_scale=7.0)
    assert kling.requests() == []
    assert ti.xcoms["failure"]["error"] == "KlingValidationError"


def test_an_unknown_keyword_passes_through_extra_body(kling, ti):
    run(ti, extra_body={"brand_new_field": 1})
    assert kling.requests(method="POST")[0]["body"]["brand_new_field"] == 1


@pytest.mark.parametrize("form", ["bytes", "data", "base64"])
def test_an_images_content_shows_nowhere(kling, ti, form):
    content = PHOTOGRAPH.read_bytes()
    text = base64.b64encode(content).decode()
    image = {"bytes": content, "data": f"data:image/jpeg;base64,{text}", "base64": text}[form]
    one = operator(image=image)
    assert isinstance(one.image, InlineImage)
    assert text[:60] not in repr(one.image) + str(one.image) + str(one.image.serialize())
    one.execute({"ti": ti})
    assert len(kling.tasks()) == 1


def test_an_image_that_a_template_brings_in_is_concealed_before_airflow_shows_it():
    text = base64.b64encode(PHOTOGRAPH.read_bytes()).decode()
    one = operator(image="{{ picture }}")
    one.render_template_fields({"picture": text})
    assert isinstance(one.image, InlineImage)


@pytest.mark.parametrize("cls", [KlingImageToVideoOperator, KlingTextToVideoOperator])
def test_every_field_is_an_argument_an_attribute_and_a_template_field(cls):
    one = cls(task_id="x", prompt="y")
    for name in (*cls.kling_fields, *cls.template_fields):
        assert hasattr(one, name)
    assert set(cls.kling_fields) <= set(cls.template_fields)


def test_on_kill_says_what_keeps_running(kling, ti, logged):
    one = operator()
    lines = logged(one)
    one.execute({"ti": ti})
    one.on_kill()
    assert f"Kling task {ti.xcoms['task_id']} keeps running" in lines[-1]


def test_the_constructor_touches_nothing(monkeypatch):
    monkeypatch.delenv("AIRFLOW_CONN_KLING_DEFAULT", raising=False)
    operator(image="s3://nowhere/nothing.png", kling_conn_id="{{ var.value.which }}")


def test_a_lost_answer_in_the_middle_of_a_submit_is_one_video(kling, ti, no_waiting):
    kling.fault("cut_after", operation="create")
    manifest = run(ti)
    assert [task["task_id"] for task in kling.tasks()] == [manifest["task_id"]]


def test_the_api_key_and_the_secret_show_in_no_xcom_and_no_trigger(kling_simulator, monkeypatch, ti):
    connect(monkeypatch, kling_simulator)
    kling_simulator.fault("delay", operation="query", seconds=0)
    with pytest.raises(TaskDeferred) as caught:
        run(ti, wait_for_completion=True, prompt="x")
    seen = str(ti.xcoms) + str(caught.value.trigger.serialize()) + repr(caught.value.trigger)
    assert kling_simulator.secret_key not in seen
    assert "eyJ" not in seen


def test_no_free_slot_is_a_wait_outside_the_worker_that_creates_nothing(kling, ti):
    kling.fault(code=1303, operation="create")
    with pytest.raises(TaskDeferred) as caught:
        run(ti, slot_timeout=100)
    trigger = caught.value.trigger
    assert isinstance(trigger, KlingSlotTrigger)
    assert caught.value.method_name == "execute_with_slot"
    assert trigger.until == pytest.approx(trigger.since + 100)
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


def test_a_slot_is_waited_for_on_the_worker_when_not_deferrable(kling, ti, monkeypatch):
    monkeypatch.setattr("airflow_provider_kling.slots.PROBE_INTERVAL", 0.05)
    kling.fault(code=1303, operation="create", times=2)
    assert run(ti, deferrable=False)["task_id"] == kling.tasks()[0]["task_id"]
