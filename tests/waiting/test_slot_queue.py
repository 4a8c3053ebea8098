"""The queue for slots, on a real event loop with the simulator."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import threading
import time

import pytest
from support import PHOTOGRAPH, connect, set_pace

from airflow_provider_kling.hooks import KlingHook
from airflow_provider_kling.triggers import KlingSlotTrigger, KlingTaskTrigger
from airflow_provider_kling.triggers.base import KlingTrigger
from airflow_provider_kling.waiting.arbiter import Arbiter, SlotRequest
from airflow_provider_kling.waiting.slot_queue import AccountSlots

REFUSED = 3


@pytest.fixture(autouse=True)
def _fast_pace(monkeypatch):
    monkeypatch.setattr(KlingTrigger, "min_deferral", 0.0)
    set_pace(monkeypatch, read_interval=0.1, tick=0.1, handover=-1.0)


@pytest.fixture
def _no_probes(monkeypatch):
    set_pace(monkeypatch, probe_first=1000.0, probe_longest=1000.0)


def submit(name: str, endpoint: str = "image2video"):
    fields = {"image": str(PHOTOGRAPH), "duration": 3} if endpoint == "image2video" else {"prompt": "x"}
    return KlingHook().create_task(endpoint, fields, external_task_id=name)


def slot_trigger(name: str, *, seconds: float = 60.0, conn_id: str = "kling_default", **kwargs) -> KlingSlotTrigger:
    now = time.time()
    arguments = {"since": now, "until": now + seconds, "deferred_at": now, "refused_at": now, "external_task_id": name}
    return KlingSlotTrigger(conn_id, **{**arguments, **kwargs})


async def fire(trigger) -> dict:
    (event,) = [event async for event in trigger.run()]
    return event.payload


def lists(simulator) -> int:
    return sum("pageNum" in (request["query"] or {}) for request in simulator.requests(method="GET"))


async def granted_names(tasks: dict[str, asyncio.Task], seconds: float) -> list[str]:
    """Who is resumed within some seconds."""
    await asyncio.wait(tasks.values(), timeout=seconds)
    return [name for name, task in tasks.items() if task.done()]


@pytest.mark.kling_simulator(seconds=60, concurrency=2)
@pytest.mark.usefixtures("_no_probes")
@pytest.mark.parametrize("product", ["image2video", "text2video"])
def test_a_slot_that_anybody_frees_resumes_the_one_who_has_waited_longest(kling, product):
    first, _ = submit("a"), submit("b", product)

    async def scenario():
        triggers = {name: slot_trigger(name, since=since) for name, since in (("late", 3), ("first", 1), ("second", 2))}
        waits = {name: asyncio.create_task(fire(trigger)) for name, trigger in triggers.items()}
        assert await granted_names(waits, 0.7) == []
        kling.finish(first.task_id)
        assert await granted_names(waits, 2.0) == ["first"], "one slot, one waiter"
        kling.finish("b")
        await granted_names(waits, 2.0)
        for task in waits.values():
            task.cancel()
        return waits["first"].result(), waits["second"].done(), waits["late"].done()

    event, second, late = asyncio.run(scenario())
    assert set(event) == {"status", "since", "until"}
    assert (event["status"], second, late) == ("slot", True, False)


@pytest.mark.kling_simulator(seconds=60, concurrency=2)
@pytest.mark.usefixtures("_no_probes")
@pytest.mark.parametrize("waits_for", ["kling-v3", "kling-3.0-turbo"])
def test_a_freed_slot_of_either_generation_is_noticed(kling_simulator, monkeypatch, waits_for):
    connect(monkeypatch, kling_simulator, api_key=True)
    new = KlingHook().create_task("text2video", {"prompt": "x", "model_name": "kling-3.0"}, external_task_id="new")
    old = submit("old")

    async def scenario():
        triggers = {name: slot_trigger(name, since=since, model_name=waits_for) for name, since in (("1", 1), ("2", 2))}
        waits = {name: asyncio.create_task(fire(trigger)) for name, trigger in triggers.items()}
        assert await granted_names(waits, 0.7) == []
        kling_simulator.finish(new.task_id)
        assert await granted_names(waits, 2.0) == ["1"], "one slot, one waiter"
        kling_simulator.finish(old.task_id)
        assert await granted_names(waits, 2.0) == ["1", "2"]

    asyncio.run(scenario())


@pytest.mark.parametrize(("model", "is_listed"), [("kling-v3", False), ("kling-3.0", True), ("", False)])
def test_the_list_of_the_second_generation_is_read_while_somebody_waits_for_its_models(kling, model, is_listed):
    async def scenario():
        slots = await AccountSlots.of("kling_default", "text2video")
        slots._list.endpoints_to_read(time.monotonic())
        request = SlotRequest("a", 1)
        slots.enqueue(request, model, lambda: None)
        listed = slots._list.endpoints_to_read(time.monotonic())
        assert ("text2video" in listed, "image-to-video" in listed) == (True, is_listed)
        slots.remove(request)

    asyncio.run(scenario())


@pytest.mark.kling_simulator(seconds=60, concurrency=2)
@pytest.mark.usefixtures("_no_probes")
def test_connections_to_one_account_share_the_queue_and_its_looks(kling, monkeypatch):
    monkeypatch.setenv("AIRFLOW_CONN_KLING_OTHER_NAME", os.environ["AIRFLOW_CONN_KLING_DEFAULT"])
    task, _ = submit("a"), submit("b")

    async def scenario():
        slots = [await AccountSlots.of(name, "image2video") for name in ("kling_default", "kling_other_name")]
        assert slots[0] is slots[1]
        names = {name: "kling_other_name" if name == "x" else "kling_default" for name in "xyz"}
        waits = {name: asyncio.create_task(fire(slot_trigger(name, conn_id=conn))) for name, conn in names.items()}
        began, before = time.time(), lists(kling)
        assert await granted_names(waits, 1.0) == []
        # Both products, five to twenty times a second at most, whoever waits.
        assert 0 < lists(kling) - before <= 2 * 20 * (time.time() - began) + 4
        kling.finish(task.task_id)
        assert len(await granted_names(waits, 2.0)) == 1
        for wait in waits.values():
            wait.cancel()
        await asyncio.gather(*waits.values(), return_exceptions=True)
        after = lists(kling)
        await asyncio.sleep(0.5)
        assert lists(kling) <= after + 2, "nobody waits, nobody looks"

    asyncio.run(scenario())


def test_accounts_are_distinguished_by_their_key(kling_simulator, monkeypatch):
    connect(monkeypatch, kling_simulator)
    same = json.loads(os.environ["AIRFLOW_CONN_KLING_DEFAULT"])
    monkeypatch.setenv("AIRFLOW_CONN_KLING_THIRD", json.dumps({**same, "login": "another-access-key"}))

    async def scenario():
        first, third = (
            await AccountSlots.of("kling_default", "image2video"),
            await AccountSlots.of("kling_third", "image2video"),
        )
        assert first is not third
        assert await AccountSlots.of("kling_default", "text2video") is first
        assert await AccountSlots.of("kling_default", "images/generations") is not first, "other resource packs"

    asyncio.run(scenario())


@pytest.mark.kling_simulator(seconds=60, concurrency=1)
@pytest.mark.usefixtures("_no_probes")
def test_it_gives_up_in_time_and_a_cancelled_waiter_leaves_no_trace(kling):
    submit("a")

    async def scenario():
        started = time.time()
        assert (await fire(slot_trigger("x", seconds=0.3)))["status"] == "slot"
        assert 0.2 < time.time() - started < 2
        slots = await AccountSlots.of("kling_default", "image2video")
        task = asyncio.create_task(slots.wait(SlotRequest("y", 0.0), until=time.time() + 60))
        await asyncio.sleep(0.05)
        assert slots.arbiter("").waiting == 1
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert slots.arbiter("").waiting == 0
        assert not slots._waiters

    asyncio.run(scenario())
    gc.collect()
    assert not AccountSlots._by_account, "what nobody waits for is forgotten"


@pytest.mark.kling_simulator(seconds=60, concurrency=1)
@pytest.mark.parametrize("fault", [{"code": 5001}, {"code": 1201}, {"kind": "cut_before"}, {"code": 1000}])
def test_a_list_that_cannot_be_read_ends_no_wait_and_the_head_tries_now_and_then(kling, monkeypatch, fault):
    set_pace(monkeypatch, probe_first=0.4, probe_longest=0.4)
    submit("a")
    kind = [fault.pop("kind")] if "kind" in fault else []
    kling.fault(*kind, operation="list", times=None, **fault)

    async def scenario():
        waits = {str(n): asyncio.create_task(fire(slot_trigger(str(n), since=float(n)))) for n in range(20)}
        first = await granted_names(waits, 1.5)
        for wait in waits.values():
            wait.cancel()
        return first

    done = asyncio.run(scenario())
    assert 1 <= len(done) <= 5
    assert done == [str(number) for number in range(len(done))]


@pytest.mark.kling_simulator(seconds=60, concurrency=1)
@pytest.mark.usefixtures("_no_probes")
def test_without_a_list_the_end_of_a_task_that_is_watched_here_frees_a_slot(kling):
    task = submit("a")
    kling.fault(code=5001, operation="list", times=None)

    async def scenario():
        wait = KlingTaskTrigger(kling_task_id=task.task_id, end_time=time.time() + 60, poll_interval=0.1)
        tasks = {"x": asyncio.create_task(fire(slot_trigger("x"))), "y": asyncio.create_task(fire(slot_trigger("y")))}
        watch = asyncio.create_task(fire(wait))
        assert await granted_names(tasks, 0.7) == []
        kling.finish(task.task_id)
        assert await granted_names(tasks, 5.0)
        await asyncio.sleep(0.3)
        done = [name for name, pending in tasks.items() if pending.done()]
        for pending in (*tasks.values(), watch):
            pending.cancel()
        return done

    assert asyncio.run(scenario()) == ["x"]


@pytest.mark.usefixtures("_no_probes")
def test_a_connection_that_is_missing_ends_no_wait(monkeypatch):
    monkeypatch.delenv("AIRFLOW_CONN_KLING_NOWHERE", raising=False)
    started = time.time()
    assert asyncio.run(fire(slot_trigger("x", conn_id="kling_nowhere", seconds=1.0)))["status"] == "slot"
    assert time.time() - started >= 0.9


@pytest.mark.kling_simulator(seconds=60, concurrency=1)
@pytest.mark.usefixtures("_no_probes")
def test_a_queue_that_breaks_still_is_one_event(kling, monkeypatch):
    submit("a")

    def broken(*_arguments):
        raise ZeroDivisionError

    monkeypatch.setattr(Arbiter, "admit", broken)
    assert asyncio.run(fire(slot_trigger("x", seconds=30.0)))["status"] == "slot"


@pytest.mark.kling_simulator(seconds=60, concurrency=2)
@pytest.mark.usefixtures("_no_probes")
def test_event_loops_of_one_process_share_the_slots(kling):
    task, _ = submit("a"), submit("b")
    ended: list[str] = []

    def run_in_own_loop(name: str, since: float, seconds: float):
        event = asyncio.run(fire(slot_trigger(name, since=since, seconds=seconds)))
        ended.append(name if event["until"] > time.time() else "")

    threads = [
        threading.Thread(target=run_in_own_loop, args=arguments)
        for arguments in (("second", 2.0, 3.0), ("first", 1.0, 3.0))
    ]
    for thread in threads:
        thread.start()
    time.sleep(1.0)
    kling.finish(task.task_id)
    for thread in threads:
        thread.join(20)
    assert ended == ["first", ""], "one slot, one of them"
