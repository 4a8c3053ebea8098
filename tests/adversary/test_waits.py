"""Waits with servers that hang, send slowly, lack routes, or respond with other field names."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from contextlib import contextmanager

import pytest
from adversary.scripted import Reply, kling, task

from airflow_provider_kling import polling
from airflow_provider_kling.api.task_ref import TaskRef
from airflow_provider_kling.exceptions import KlingResponseError
from airflow_provider_kling.hooks import KlingHook
from airflow_provider_kling.waiting.shared_poller import MAX_READS, SharedPoller

VIDEO = {"videos": [{"id": "1", "url": "https://example.com/v.mp4", "duration": "5.1"}]}
NOT_FOUND = kling(code=1201, message="Task not found by id/external id", status=400)
NO_ROUTE = Reply("<html>404</html>", status=404)


def is_single(request) -> bool:
    return request.path.startswith("/v1/videos/image2video/")


def id_of(request) -> str:
    return request.path.rsplit("/", 1)[-1]


async def wait(task_id: str, *, seconds: float, interval: float = 0.2, conn_id: str = "kling_default"):
    now = time.time()
    poll_decision = polling.PollDecision(task_id, end_time=now + seconds, poll_interval=interval, jitter=lambda: 0.5)
    return await SharedPoller.of(conn_id).wait(TaskRef("image2video", task_id), poll_decision, first_read=now)


def statuses(ids, **kwargs) -> list[str]:
    async def run_all():
        return await asyncio.gather(*(wait(name, **kwargs) for name in ids))

    return [event.status for event, _ in asyncio.run(run_all())]


@pytest.mark.parametrize(
    "response",
    [
        Reply(kling(task()).body, delay=25.0),
        Reply(kling(task()).body, byte_pause=1.0),
        lambda request: Reply("", delay=25.0) if is_single(request) else NO_ROUTE,
    ],
    ids=["silence", "a byte a second", "a relay without lists and batches"],
)
def test_ten_tasks_on_a_server_that_hangs_meet_their_deadline(scripted, response):
    scripted(response, extra={"timeout_seconds": 30})
    started = time.time()
    assert statuses([f"80000000000000000{number}" for number in range(10)], seconds=3) == ["timeout"] * 10
    assert time.time() - started < 12


def test_a_poll_that_hangs_does_not_block_a_later_task(scripted):
    def response(request):
        return kling(task("succeed", task_id=id_of(request), task_result=VIDEO)) if is_single(request) else hanging

    hanging = Reply("", delay=25.0)
    scripted(response, extra={"timeout_seconds": 30})

    async def scenario():
        held = [asyncio.create_task(wait(f"80000000000000000{number}", seconds=60)) for number in range(3)]
        await asyncio.sleep(1.0)
        started = time.time()
        event, _ = await wait("900000000000000001", seconds=60)
        for pending in held:
            pending.cancel()
        return event.status, time.time() - started

    status, seconds = asyncio.run(scenario())
    assert status == "success"
    assert seconds < 15


def test_one_connection_that_hangs_does_not_hold_another(scripted, monkeypatch):
    hanging = scripted(Reply("", delay=25.0), extra={"timeout_seconds": 30})
    import os

    monkeypatch.setenv("AIRFLOW_CONN_KLING_HANGING", os.environ["AIRFLOW_CONN_KLING_DEFAULT"])
    scripted(lambda request: kling(task("succeed", task_id=id_of(request), task_result=VIDEO)))

    async def scenario():
        held = [asyncio.create_task(wait(f"a{number}", seconds=60, conn_id="kling_hanging")) for number in range(20)]
        await asyncio.sleep(1.0)
        started = time.time()
        event, _ = await wait("900000000000000001", seconds=60)
        for pending in held:
            pending.cancel()
        return event.status, time.time() - started

    status, seconds = asyncio.run(scenario())
    assert status == "success"
    assert seconds < 15
    assert hanging.received


def test_single_reads_go_side_by_side_up_to_a_bound_with_one_try_each(scripted):
    lock, now, most, asked = threading.Lock(), [0], [0], Counter()

    @contextmanager
    def counted():
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        yield
        with lock:
            now[0] -= 1

    def response(request):
        if not is_single(request):
            return NO_ROUTE
        with counted():
            time.sleep(0.5)
            asked[id_of(request)] += 1
            # Its first answer is a bad moment of the server: the next sweep asks again, this one does not.
            if asked[id_of(request)] == 1:
                return kling(code=5000, message="internal", status=500)
            return kling(task("succeed", task_id=id_of(request), task_result=VIDEO))

    scripted(response)
    ids = [f"80000000000000000{number}" for number in range(8)]
    assert statuses(ids, seconds=60) == ["success"] * 8
    assert 1 < most[0] <= MAX_READS
    assert set(asked.values()) == {2}


@pytest.mark.parametrize(
    "stranger",
    [
        {"task_id": "1", "task_status": "processing", "created_at": "2026-11-25T04:00:00Z"},
        {"task_id": None},
        "text",
        None,
        {"task_id": "2", "task_status": "QUEUED_FOREVER", "task_result": {"videos": "none"}},
        [[]],
    ],
)
def test_an_unreadable_task_in_the_accounts_list_blocks_no_wait(scripted, stranger):
    ids = ["800000000000000001", "800000000000000002"]

    def response(request):
        if is_single(request):
            return kling(task("succeed", task_id=id_of(request), task_result=VIDEO))
        if request.path.startswith("/tasks"):
            return NO_ROUTE
        return kling([stranger, task("succeed", task_id=ids[0], task_result=VIDEO)])

    scripted(response)
    assert statuses(ids, seconds=30) == ["success", "success"]


@pytest.mark.parametrize(
    "first",
    [
        kling(task("REVIEWING", task_id="800000000000000001")),
        kling(code=1201, message="任务不存在", status=400),
        NOT_FOUND,
        kling(code=1002, message="api key not found", status=401),
        kling(code=9999, message="relay: upstream away"),
        Reply("<html>502</html>", status=502),
        Reply("<html>403</html>", status=403),
        kling({"task_id": ["x"]}),
    ],
    ids=["unknown status", "1201 in other words", "not found", "key", "unknown code", "502", "403", "shape"],
)
def test_whatever_a_poll_returns_the_wait_continues_and_delivers(scripted, first):
    looks = Counter()

    def response(request):
        looks["all"] += 1
        # More often than any patience there ever was.
        return first if looks["all"] <= 10 else kling(task("succeed", task_id=id_of(request), task_result=VIDEO))

    scripted(response)
    assert statuses(["800000000000000001"], seconds=120, interval=0.001) == ["success"]


ASKED, OTHERS = "880000000000000001", "990000000000000002"


@pytest.mark.parametrize("name", [ASKED, "af-of-ours"])
def test_a_response_about_another_task_is_not_delivered(scripted, name):
    """A cache, or answers that were taken for each other: whose video that is, nobody knows."""
    another = task("succeed", task_id=OTHERS, task_result=VIDEO, task_info={"external_task_id": "of-somebody"})
    scripted(lambda request: kling(another) if is_single(request) else NO_ROUTE)
    with pytest.raises(KlingResponseError, match=f"{name} was requested, {OTHERS} with") as caught:
        KlingHook().get_task(name)
    assert caught.value.transient
    assert statuses([name], seconds=1) == ["timeout"]


@pytest.mark.parametrize(
    "said",
    [
        {"task_id": ASKED, "status": "SUCCESS", "data": {"data": task("succeed", task_id=OTHERS, task_result=VIDEO)}},
        {"id": ASKED, "data": task("succeed", task_id=OTHERS, task_result=VIDEO)},
        [task("succeed", task_id=int(ASKED), task_result=VIDEO)],
    ],
)
def test_a_relay_may_name_the_task_in_its_own_envelope(scripted, said):
    scripted(kling(said))
    assert KlingHook().get_task(ASKED).videos


@pytest.mark.parametrize("external", ["", "af-of-ours"])
def test_an_own_id_is_found_with_and_without_it_in_the_response(scripted, external):
    scripted(kling(task("succeed", task_id=OTHERS, task_info={"external_task_id": external})))
    assert KlingHook().get_task("af-of-ours").task_id == OTHERS
