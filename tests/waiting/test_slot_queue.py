"""The queue of those who wait for a slot."""

from __future__ import annotations

import asyncio
import time

import pytest

from airflow_provider_kling.triggers import KlingSlotTrigger
from airflow_provider_kling.triggers.base import KlingTrigger
from airflow_provider_kling.waiting import slot_queue
from airflow_provider_kling.waiting.slot_queue import SlotQueue


@pytest.fixture
def _no_probes(monkeypatch):
    monkeypatch.setattr(slot_queue, "PROBE_INTERVAL", 1000.0)


@pytest.mark.usefixtures("_no_probes")
def test_one_freed_slot_wakes_one_waiter_first_come_first_served():
    async def scene():
        queue, woken = SlotQueue(), []

        async def waiter(name, since):
            assert await queue.wait(since=since, until=time.time() + 60)
            woken.append(name)

        tasks = [asyncio.create_task(waiter(name, since)) for name, since in (("late", 3), ("first", 1), ("second", 2))]
        await asyncio.sleep(0)
        for _ in range(2):
            queue.release()
            await asyncio.sleep(0.01)
        assert woken == ["first", "second"]
        queue.release()
        queue.release()
        await asyncio.gather(*tasks)
        assert woken == ["first", "second", "late"]
        assert queue._waiters == []

    asyncio.run(scene())


@pytest.mark.usefixtures("_no_probes")
def test_two_slots_freed_at_once_wake_two():
    async def scene():
        queue = SlotQueue()
        tasks = [asyncio.create_task(queue.wait(since=n, until=time.time() + 60)) for n in range(3)]
        await asyncio.sleep(0)
        queue.release()
        queue.release()
        await asyncio.sleep(0.01)
        assert [task.done() for task in tasks] == [True, True, False]
        tasks[2].cancel()

    asyncio.run(scene())


@pytest.mark.usefixtures("_no_probes")
def test_it_gives_up_in_time_and_a_cancelled_waiter_leaves_no_trace():
    async def scene():
        queue = SlotQueue()
        assert await queue.wait(since=0, until=time.time() + 0.05) is False
        task = asyncio.create_task(queue.wait(since=0, until=time.time() + 60))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert queue._waiters == []

    asyncio.run(scene())


def test_without_news_only_the_head_tries_now_and_then(monkeypatch):
    monkeypatch.setattr(slot_queue, "PROBE_INTERVAL", 0.2)

    async def scene():
        queue, tried = SlotQueue(), []

        async def waiter(number):
            await queue.wait(since=number, until=time.time() + 60)
            tried.append(number)

        tasks = [asyncio.create_task(waiter(number)) for number in range(20)]
        await asyncio.sleep(0.35)
        assert 1 <= len(tried) <= 3
        assert tried == sorted(tried)
        for task in tasks:
            task.cancel()

    asyncio.run(scene())


def test_the_shared_poller_frees_a_slot_when_it_sees_a_task_end(kling, monkeypatch):
    from support import PHOTOGRAPH

    from airflow_provider_kling.hooks import KlingHook
    from airflow_provider_kling.triggers import KlingTaskTrigger

    monkeypatch.setattr(KlingTrigger, "min_deferral", 0.0)
    monkeypatch.setattr(slot_queue, "PROBE_INTERVAL", 1000.0)
    task = KlingHook().create_task("image2video", {"image": str(PHOTOGRAPH), "duration": 3})

    async def scene():
        now = time.time()
        slot = KlingSlotTrigger("kling_default", now, now + 60)
        wait = KlingTaskTrigger(kling_task_id=task.task_id, end_time=now + 60, poll_interval=0.1)
        events = [asyncio.create_task(anext(trigger.run())) for trigger in (slot, wait)]
        done = await asyncio.gather(*events)
        return done[0].payload, time.time() - now

    payload, seconds = asyncio.run(scene())
    assert payload["status"] == "slot"
    assert set(payload) == {"status", "since", "until"}
    assert seconds < 10
