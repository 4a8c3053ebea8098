"""What a batch costs when it is large: counted, not timed."""

from __future__ import annotations

import asyncio
import gc
import heapq
import json
import time

import pytest
from support import PHOTOGRAPH

from airflow_provider_kling.batch import driver as driver_module
from airflow_provider_kling.batch import files
from airflow_provider_kling.batch import item as item_module
from airflow_provider_kling.batch import plan as plan_module
from airflow_provider_kling.batch.actions import Desired, Pace, Policy, Submit, Watch
from airflow_provider_kling.batch.driver import BatchLoop
from airflow_provider_kling.batch.item import Item
from airflow_provider_kling.batch.plan import PlannedItem, read_plan, write_plan
from airflow_provider_kling.batch.planner import Planner
from airflow_provider_kling.batch.reconciler import Reconciler
from airflow_provider_kling.batch.records import Records
from airflow_provider_kling.batch.report import Reporter, lines_of
from airflow_provider_kling.models import Task, TaskStatus, Video
from airflow_provider_kling.submission.identity import Origin


def planned(count: int) -> list[PlannedItem]:
    return [PlannedItem(f"k{number}", f"x{number}", {"prompt": "p", "n": [number]}, {}) for number in range(count)]


def batch(count: int, **policy) -> Reconciler:
    desired = [Desired(f"k{number}", f"x{number}") for number in range(count)]
    limits = {"concurrency": count, "started_at": 0.0, "end_time": 1e12} | policy
    return Reconciler(desired, Policy(**limits), jitter=float)


def task(number: int, status: TaskStatus) -> Task:
    results = (Video("1", f"https://x.example/{number}"),) if status is TaskStatus.SUCCEED else ()
    return Task(f"{number}", status, "image2video", external_task_id=f"x{number}", units="1", results=results)


def end(reconciler: Reconciler, number: int) -> None:
    reconciler.observed(f"k{number}", task(number, TaskStatus.SUCCEED), 1.0)
    reconciler.stored(f"k{number}", [{"uri": f"s3://b/{number}.mp4", "bytes": 1}])


def tracked(kind: type | None = None) -> int:
    """Objects that the garbage collector goes through."""
    gc.collect()
    # Not isinstance: somebody's lazy module would import what it stands for.
    return sum(kind is None or type(thing) is kind for thing in gc.get_objects())


def counted(monkeypatch, module, name: str) -> list[None]:
    calls, function = [], getattr(module, name)

    def counting(*arguments, **more):
        calls.append(None)
        return function(*arguments, **more)

    monkeypatch.setattr(module, name, counting)
    return calls


def test_a_plan_is_lines_until_an_item_is_asked_for(tmp_path, monkeypatch):
    uri = f"file://{tmp_path}/plan.jsonl"
    write_plan(uri, planned(1000), None)
    read_plan(uri, None)
    before = tracked()
    plan = read_plan(uri, None, count=1000)
    assert tracked() - before < 100
    parsed = counted(monkeypatch, plan_module, "_planned_item")
    assert plan.item("k700") == PlannedItem("k700", "x700", {"prompt": "p", "n": [700]}, {})
    assert len(parsed) == 1
    assert [item.key for item in plan[998:]] == ["k998", "k999"]
    assert list(plan.desired)[999] == Desired("k999", "x999")


def test_a_stored_item_keeps_its_line_and_nothing_else():
    reconciler = batch(50)
    before = tracked(Task), tracked(Video)
    for number in range(50):
        end(reconciler, number)
    assert (tracked(Task), tracked(Video)) == before
    first = reconciler.records()[0]
    assert (first["status"], first["task_id"], first["units"]) == ("succeed", "0", "1")
    assert first["videos"][0]["url"] == "https://x.example/0"
    assert first["files"] == [{"uri": "s3://b/0.mp4", "bytes": 1}]
    assert reconciler.progress()["units"] == 50.0


def test_what_waits_and_what_is_stored_is_not_an_object_of_its_own():
    reconciler = batch(1000, concurrency=4)
    begun = tracked(Item)
    for number in range(10):
        reconciler.decide(1.0)
        end(reconciler, number)
    assert tracked(Item) - begun == 3
    statuses = [record["status"] for record in reconciler.records()]
    assert statuses == ["succeed"] * 10 + ["running"] * 3 + ["waiting"] * 987


def test_what_an_earlier_run_knew_is_lines():
    first = batch(250)
    for number in range(250):
        end(first, number)
    known = Records(next(first.line_slices()))
    before = tracked()
    ours = known.filter(lambda record: record.key != "k7")
    assert tracked() - before < 10
    assert len(ours) == len(known) - 1 == 249


def lines_written(monkeypatch, count: int) -> int:
    """How many lines a manifest writes anew after three items have moved."""
    reconciler = batch(count)
    asyncio.run(lines_of(reconciler))
    for number in (0, count // 2, count - 1):
        end(reconciler, number)
    with monkeypatch.context() as patch:
        written = counted(patch, item_module, "encode_line")
        lines = asyncio.run(lines_of(reconciler))
        assert [json.loads(line)["status"] for line in lines].count("succeed") == 3
    return len(written)


def test_a_manifest_writes_the_lines_that_changed(monkeypatch):
    assert lines_written(monkeypatch, 400) == lines_written(monkeypatch, 800) <= 3


def test_manifests_are_rarer_the_longer_they_are(tmp_path):
    class Open:
        async def check(self): ...

    async def pause(count):
        async def announce(_progress): ...

        uri, pace = f"file://{tmp_path}/m.jsonl", Pace(manifest_every=0.0, lines_per_second=10.0)
        reporter = Reporter(uri, None, Open(), pace, show_progress=announce, on_storage_error=pytest.fail)
        reporter.tick(batch(count))
        await reporter.wait_for_report()
        return reporter._next_manifest - time.monotonic()

    assert 99 < asyncio.run(pause(1000)) < 101
    assert 199 < asyncio.run(pause(2000)) < 201
    assert len((tmp_path / "m.jsonl").read_text().splitlines()) == 2000


def test_the_first_decision_does_not_sort_all_items(monkeypatch):
    def steps(count):
        reconciler = batch(count, concurrency=8)
        with monkeypatch.context() as patch:
            pushed, popped = counted(patch, heapq, "heappush"), counted(patch, heapq, "heappop")
            assert sum(isinstance(action, Submit) for action in reconciler.decide(1.0)) == 4
        return len(pushed) + len(popped)

    assert steps(500) == steps(1000)


class Calls:
    def find_tasks(self, known):
        return {}, True


class Quiet:
    async def check(self): ...

    def tick(self, reconciler): ...

    async def wait_for_report(self): ...


def loop_of(tmp_path, reconciler: Reconciler, count: int) -> BatchLoop:
    uri = f"file://{tmp_path}/plan.jsonl"
    write_plan(uri, planned(count), None)
    # Only what is learned makes it decide again.
    policy = Policy(count, 0.0, time.time() + 60, pace=Pace(tick=30.0))
    return BatchLoop(
        read_plan(uri, None),
        reconciler,
        Calls(),
        Quiet(),
        Quiet(),
        policy,
        kling_conn_id="kling_default",
        account="",
        poll_interval=1.0,
    )


def test_what_a_restart_finds_running_is_watched_a_few_at_a_time(tmp_path, monkeypatch):
    count = 10 * driver_module.ACTIONS_PER_SLICE
    reconciler = batch(count)
    for number in range(count):
        reconciler.observed(f"k{number}", task(number, TaskStatus.PROCESSING), 1.0)
    turn, begun = 0, []

    async def begin(_loop, action):
        if isinstance(action, Watch):
            begun.append(turn)
        await asyncio.sleep(60)

    monkeypatch.setattr(BatchLoop, "_carry_out", begin)

    async def scenario():
        nonlocal turn
        running = asyncio.create_task(loop_of(tmp_path, reconciler, count).run(Records(), sent_before=False))
        while len(begun) < count:
            turn += 1
            await asyncio.sleep(0)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    asyncio.run(asyncio.wait_for(scenario(), 20))
    assert max(begun.count(turn) for turn in set(begun)) <= driver_module.ACTIONS_PER_SLICE


def test_a_job_that_fails_ends_the_loop_and_one_that_ends_triggers_the_next_decision(tmp_path, monkeypatch):
    reconciler = batch(3, concurrency=1)
    decided_at = []

    async def carry_out(_loop, action):
        decided_at.append(time.monotonic())
        if len(decided_at) == 3:
            raise ZeroDivisionError
        end(reconciler, int(action.key[1:]))

    monkeypatch.setattr(BatchLoop, "_carry_out", carry_out)

    async def scenario():
        async with asyncio.timeout(10):
            with pytest.raises(ZeroDivisionError):
                await loop_of(tmp_path, reconciler, 3).run(Records(), sent_before=False)

    asyncio.run(scenario())
    assert len(decided_at) == 3


def test_the_storage_is_asked_once_for_an_image_that_many_items_show(tmp_path, monkeypatch):
    asked = counted(monkeypatch, files, "exists")
    planner = Planner("image2video", "account", Origin("dag", "run", "task", -1, 0), f"file://{tmp_path}/")
    items = [{"image": str(PHOTOGRAPH), "prompt": f"Number {number}"} for number in range(5)]
    plan, _ = planner.plan(items)
    assert len({item.images["image"]["uri"] for item in plan}) == 1
    assert len(asked) == 1
