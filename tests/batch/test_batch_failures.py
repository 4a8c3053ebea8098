"""A batch with items that fail, and errors of the account."""

from __future__ import annotations

import asyncio

import pytest
from support_batch import again, deferred, fire, manifest, operator, posts, run, set_fast_pace

from airflow_provider_kling.exceptions import KlingBatchError, KlingBatchFailedError
from airflow_provider_kling.utils._airflow.compat import AirflowFailException


@pytest.fixture(autouse=True)
def _fast_pace(monkeypatch):
    set_fast_pace(monkeypatch)


def test_partial_failure_is_reported_and_the_rest_is_done(kling, ti, tmp_path):
    kling.fault("fail_task", operation="create", times=2, nth=2, message="Image pixel is invalid")
    payload = run(ti, tmp_path, count=4, item_retries=0)
    assert payload["status"] == "success"
    assert (payload["summary"]["done"], payload["summary"]["failed"]) == (2, 2)
    errors = [line["error"] for line in manifest(tmp_path) if line["status"] == "failed"]
    assert {error["error"] for error in errors} == {"KlingTaskFailedError"}
    assert all("Image pixel is invalid" in error["message"] for error in errors)


def test_a_failed_item_gets_its_next_attempt(kling, ti, tmp_path):
    kling.fault("fail_task", operation="create", times=1, message="busy")
    payload = run(ti, tmp_path, count=3, item_retries=1)
    assert payload["summary"]["done"] == 3
    names = sorted(task["external_task_id"] for task in kling.tasks())
    assert len(names) == 4
    assert len([name for name in names if name.endswith("-af-2")]) == 1


@pytest.mark.kling_simulator(seconds=0.3, concurrency=2)
def test_fail_stops_submitting_collects_what_runs_and_raises(kling, ti, tmp_path):
    kling.fault("fail_task", operation="create", times=1, message="Image pixel is invalid")
    payload = run(ti, tmp_path, count=8, concurrency=2, item_retries=0, on_item_failure="fail")
    summary = payload["summary"]
    assert (payload["status"], summary["failed"], summary["stopped_by"]) == ("failed", 1, "item_failure")
    assert summary["done"] + 1 == len(kling.tasks()) < 8
    with pytest.raises(KlingBatchError, match="Image pixel is invalid"):
        operator(tmp_path).execute_complete({"ti": ti}, payload)
    assert ti.xcoms["failure"]["error"] == "KlingBatchError"


def test_what_breaks_the_content_policy_is_never_sent_again(kling, ti, tmp_path):
    kling.fault(code=1301, operation="create", nth=2, message="risky prompt")
    kling.fault("fail_task", operation="create", nth=3, message="Failure to pass the risk control system")
    payload = run(ti, tmp_path, count=4, item_retries=3)
    assert (payload["summary"]["done"], payload["summary"]["failed"]) == (2, 2)
    assert len(posts(kling)) == 4
    errors = [line["error"] for line in manifest(tmp_path) if line["error"]]
    assert [(error["error"], error["permanent"]) for error in errors] == [("KlingContentPolicyError", True)] * 2


def test_a_restart_does_not_send_again_what_was_refused(kling, ti, tmp_path):
    trigger = deferred(ti, tmp_path, count=2)
    kling.fault(code=1301, operation="create", message="risky prompt")
    asyncio.run(fire(again(trigger)))
    assert asyncio.run(fire(again(trigger)))["summary"]["failed"] == 1
    assert len(posts(kling)) == 2


@pytest.mark.kling_simulator(seconds=0.3, concurrency=2)
def test_an_error_of_the_account_ends_the_batch_once_and_collects_what_runs(kling, ti, tmp_path):
    kling.fault(code=1102, operation="create", nth=3, times=None)
    payload = run(ti, tmp_path, count=10, concurrency=2)
    summary = payload["summary"]
    assert (payload["status"], summary["stopped_by"], summary["done"]) == ("failed", "refused", 2)
    assert len(posts(kling)) <= 2 + 2
    assert "1102" in payload["message"]
    with pytest.raises(KlingBatchFailedError) as caught:
        operator(tmp_path).execute_complete({"ti": ti}, payload)
    assert isinstance(caught.value, AirflowFailException), "a retry would meet the same account"
