"""The trigger and the poller that all waits share, on a real event loop against the simulator."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest
from airflow.triggers.base import TaskSuccessEvent
from support import PHOTOGRAPH, FakeTaskInstance, connect

from airflow_provider_kling import polling
from airflow_provider_kling.hooks import KlingHook
from airflow_provider_kling.plugins.links import KlingResultLink
from airflow_provider_kling.triggers import KlingTaskTrigger
from airflow_provider_kling.triggers.base import KlingTrigger
from airflow_provider_kling.utils._airflow.compat import AIRFLOW_V_3_2_PLUS
from airflow_provider_kling.waiting.shared_poller import SharedPoller

if TYPE_CHECKING:
    from airflow.triggers.base import TriggerEvent


@pytest.fixture(autouse=True)
def _no_minimum(monkeypatch):
    monkeypatch.setattr(KlingTrigger, "min_deferral", 0.0)


def submit(name: str = "one", endpoint: str = "image2video"):
    fields = {"image": str(PHOTOGRAPH), "duration": 3} if endpoint == "image2video" else {"prompt": "x"}
    return KlingHook().create_task(endpoint, fields, external_task_id=name)


def trigger_for(task_id: str, **kwargs) -> KlingTaskTrigger:
    arguments = {"kling_task_id": task_id, "end_time": time.time() + 20, "poll_interval": 0.1, **kwargs}
    return KlingTaskTrigger(**arguments)


async def events_of(trigger: KlingTaskTrigger) -> list[TriggerEvent]:
    return [event async for event in trigger.run()]


async def fire(trigger: KlingTaskTrigger) -> dict:
    (event,) = await events_of(trigger)
    return event.payload


def reads(simulator) -> list[dict]:
    return simulator.requests(method="GET")


def test_success_is_one_event(kling):
    task = submit()
    assert asyncio.run(fire(trigger_for(task.task_id))) == {
        "status": "success",
        "kling_task_id": task.task_id,
        "message": "",
    }


@pytest.mark.skipif(not AIRFLOW_V_3_2_PLUS, reason="before Airflow 3.2 a wait ends on a worker")
@pytest.mark.parametrize("still_deferred", [True, False])
def test_a_wait_that_another_triggerer_has_ended_ends_nothing(kling, monkeypatch, still_deferred):
    pushed = []
    monkeypatch.setattr("airflow_provider_kling.triggers.task.set_xcom", lambda _ti, key, value: pushed.append(key))
    monkeypatch.setattr("airflow_provider_kling.triggers.base.is_still_deferred", lambda _ti: still_deferred)
    trigger = trigger_for(submit().task_id, ends_task=True)
    trigger.task_instance = FakeTaskInstance()
    (event,) = asyncio.run(events_of(trigger))
    assert isinstance(event, TaskSuccessEvent) is still_deferred
    assert pushed == (["return_value"] if still_deferred else [])
    if still_deferred:
        # The link, by its path: every read signs it anew.
        (link,) = event.xcoms.values()
        assert (event.xcoms.keys(), link.startswith(f"{kling.url}/results/")) == ({KlingResultLink.XCOM_KEY}, True)


def test_failure_carries_klings_reason(kling):
    task = submit()
    kling.finish(task.task_id, failure="Image pixel is invalid")
    payload = asyncio.run(fire(trigger_for(task.task_id)))
    assert (payload["status"], payload["message"]) == ("failed", "Image pixel is invalid")


@pytest.mark.kling_simulator(seconds=60)
def test_the_deadline_is_a_wall_clock_time(kling):
    task = submit()
    assert asyncio.run(fire(trigger_for(task.task_id, end_time=time.time() + 0.3)))["status"] == "timeout"
    assert asyncio.run(fire(trigger_for(task.task_id, end_time=1.0)))["status"] == "timeout"


def test_it_survives_poll_errors(kling):
    task = submit()
    kling.fault(code=5001, operation="query", times=3)
    kling.fault("cut_before", operation="query", times=2)
    assert asyncio.run(fire(trigger_for(task.task_id)))["status"] == "success"


def test_rejected_polls_do_not_end_the_wait_for_a_paid_task_before_its_deadline(kling):
    kling.fault(code=1103, operation="query", times=None)
    payload = asyncio.run(fire(trigger_for("7", end_time=time.time() + 2)))
    assert payload["status"] == "timeout"
    assert "1103" in payload["message"]
    kling.clear_faults()


def test_a_task_that_nobody_has_read_and_that_is_refused_three_times_ends_the_wait(kling):
    started = time.time()
    payload = asyncio.run(fire(trigger_for("nobody", end_time=None, timeout=600.0, poll_interval=0.05)))
    assert payload["status"] == "error"
    assert time.time() - started < 300


def test_a_missing_connection_is_an_event_too(monkeypatch):
    monkeypatch.delenv("AIRFLOW_CONN_KLING_DEFAULT", raising=False)
    payload = asyncio.run(fire(trigger_for("7", kling_conn_id="kling_nowhere", end_time=time.time() + 600)))
    assert (payload["status"], payload["cause"]) == ("error", "connection")
    assert payload["message"].startswith("Make connection kling_nowhere known to the triggerer")


def test_a_wait_whose_decision_breaks_is_an_event_too_and_ends_alone(kling, monkeypatch):
    bad, good = submit("bad"), submit("good")
    decide = polling.PollDecision.on_task

    def on_task(self, task, *, now):
        if task.task_id == bad.task_id:
            raise OverflowError("cannot convert")
        return decide(self, task, now=now)

    monkeypatch.setattr(polling.PollDecision, "on_task", on_task)

    async def run_both():
        return await asyncio.gather(fire(trigger_for(bad.task_id)), fire(trigger_for(good.task_id)))

    broken, whole = asyncio.run(run_both())
    assert broken == {"status": "error", "kling_task_id": bad.task_id, "message": "OverflowError: cannot convert"}
    assert whole["status"] == "success"


@pytest.mark.parametrize("ends_task", [True, False])
def test_its_arguments_survive_airflows_serialization(ends_task):
    _, kwargs = trigger_for("7", ends_task=ends_task, model_name="kling-v3").serialize()
    serde = pytest.importorskip(
        "airflow.sdk.serde", reason="the task SDK has its own serialization from Airflow 3.2 on"
    )
    again = KlingTaskTrigger(**serde.deserialize(serde.serialize(kwargs)))
    assert again.serialize()[1] == kwargs


def test_arguments_of_other_versions_load():
    older = KlingTaskTrigger(kling_task_id="7")
    newer = KlingTaskTrigger(kling_task_id="7", something_new=1)
    assert older.kling_task_id == newer.kling_task_id == "7"


def test_airflows_own_task_id_does_not_replace_klings():
    trigger = trigger_for("7")
    trigger.task_id = "animate"  # what the triggerer does
    assert trigger.serialize()[1]["kling_task_id"] == "7"


def test_a_resumption_on_a_worker_is_not_too_early_for_airflow(kling, monkeypatch):
    monkeypatch.setattr(KlingTrigger, "min_deferral", 1.0)
    task = submit()
    kling.finish(task.task_id)
    started = time.time()
    asyncio.run(fire(trigger_for(task.task_id, deferred_at=started)))
    assert time.time() - started >= 1.0


@pytest.mark.kling_simulator(seconds=1.5, concurrency=100)
@pytest.mark.parametrize("api_key", [True, False])
def test_forty_waits_share_their_requests(kling_simulator, monkeypatch, api_key):
    connect(monkeypatch, kling_simulator, api_key=api_key)
    tasks = [submit(f"t{number}") for number in range(40)]
    before = len(reads(kling_simulator))

    async def run_all():
        return await asyncio.gather(*(fire(trigger_for(task.task_id, poll_interval=0.5)) for task in tasks))

    payloads = asyncio.run(run_all())
    assert [payload["kling_task_id"] for payload in payloads] == [task.task_id for task in tasks]
    assert {payload["status"] for payload in payloads} == {"success"}
    assert len(reads(kling_simulator)) - before <= 15, "one trigger, one request would be 40 in each sweep"


@pytest.mark.kling_simulator(seconds=0.5, concurrency=100)
def test_products_and_a_failure_do_not_disturb_each_other(kling):
    image, text, failed = submit("i"), submit("t", "text2video"), submit("f")
    kling.finish(failed.task_id, failure="no")

    async def run_all():
        return await asyncio.gather(
            fire(trigger_for(image.task_id)),
            fire(trigger_for(text.task_id, endpoint="text2video")),
            fire(trigger_for(failed.task_id)),
            fire(trigger_for("nobody", poll_interval=0.05, end_time=time.time() + 3)),
        )

    payloads = asyncio.run(run_all())
    assert [payload["status"] for payload in payloads] == ["success", "success", "failed", "timeout"]


@pytest.mark.kling_simulator(seconds=60)
def test_a_cancelled_wait_leaves_the_poller_clean(kling):
    task = submit()

    async def cancel():
        waiting = asyncio.create_task(events_of(trigger_for(task.task_id, poll_interval=0.1)))
        await asyncio.sleep(0.5)
        poller = SharedPoller.of("kling_default")
        assert len(poller._watches) == 1
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        assert not poller._watches
        await asyncio.sleep(0.8)
        assert poller._runner.done(), "nobody waits, nothing runs"
        return len(reads(kling))

    count = asyncio.run(cancel())
    time.sleep(0.3)
    assert len(reads(kling)) == count


@pytest.mark.kling_simulator(seconds=60)
def test_the_event_loop_is_never_blocked_by_a_slow_response(kling):
    task = submit()
    kling.fault("delay", operation="query", seconds=1.0)

    async def watch():
        waiting = asyncio.create_task(events_of(trigger_for(task.task_id, poll_interval=0.1)))
        worst, last = 0.0, time.perf_counter()
        for _ in range(150):
            await asyncio.sleep(0.01)
            now = time.perf_counter()
            worst, last = max(worst, now - last - 0.01), now
        waiting.cancel()
        return worst

    assert asyncio.run(watch()) < 0.5


def test_a_rotated_key_is_read_again(kling_simulator, monkeypatch):
    connect(monkeypatch, kling_simulator)
    task = submit()
    connect(monkeypatch, kling_simulator, password="an-old-secret-key-of-32-characters-or-more")

    async def rotate():
        waiting = asyncio.create_task(fire(trigger_for(task.task_id, poll_interval=0.4)))
        await asyncio.sleep(0.3)
        connect(monkeypatch, kling_simulator)
        return await waiting

    assert asyncio.run(rotate())["status"] == "success"


@pytest.mark.kling_simulator(seconds=60)
def test_on_kill_logs_what_keeps_running(kling, logged):
    trigger = trigger_for("7")
    lines = logged(trigger)
    asyncio.run(trigger.on_kill())
    assert "Kling task 7 keeps running" in lines[-1]
