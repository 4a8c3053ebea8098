"""A whole batch with the simulator: slots, restarts, Clears, requests and the event loop."""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import threading
import time

import pytest
from airflow.triggers.base import TaskSuccessEvent
from support import FakeTaskInstance
from support_batch import again, deferred, fire, manifest, posts, run, set_fast_pace

from airflow_provider_kling.triggers import base as trigger_base
from airflow_provider_kling.triggers import batch as trigger_module
from airflow_provider_kling.utils._airflow.compat import AIRFLOW_V_3_2_PLUS


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
