"""The operator of one task: it submits, returns or stores the result, and its failures are Airflow's."""

from __future__ import annotations

import pytest
from support import again
from support_operators import operator, run

from airflow_provider_kling import exceptions as errors
from airflow_provider_kling.operators import KlingTextToVideoOperator
from airflow_provider_kling.utils._airflow.compat import AirflowFailException


def test_it_submits_pushes_the_id_and_returns_the_manifest(kling, ti):
    manifest = run(ti)
    (task,) = kling.tasks()
    assert ti.xcoms["task_id"] == task["task_id"] == manifest["task_id"]
    assert (manifest["status"], manifest["model_name"], manifest["videos"]) == ("submitted", "kling-v3", [])


def test_text_to_video_works_with_its_own_fields(kling, ti):
    manifest = KlingTextToVideoOperator(task_id="t", prompt="A boat", aspect_ratio="1:1").execute({"ti": ti})
    assert manifest["endpoint"] == "text2video"
    assert kling.requests(method="POST")[0]["body"]["aspect_ratio"] == "1:1"


def test_the_cost_of_a_video_is_logged_before_it_is_submitted(kling, ti, capsys):
    run(ti, model_name="kling-v3", duration=5)
    assert "Submitting image2video, kling-v3, 5 s; about 3 units, $0.42" in capsys.readouterr().out


def test_a_limit_of_units_refuses_before_anything_is_sent(kling, ti):
    with pytest.raises(errors.KlingValidationError, match="Raise max_units"):
        run(ti, duration=5, max_units=2)
    with pytest.raises(errors.KlingValidationError, match="known price"):
        run(ti, model_name="kling-9", max_units=100)
    with pytest.raises(errors.KlingValidationError, match="max_units"):
        run(ti, max_units="many")
    assert kling.requests(method="POST") == []
    assert run(ti, duration=5, max_units="3")["task_id"]


def test_an_estimate_sends_nothing(kling, ti):
    assert operator(duration=10).estimate().units == 6
    assert operator(duration=10).hook.estimate("text2video", {"model_name": "kling-v3", "prompt": "A boat"}).units == 3
    assert kling.requests() == []


def test_a_callback_url_in_extra_body_is_sent(kling, ti):
    run(ti, extra_body={"callback_url": "https://example.com/hook"})
    assert kling.requests(method="POST")[0]["body"]["callback_url"] == "https://example.com/hook"


def test_a_target_that_is_gone_after_the_wait_is_left_to_a_retry(kling, ti, tmp_path):
    """A video that is paid for is not given up because a disk is away; before paying it would be refused."""
    run(ti)
    kling.finish(ti.xcoms["task_id"])
    (tmp_path / "file").write_text("not a folder")
    event = {"status": "success", "kling_task_id": ti.xcoms["task_id"], "message": ""}
    with pytest.raises(errors.KlingError) as caught:
        operator(output_uri=f"{tmp_path}/file/").execute_complete({"ti": ti}, event)
    assert not isinstance(caught.value, AirflowFailException)


def test_the_log_of_a_one_step_task_shows_every_step(kling, ti, tmp_path, logged):
    animate = operator(deferrable=False, output_uri=f"{tmp_path}/", mode="pro")
    lines = logged(animate)
    manifest = animate.execute({"ti": ti})
    story = [line for line in lines if "outside of the Task Runner" not in line]
    assert len(story) <= 6
    assert "image2video, kling-v3, pro, 3 s" in story[0]
    assert f"Kling accepted task {manifest['task_id']}" in story[1]
    assert "is done" in story[-2]
    assert f"{manifest['units']} units" in story[-2]
    assert str(tmp_path) in story[-1]
    assert "MB" in story[-1]


def test_it_waits_on_the_worker_when_not_deferrable(kling, ti):
    manifest = run(ti, wait_for_completion=True, deferrable=False)
    assert manifest["status"] == "succeed"
    assert manifest["videos"][0]["url"].startswith(kling.url)


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
def test_a_permanent_failure_is_not_retried_and_leaves_an_xcom_for_a_branch(kling, ti, fault, error):
    kling.fault(operation="create", **fault)
    with pytest.raises(AirflowFailException):
        run(ti, wait_for_completion=True, deferrable=False)
    assert ti.xcoms["failure"]["error"] == error
    assert ti.xcoms["failure"]["message"]


def test_a_failed_task_is_left_to_airflows_retries_which_submit_again(kling, ti):
    kling.fault("fail_task", message="Internal error, please contact Kling customer service.")
    with pytest.raises(errors.KlingTaskFailedError) as caught:
        run(ti, wait_for_completion=True, deferrable=False)
    assert not isinstance(caught.value, AirflowFailException)
    manifest = run(again(ti), wait_for_completion=True, deferrable=False)
    assert manifest["external_task_id"].endswith("-af-2")
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


def test_on_kill_logs_what_keeps_running(kling, ti, logged):
    made = operator()
    lines = logged(made)
    made.execute({"ti": ti})
    made.on_kill()
    assert f"Kling task {ti.xcoms['task_id']} keeps running" in lines[-1]
