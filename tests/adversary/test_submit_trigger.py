"""The trigger that submits meets clocks that differ, tasks that are cleared at the wrong moment, and odd answers."""

from __future__ import annotations

import asyncio
import inspect
import json
import pkgutil

import pytest
from adversary.scripted import TASK_ID, Received, Reply, kling, task
from airflow.triggers.base import TaskSuccessEvent
from support import set_pace
from support_submit import (
    Airflow,
    creates,
    event_of,
    occupy,
    operator,
    others,
    run_with_slot,
    until,
    waiting,
)

from airflow_provider_kling.exceptions import KlingTaskFailedError
from airflow_provider_kling.utils._airflow.compat import AIRFLOW_V_3_2_PLUS

HOUR = 3600.0

NOT_FOUND = kling(code=1201, message="Task not found by id/external id: x", status=400)

pytestmark = [
    pytest.mark.skipif(not AIRFLOW_V_3_2_PLUS, reason="before Airflow 3.2 a worker submits"),
    pytest.mark.kling_simulator(concurrency=1, seconds=60),
]


@pytest.fixture
def airflow(monkeypatch) -> Airflow:
    return Airflow(monkeypatch)


@pytest.mark.kling_simulator(concurrency=1, seconds=60, clock_skew=-2 * HOUR)
def test_a_wait_takes_its_time_when_klings_clock_is_behind(kling, airflow):
    first = occupy()
    assert isinstance(run_with_slot(kling, first, waiting(airflow)), TaskSuccessEvent)


@pytest.mark.kling_simulator(concurrency=1, seconds=60, clock_skew=-2 * HOUR)
def test_so_does_one_that_is_restarted(kling, airflow):
    first = occupy()
    trigger = waiting(airflow)

    async def scenario():
        lost = asyncio.create_task(event_of(trigger))
        kling.finish(first)
        await until(lambda: others(kling))
        lost.cancel()
        again = asyncio.create_task(event_of(airflow.started(trigger)))
        await asyncio.sleep(0.5)
        kling.finish(others(kling)[0]["task_id"])
        return await asyncio.wait_for(again, 20)

    assert isinstance(asyncio.run(scenario()), TaskSuccessEvent)
    assert len(others(kling)) == 1


@pytest.mark.parametrize("stored", [None, "x", {"submitted_at": "x"}, {"submitted_at": 10**30}, "unreadable", "whole"])
def test_one_that_is_restarted_keeps_when_it_submitted(kling, airflow, monkeypatch, stored):
    first = occupy()
    trigger = waiting(airflow)

    def unreadable(_ti, _key):
        raise ConnectionError("the API server restarts")

    async def scenario():
        lost = asyncio.create_task(event_of(trigger))
        kling.finish(first)
        await until(lambda: "task_id" in airflow.ti.xcoms)
        lost.cancel()
        submission = dict(airflow.ti.xcoms["submission"])
        if stored == "unreadable":
            monkeypatch.setattr("airflow_provider_kling.triggers.submit.get_xcom", unreadable)
        elif stored != "whole":
            airflow.ti.xcoms["submission"] = stored
        kling.finish(others(kling)[0]["task_id"])
        event = await asyncio.wait_for(event_of(airflow.started(trigger)), 20)
        return submission, event

    submission, event = asyncio.run(scenario())
    assert isinstance(event, TaskSuccessEvent)
    expected = submission if stored == "whole" else {**submission, "submitted_at": None}
    assert airflow.ti.xcoms["submission"] == expected


@pytest.mark.parametrize("ahead", [2 * HOUR, -2 * HOUR])
def test_it_submits_whatever_the_workers_clock_says(kling, airflow, ahead):
    first = occupy()
    trigger = waiting(airflow)
    for name in ("since", "until", "deferred_at", "refused_at"):
        setattr(trigger, name, getattr(trigger, name) + ahead)
    assert isinstance(run_with_slot(kling, first, trigger), TaskSuccessEvent)
    assert len(others(kling)) == 1


@pytest.mark.parametrize("odd", [None, "5", float("nan"), 1e300], ids=repr)
@pytest.mark.parametrize("name", ["since", "until", "deferred_at", "refused_at", "timeout", "poll_interval"])
def test_a_worker_goes_on_when_another_version_wrote_no_times(kling, airflow, name, odd):
    occupy()
    trigger = waiting(airflow)
    setattr(trigger, name, odd)
    before = creates(kling)
    event = asyncio.run(asyncio.wait_for(event_of(trigger), 5))
    assert (event.payload["status"], creates(kling)) == ("slot", before)


def test_nothing_is_paid_for_a_task_that_is_cleared_while_its_request_is_prepared(kling, airflow, monkeypatch):
    from airflow_provider_kling.hooks import KlingHook

    first = occupy()
    trigger = waiting(airflow)
    submit = KlingHook.submit

    def cleared(*args, **kwargs):
        airflow.is_deferred = False
        return submit(*args, **kwargs)

    monkeypatch.setattr(KlingHook, "submit", cleared)
    before = creates(kling)
    event = run_with_slot(kling, first, trigger)
    assert (event.payload["status"], creates(kling)) == ("slot", before)


def test_nothing_is_sent_again_for_a_task_that_is_cleared_when_the_answer_was_lost(kling, airflow):
    first = occupy()
    trigger = waiting(airflow)
    kling.fault("cut_before", operation="create", times=9)
    before = creates(kling)

    async def scenario():
        event = asyncio.create_task(event_of(trigger))
        kling.finish(first)
        await until(lambda: creates(kling) > before)
        airflow.is_deferred = False
        return await asyncio.wait_for(event, 20)

    assert (asyncio.run(scenario()).payload["status"], creates(kling)) == ("slot", before + 1)


def test_nothing_is_paid_when_airflow_does_not_say_whether_the_task_waits(kling, airflow, monkeypatch):
    def unreachable(_ti):
        raise ConnectionError("the API server restarts")

    first = occupy()
    trigger = waiting(airflow)
    monkeypatch.setattr("airflow_provider_kling.triggers.submit.is_still_deferred", unreachable)
    before = creates(kling)
    event = run_with_slot(kling, first, trigger)
    assert (event.payload["status"], creates(kling)) == ("slot", before)


@pytest.mark.parametrize("key", ["submission", "task_id", "return_value"])
@pytest.mark.parametrize("waits", [True, False])
def test_a_worker_finishes_what_cannot_be_pushed(kling, airflow, key, waits):
    first = occupy()
    trigger = waiting(airflow, wait_for_completion=waits)
    airflow.refuses = {key}
    event = run_with_slot(kling, first, trigger)
    if not isinstance(event, TaskSuccessEvent):
        manifest = operator(wait_for_completion=waits).execute_with_slot({"ti": airflow.ti}, event.payload)
        assert manifest["task_id"] == others(kling)[0]["task_id"]
    assert len(others(kling)) == 1
    assert isinstance(event, TaskSuccessEvent) is (key == "submission")


def _answers_of_a_task_that_fails_at_once(request: Received) -> Reply:
    if request.method == "POST":
        return kling(task("failed", task_status_msg="no luck"))
    if TASK_ID in request.path:
        return kling(task("failed", task_status_msg="no luck"))
    is_list = "af-" not in request.path
    return kling([]) if is_list else NOT_FOUND


def test_a_task_that_failed_at_once_is_no_success(kling, airflow, scripted, monkeypatch):
    occupy()
    trigger = waiting(airflow, wait_for_completion=False)
    assert trigger.ends_task
    scripted(_answers_of_a_task_that_fails_at_once)
    trigger.fingerprint = _fingerprint_now(trigger)
    set_pace(monkeypatch, probe_first=0.1, probe_longest=0.1)
    event = asyncio.run(asyncio.wait_for(event_of(trigger), 20))
    assert event.payload["kling_task_id"] == TASK_ID
    with pytest.raises(KlingTaskFailedError):
        operator(wait_for_completion=False).execute_with_slot({"ti": airflow.ti}, event.payload)


def _fingerprint_now(trigger) -> str:
    from airflow_provider_kling.hooks import KlingHook
    from airflow_provider_kling.preparation.prepare import prepare
    from airflow_provider_kling.products.catalogue import product_of
    from airflow_provider_kling.submission import identity

    content = prepare(product_of(trigger.endpoint), **json.loads(trigger.request)).content
    return identity.fingerprint(account=KlingHook().account_name, endpoint=trigger.endpoint, content=content)


@pytest.mark.parametrize("answers", [True, False])
def test_somebody_who_cancels_the_task_while_it_is_sent_reads_what_may_be_paid(kling, airflow, caplog, answers):
    first = occupy()
    trigger = waiting(airflow)
    if not answers:
        kling.fault("delay", operation="create", seconds=3)

    async def scenario():
        lost = asyncio.create_task(event_of(trigger))
        kling.finish(first)
        await until(lambda: trigger._task if answers else trigger._is_sending)
        lost.cancel()
        airflow.is_deferred = False
        await trigger.on_kill()

    asyncio.run(scenario())
    warning = caplog.messages[-1]
    assert "unning this Airflow task again adopts it" in warning
    assert (others(kling)[0]["task_id"] if answers else trigger.external_task_id) in warning


def test_somebody_who_cancels_it_before_reads_nothing(kling, airflow, caplog):
    occupy()
    trigger = waiting(airflow)
    airflow.is_deferred = False
    caplog.clear()
    asyncio.run(trigger.on_kill())
    assert caplog.messages == []


class Killed(BaseException):
    """The triggerer's process ends."""


#: What the trigger does from the slot to the result, in this order.
STEPS = (
    "airflow_provider_kling.waiting.slot_queue.AccountSlots.wait",
    "airflow_provider_kling.waiting.hook_cache.HookCache.get",
    "airflow_provider_kling.preparation.prepare.prepare",
    "airflow_provider_kling.submission.submitter.Submitter._look_up",
    "airflow_provider_kling.triggers.submit.is_still_deferred",
    "airflow_provider_kling.api.client.KlingClient.create_once",
    "airflow_provider_kling.submission.submitter.Submitter.submit",
    "airflow_provider_kling.waiting.arbiter.Arbiter.accepted",
    "airflow_provider_kling.triggers.submit.submission_record",
    "airflow_provider_kling.triggers.base.set_xcom",
    "airflow_provider_kling.triggers.task.KlingTaskTrigger.waiting_for",
    "airflow_provider_kling.triggers.task.KlingTaskTrigger._wait",
    "airflow_provider_kling.triggers.task.set_xcom",
)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.removeprefix("airflow_provider_kling."))
def test_a_triggerer_that_is_killed_anywhere_pays_once_and_its_successor_delivers(
    kling, airflow, monkeypatch, step, when
):
    first = occupy()
    trigger = waiting(airflow)
    _kill(monkeypatch, step, when)

    async def scenario():
        lost = asyncio.create_task(event_of(trigger))
        await asyncio.sleep(0.3)
        kling.finish(first)
        await until(lambda: lost.done() or others(kling))
        await asyncio.sleep(0.5)
        for task in others(kling):
            kling.finish(task["task_id"])
        with pytest.raises(Killed):
            await asyncio.wait_for(lost, 10)
        again = asyncio.create_task(event_of(airflow.started(trigger)))
        await until(lambda: others(kling))
        for task in others(kling):
            kling.finish(task["task_id"])
        return await asyncio.wait_for(again, 20)

    assert isinstance(asyncio.run(scenario()), TaskSuccessEvent)
    (task,) = others(kling)
    assert airflow.ti.xcoms["return_value"]["task_id"] == airflow.ti.xcoms["task_id"] == task["task_id"]
    assert len(kling.ledger()["charges"]) == 2


def _kill(monkeypatch, step: str, when: str) -> None:
    """End the process when it comes to a step the first time."""
    holder, _, name = step.rpartition(".")
    place = pkgutil.resolve_name(holder if holder.rpartition(".")[2][0].islower() else ":".join(holder.rsplit(".", 1)))
    is_static = isinstance(place.__dict__[name], classmethod)
    real = getattr(place, name)
    kills = [Killed()]

    def strike() -> None:
        if kills:
            raise kills.pop()

    if inspect.iscoroutinefunction(real):

        async def step_of(*args, **kwargs):
            if when == "before":
                strike()
            result = await real(*args, **kwargs)
            strike()
            return result

    else:

        def step_of(*args, **kwargs):
            if when == "before":
                strike()
            result = real(*args, **kwargs)
            strike()
            return result

    monkeypatch.setattr(place, name, staticmethod(step_of) if is_static else step_of)
