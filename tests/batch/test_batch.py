"""The batch on a real event loop against the simulator: one Airflow task, many videos."""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import json
import re
import threading
import time
from datetime import timedelta

import pytest
from airflow.triggers.base import TaskSuccessEvent
from support import PHOTOGRAPH, FakeTaskInstance, connect
from support_batch import FAST, again, deferred, fire, manifest, operator, posts, run, set_fast_pace

from airflow_provider_kling.exceptions import (
    KlingBatchError,
    KlingBatchFailedError,
    KlingTimeoutError,
    KlingValidationError,
)
from airflow_provider_kling.triggers import base as trigger_base
from airflow_provider_kling.triggers import batch as trigger_module
from airflow_provider_kling.triggers.batch import KlingBatchTrigger
from airflow_provider_kling.utils._airflow.compat import AIRFLOW_V_3_2_PLUS, AirflowFailException, TaskDeferred


@pytest.fixture(autouse=True)
def _fast_pace(monkeypatch):
    set_fast_pace(monkeypatch)


def reads(simulator) -> list[dict]:
    return [request for request in simulator.requests(method="GET") if request["path"].startswith("/v1/")]


def downloads(simulator) -> list[dict]:
    return [request for request in simulator.requests(method="GET") if not request["path"].startswith("/v1/")]


def peak(simulator) -> int:
    """The most tasks that were alive at once."""
    moments = [(task["created_at"], 1) for task in simulator.tasks()]
    moments += [(task["updated_at"], -1) for task in simulator.tasks()]
    alive = most = 0
    for _, change in sorted(moments):
        alive += change
        most = max(most, alive)
    return most


@pytest.mark.kling_simulator(seconds=0.4)
def test_thirty_items_on_five_slots(kling, ti, tmp_path):
    payload = run(ti, tmp_path, count=30)
    assert payload["status"] == "success"
    assert payload["summary"] == {
        "batch_id": payload["batch_id"],
        "manifest_uri": f"file://{tmp_path}/manifest.jsonl",
        "items": 30,
        "done": 30,
        "failed": 0,
        "running": 0,
        "stopped": 0,
        "stopped_by": None,
        "units": float(kling.ledger()["units_used"]),
        "cash": 0.0,
    }
    assert len(posts(kling)) == len(kling.tasks()) == 30
    assert peak(kling) <= 5
    for number, line in enumerate(manifest(tmp_path)):
        (file,) = line["files"]
        assert (line["key"], line["status"], line["error"]) == (str(number), "succeed", None)
        content = (tmp_path / f"{number}.mp4").read_bytes()
        assert (len(content), hashlib.sha256(content).hexdigest()) == (file["bytes"], file["sha256"])
    prompts = [request["body"]["prompt"] for request in posts(kling)]
    assert sorted(prompts) == sorted(f"Number {number}" for number in range(30))


@pytest.mark.kling_simulator(seconds=1)
def test_the_slots_are_kept_full(kling, ti, tmp_path):
    run(ti, tmp_path, count=30, poll_interval=0.05)
    tasks = kling.tasks()
    begin, end = min(task["created_at"] for task in tasks), max(task["updated_at"] for task in tasks)
    busy = sum(task["updated_at"] - task["created_at"] for task in tasks)
    # On a machine of its own it is 0.95, on a busy one less; one slot after the other would be 0.2.
    assert busy / (5 * (end - begin)) >= 0.5


@pytest.mark.kling_simulator(seconds=0.3)
def test_a_restart_in_the_middle_continues_and_pays_nothing_twice(kling, ti, tmp_path):
    trigger = deferred(ti, tmp_path, count=12)

    async def interrupted():
        for pause in (0.5, 0.3, 0.6):
            run = asyncio.create_task(fire(again(trigger)))
            await asyncio.sleep(pause)
            run.cancel()
            await asyncio.gather(run, return_exceptions=True)
        return await fire(again(trigger))

    payload = asyncio.run(interrupted())
    assert (payload["status"], payload["summary"]["done"]) == ("success", 12)
    assert len(kling.tasks()) == 12


@pytest.mark.kling_simulator(seconds=0.3)
def test_two_triggers_at_once_make_each_video_once(kling, ti, tmp_path):
    trigger = deferred(ti, tmp_path, count=12)

    async def run_both():
        return await asyncio.gather(fire(again(trigger)), fire(again(trigger)))

    assert [payload["summary"]["done"] for payload in asyncio.run(run_both())] == [12, 12]
    assert len(kling.tasks()) == 12
    assert {line["status"] for line in manifest(tmp_path)} == {"succeed"}


def test_a_finished_batch_that_is_cleared_sends_nothing_and_copies_nothing(kling, ti, tmp_path):
    first = run(ti, tmp_path)
    before = len(downloads(kling))
    assert before == 3
    second = run(dataclasses.replace(ti, try_number=2, max_tries=1), tmp_path)
    assert second["summary"] == first["summary"]
    assert len(posts(kling)) == 3
    assert len(downloads(kling)) == before


def test_a_clear_can_ask_for_new_takes(kling, ti, tmp_path):
    run(ti, tmp_path, on_clear="regenerate")
    run(dataclasses.replace(ti, try_number=2, max_tries=1), tmp_path, on_clear="regenerate")
    assert len(kling.tasks()) == 6


def test_an_item_that_comes_before_others_changes_nothing_for_them(kling, ti, tmp_path):
    items = [{"prompt": "b"}, {"prompt": "c"}]
    run(ti, tmp_path, items=items)
    run(ti, tmp_path, items=[{"prompt": "a"}, *items])
    assert sorted(request["body"]["prompt"] for request in posts(kling)) == ["a", "b", "c"]


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


@pytest.mark.kling_simulator(seconds=0.2)
@pytest.mark.parametrize("units_per_item", [None, 1.8])
def test_max_units_stops_before_the_next_submission(kling, ti, tmp_path, units_per_item):
    price = 1.8
    payload = run(ti, tmp_path, count=10, max_units=4 * price + 0.1, units_per_item=units_per_item)
    assert float(kling.ledger()["units_used"]) == pytest.approx(4 * price)
    assert (payload["status"], payload["summary"]["stopped_by"]) == ("success", "max_units")
    assert (payload["summary"]["done"], payload["summary"]["stopped"]) == (4, 6)
    assert [line["status"] for line in manifest(tmp_path)].count("stopped") == 6


def test_the_price_list_gives_the_price_of_an_item_when_the_dag_does_not(kling, ti, tmp_path):
    assert deferred(ti, tmp_path, max_units=5).batch.units_per_item == 1.8
    assert deferred(ti, tmp_path, max_units=5, units_per_item=7).batch.units_per_item == 7
    mixed = {"items": [{"prompt": "a"}, {"prompt": "b", "mode": "4k"}], "max_units": 50}
    assert deferred(ti, tmp_path, **mixed).batch.units_per_item == 9, "the dearest"
    unknown = {"items": [{"prompt": "a"}, {"prompt": "b", "model_name": "kling-v9"}], "max_units": 50}
    assert not deferred(ti, tmp_path, **unknown).batch.units_per_item


def test_the_cost_of_all_items_is_logged_before_anything_is_submitted(kling, ti, tmp_path, logged):
    tested = operator(tmp_path)
    lines = logged(tested)
    with pytest.raises(TaskDeferred):
        tested.execute({"ti": ti})
    assert any("Checked 3 items" in line and "about 5.4 units, $0.76" in line for line in lines)


def test_an_estimate_sends_and_writes_nothing(kling, tmp_path):
    found = operator(tmp_path, count=4).estimate()
    assert (float(found.units), found.unknown) == (7.2, 0)
    assert kling.requests() == []
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(KlingValidationError):
        operator(tmp_path, items=[{"prompt": "a", "mode": "8k"}]).estimate()


@pytest.mark.kling_simulator(seconds=0.3, concurrency=2)
def test_no_free_slot_is_a_wait(kling, ti, tmp_path):
    payload = run(ti, tmp_path, count=8, concurrency=6)
    assert payload["summary"]["done"] == 8
    assert peak(kling) == 2


@pytest.mark.kling_simulator(seconds=0.2)
def test_lost_responses_and_errors_of_all_kinds_cost_nothing(kling, ti, tmp_path, no_waiting):
    kling.fault("cut_after", operation="create", nth=2, times=2)
    kling.fault("cut_before", operation="create", nth=5, times=1)
    kling.fault(code=5001, operation="create", nth=6, times=2, accepted=True)
    kling.fault(code=5001, operation="list", times=2)
    kling.fault("truncate", operation="download", times=2)
    payload = run(ti, tmp_path, count=10)
    assert payload["summary"]["done"] == 10
    assert len(kling.tasks()) == 10


@pytest.mark.kling_simulator(seconds=30)
def test_the_error_of_the_deadline_states_that_a_retry_continues(kling, ti, tmp_path):
    payload = run(ti, tmp_path, count=7, timeout=1.0)
    assert (payload["status"], payload["summary"]["running"], payload["summary"]["stopped"]) == ("timeout", 5, 2)
    with pytest.raises(KlingTimeoutError, match="pays nothing twice"):
        operator(tmp_path).execute_complete({"ti": ti}, payload)
    kling.advance(60)
    payload = run(dataclasses.replace(ti, try_number=2), tmp_path, count=7, timeout=0.8)
    assert payload["summary"]["done"] == 5
    assert len(kling.tasks()) == 7


@pytest.mark.parametrize(("limit", "expected"), [(5, 5.0), (100, 60.0), (0, 60.0)])
def test_execution_timeout_bounds_the_batch_too(kling, ti, tmp_path, limit, expected):
    trigger = deferred(ti, tmp_path, count=1, timeout=60.0, execution_timeout=timedelta(seconds=limit))
    assert trigger.batch.end_time - trigger.batch.started_at == pytest.approx(expected)


@pytest.mark.kling_simulator(seconds=0.2, concurrency=20)
def test_it_sends_few_requests(kling, ti, tmp_path):
    run(ti, tmp_path, count=40, concurrency=20, poll_interval=0.3)
    assert len(posts(kling)) == 40
    assert len(reads(kling)) <= 20, "one look for each item would be 40 at least"


@pytest.mark.skipif(not AIRFLOW_V_3_2_PLUS, reason="before Airflow 3.2 a trigger pushes no XCom")
@pytest.mark.kling_simulator(seconds=1)
def test_the_manifest_and_the_numbers_are_there_while_it_runs(kling, ti, tmp_path, monkeypatch):
    pushed = []
    monkeypatch.setattr(trigger_base, "set_xcom", lambda _ti, key, value: pushed.append((key, value)))
    for module in (trigger_base, trigger_module):
        monkeypatch.setattr(module, "is_still_deferred", lambda _ti: True)
    trigger = deferred(ti, tmp_path, count=6)
    trigger.task_instance = FakeTaskInstance()

    async def watch():
        running, seen = asyncio.create_task(collect()), []
        while not running.done():
            await asyncio.sleep(0.02)
            if (tmp_path / "manifest.jsonl").exists():
                seen.append([line["status"] for line in manifest(tmp_path)])
        return seen, await running

    async def collect():
        return [event async for event in trigger.run()]

    seen, (event,) = asyncio.run(watch())
    # Which snapshots a busy machine catches is chance; that it sees videos run while others wait is not.
    assert any({"running", "waiting"} <= set(statuses) for statuses in seen)
    assert {len(statuses) for statuses in seen} == {6}, "a reader never meets half a manifest"
    assert isinstance(event, TaskSuccessEvent)
    assert pushed[-1] == ("return_value", pushed[-1][1])
    assert pushed[-1][1]["done"] == 6
    progress = [value for key, value in pushed if key == "progress"]
    assert progress[0]["done"] == 0
    assert progress[-1] == {
        "items": 6,
        "done": 6,
        "failed": 0,
        "running": 0,
        "storing": 0,
        "waiting": 0,
        "units": float(kling.ledger()["units_used"]),
        "cash": 0.0,
    }


@pytest.mark.kling_simulator(seconds=0.5)
def test_the_event_loop_is_never_blocked(kling, ti, tmp_path):
    trigger = deferred(ti, tmp_path, count=10)
    kling.fault("delay", operation="create", seconds=1.0, times=4)

    async def watch():
        running = asyncio.create_task(fire(trigger))
        worst, last = 0.0, time.perf_counter()
        while not running.done():
            await asyncio.sleep(0.01)
            now = time.perf_counter()
            worst, last = max(worst, now - last - 0.01), now
        return worst, threading.active_count()

    worst, _ = asyncio.run(watch())
    assert worst < 0.5


def test_every_problem_of_every_item_is_reported_before_anything_is_paid(kling, ti, tmp_path):
    items = [{"prompt": "x" * 3000}, {"duration": 99}, {"key": "a/b"}, {"key": "good"}, {"prompt": "x" * 3000}]
    with pytest.raises(KlingValidationError) as caught:
        operator(tmp_path, items=items).execute({"ti": ti})
    said = "\n".join(caught.value.problems)
    assert "(item '0', '4')" in said
    assert re.search(r"^Give duration.*\(item '1'\)$", said, re.MULTILINE)
    assert "'a/b'" in said
    assert "good" not in said
    assert kling.requests() == []
    assert ti.xcoms["failure"]["error"] == "KlingValidationError"


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"items": "file:///nowhere/items.jsonl"}, "no such file"),
        ({"items": [{"key": "a", "prompt": "1"}, {"key": "a", "prompt": "2"}]}, "Give each item its own key"),
        ({"items": [1]}, "list of dicts"),
        ({"on_item_failure": "ignore"}, "on_item_failure"),
        ({"concurrency": 0}, "concurrency"),
        ({"max_units": 0}, "max_units"),
    ],
)
def test_a_batch_that_is_invalid_is_refused(kling, ti, tmp_path, change, word):
    with pytest.raises(KlingValidationError, match=word):
        operator(tmp_path, **change).execute({"ti": ti})


def test_items_can_be_in_a_file(kling, ti, tmp_path):
    lines = [{"key": name, "prompt": name} for name in ("cat", "dog")]
    (tmp_path / "items.jsonl").write_text("\n".join(map(json.dumps, lines)))
    payload = run(ti, tmp_path, items=f"file://{tmp_path}/items.jsonl")
    assert payload["summary"]["done"] == 2
    assert (tmp_path / "cat.mp4").exists()


def test_a_bad_line_of_that_file_is_named(kling, ti, tmp_path):
    (tmp_path / "items.jsonl").write_text('{"prompt": "x"}\n{"prompt"\n')
    with pytest.raises(KlingValidationError, match="line 2"):
        run(ti, tmp_path, items=f"file://{tmp_path}/items.jsonl")


def test_inline_images_are_in_a_file_and_nowhere_else(kling, ti, tmp_path):
    content = PHOTOGRAPH.read_bytes()
    task = operator(tmp_path, items=[{"image": content}, {"image": content, "prompt": "x"}])
    assert "inline image" in repr(task.items)
    with pytest.raises(TaskDeferred) as caught:
        task.execute({"ti": ti})
    (plan,) = tmp_path.glob(".*/plan.jsonl")
    assert plan.stat().st_size < 3000
    assert len(list(tmp_path.glob(".*/images/*"))) == 1
    assert asyncio.run(fire(caught.value.trigger))["summary"]["done"] == 2


def test_a_local_image_is_kept_as_it_was_checked(kling, ti, tmp_path):
    picture = tmp_path / "picture.jpg"
    picture.write_bytes(PHOTOGRAPH.read_bytes())
    trigger = deferred(ti, tmp_path, count=1, defaults={"image": str(picture)})
    picture.unlink()
    assert asyncio.run(fire(trigger))["summary"]["done"] == 1


def test_an_image_that_changed_after_the_check_is_not_sent(kling, ti, tmp_path):
    trigger = deferred(ti, tmp_path, count=2)
    (kept,) = tmp_path.glob(".*/images/*")
    kept.write_bytes(PHOTOGRAPH.read_bytes() + b"\0")
    payload = asyncio.run(fire(trigger))
    assert (payload["status"], payload["summary"]["failed"]) == ("failed", 2)
    assert "has changed since" in payload["message"]
    assert posts(kling) == []


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


def test_a_host_that_drops_ids_is_none_for_a_batch(kling, ti, tmp_path, monkeypatch):
    connect(monkeypatch, kling, extra={"allow_private_urls": True, "external_ids": False})
    with pytest.raises(KlingValidationError, match="Map the operator instead"):
        deferred(ti, tmp_path)
    assert kling.requests(method="POST") == []
