"""Batches that compete with others for slots: pure, and on a real event loop."""

from __future__ import annotations

import asyncio
import contextlib
import time

import pytest
from support import PHOTOGRAPH, set_pace
from support_batch import deferred, fire, posts, set_fast_pace

from airflow_provider_kling.batch.slots import LEAVE_FREE_EVERY, LEAVE_FREE_FOR, BatchSlots, PrivateQueue
from airflow_provider_kling.exceptions import KlingConcurrencyError
from airflow_provider_kling.hooks import KlingHook
from airflow_provider_kling.models import Task, TaskStatus
from airflow_provider_kling.triggers import KlingSlotTrigger
from airflow_provider_kling.waiting.arbiter import Arbiter, SlotRequest

START = 1_000_000.0


def task(name: str, status=TaskStatus.PROCESSING) -> Task:
    return Task(f"7{name}", status, "image2video", "", name, int(START * 1000), int(START * 1000))


def look(arbiter: Arbiter, *names: str, now: float, watched=()) -> None:
    arbiter.on_list_read([task(name) for name in names], watched, now)


def two_batches() -> tuple[Arbiter, BatchSlots, BatchSlots]:
    queue = PrivateQueue(Arbiter(lambda: 0.5))
    return queue.arbiter, BatchSlots(queue, "first"), BatchSlots(queue, "second")


def test_before_any_1303_nobody_has_to_wait():
    _, first, second = two_batches()
    assert all(batch.may_submit("k", count, START) for batch in (first, second) for count in range(100))


def test_after_a_1303_one_submits_per_free_slot_and_batches_take_turns():
    arbiter, first, second = two_batches()
    for name in "abc":
        assert first.may_submit("k", 0, START)
        first.accepted("k", task(name), 1, START)
    second.refused("k", 0, START + 1)
    look(arbiter, "a", "b", "c", now=START + 1)
    assert not second.may_submit("k", 0, START + 2)
    assert not first.may_submit("k", 3, START + 3)
    first.ended(task("a", TaskStatus.SUCCEED), START + 4)
    assert not first.may_submit("k", 2, START + 4), "the other one has waited longer"
    assert second.may_submit("k", 0, START + 4)
    second.accepted("k", task("d"), 1, START + 4)
    assert not second.may_submit("k", 1, START + 5)
    first.ended(task("b", TaskStatus.SUCCEED), START + 5)
    assert not second.may_submit("k", 1, START + 5), "now it is the first one's turn"
    assert first.may_submit("k", 1, START + 5)


def test_a_single_task_that_has_waited_longer_goes_before_the_batch():
    arbiter, batch, _ = two_batches()
    batch.accepted("k", task("a"), 1, START)
    batch.refused("k", 1, START)
    look(arbiter, "a", now=START)
    arbiter.enqueue(SlotRequest("single", START), START)
    assert not batch.may_submit("k", 1, START + 1)
    batch.ended(task("a", TaskStatus.SUCCEED), START + 2)
    assert [request.name for request in arbiter.admit(START + 2)] == ["single"]
    assert not batch.may_submit("k", 0, START + 2)


def test_a_batch_that_needs_no_more_slots_blocks_nobody():
    arbiter, first, second = two_batches()
    first.accepted("k", task("a"), 1, START)
    second.refused("k", 0, START)
    look(arbiter, "a", now=START)
    assert not second.may_submit("k", 0, START + 1)
    assert not first.may_submit("k", 1, START + 2)
    second.leave_queue()
    first.ended(task("a", TaskStatus.SUCCEED), START + 3)
    assert first.may_submit("k", 0, START + 3)
    first.not_accepted("k")
    look(arbiter, now=START + 4)
    assert arbiter.waiting == 0


def test_it_leaves_a_slot_to_others_now_and_then_and_seldom_while_nobody_takes_it():
    _, batch, _ = two_batches()
    for count in (1, 2, 3):
        batch.accepted("k", task(f"t{count}"), count, START)
    assert batch.may_submit("k", 2, START + LEAVE_FREE_EVERY - 1)
    now = START + LEAVE_FREE_EVERY
    assert not batch.may_submit("k", 2, now)
    assert batch.may_submit("k", 1, now + 1), "one slot, not more"
    assert not batch.may_submit("k", 2, now + LEAVE_FREE_FOR - 1)
    assert batch.next_time() == now + LEAVE_FREE_FOR
    now += LEAVE_FREE_FOR
    assert batch.may_submit("k", 2, now)
    batch.accepted("k", task("t4"), 3, now)
    assert batch.may_submit("k", 2, now + LEAVE_FREE_EVERY), "nobody took it: twice as long"
    assert not batch.may_submit("k", 2, now + 2 * LEAVE_FREE_EVERY)
    now += 2 * LEAVE_FREE_EVERY + LEAVE_FREE_FOR
    assert batch.may_submit("k", 2, now)
    batch.refused("k", 2, now)
    batch.accepted("k", task("t5"), 3, now)
    assert not batch.may_submit("k", 2, now + LEAVE_FREE_EVERY), "somebody took it: as often as at first"


@pytest.fixture
def _fast_pace(monkeypatch):
    set_fast_pace(monkeypatch)
    set_pace(monkeypatch, read_interval=0.1, tick=0.1, handover=-1.0)


SINGLE = {
    "endpoint": "image2video",
    "fields": {"image": str(PHOTOGRAPH), "duration": 3, "prompt": "x"},
    "external_task_id": "single",
}


@pytest.mark.kling_simulator(seconds=0.5, concurrency=3)
@pytest.mark.usefixtures("_fast_pace")
def test_a_task_that_waits_gets_its_slot_while_a_batch_of_the_same_account_runs(kling, ti, tmp_path):
    async def scenario():
        batch = asyncio.create_task(fire(deferred(ti, tmp_path, count=40, concurrency=10)))
        for _ in range(400):
            if len(kling.tasks()) >= 3:
                break
            await asyncio.sleep(0.05)
        began = time.time()
        created = None
        while created is None:
            # As the operator does: one that finds no slot again, because a batch was faster, keeps its place.
            now = time.time()
            times = {"since": began, "until": began + 60, "deferred_at": now, "refused_at": now}
            single = KlingSlotTrigger(**times, external_task_id="single")
            (event,) = [event async for event in single.run()]
            with contextlib.suppress(KlingConcurrencyError):
                created = await asyncio.to_thread(KlingHook().create_task, **SINGLE)
        waited = time.time() - began
        return event.payload, waited, created, await batch

    event, waited, created, payload = asyncio.run(scenario())
    assert event["status"] == "slot"
    assert waited < 10
    assert created.external_task_id == "single"
    assert payload["summary"]["done"] == 40
    refused = [post for post in posts(kling) if post["status"] == 429]
    assert len(refused) <= 10, "the list says when there is a slot; nobody tries again and again"


@pytest.mark.kling_simulator(seconds=0.5, concurrency=4)
@pytest.mark.usefixtures("_fast_pace")
def test_two_batches_of_one_account_keep_the_slots_full_together(kling, ti, tmp_path):
    async def run_both():
        folders = [tmp_path / name for name in ("first", "second")]
        triggers = []
        for folder in folders:
            folder.mkdir()
            ti.task_id = folder.name
            triggers.append(deferred(ti, folder, count=20, concurrency=4))
        return await asyncio.gather(*map(fire, triggers))

    assert [payload["summary"]["done"] for payload in asyncio.run(run_both())] == [20, 20]
    tasks = kling.tasks()
    begin, end = min(task["created_at"] for task in tasks), max(task["updated_at"] for task in tasks)
    busy = sum(task["updated_at"] - task["created_at"] for task in tasks)
    # On a machine of its own it is above 0.8; with blind tries after pauses of seconds it would be 0.2.
    assert busy / (4 * (end - begin)) >= 0.4
    refused = [post for post in posts(kling) if post["status"] == 429]
    assert len(refused) <= 20
