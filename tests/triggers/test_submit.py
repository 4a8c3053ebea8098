"""The trigger that submits when a slot is free, against the simulator; Airflow's XComs and states are stood in for."""

from __future__ import annotations

import asyncio
import shutil
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from airflow.triggers.base import TaskSuccessEvent
from support import PHOTOGRAPH, FakeTaskInstance, connect, set_pace
from support_submit import (
    Airflow,
    creates,
    deferred,
    event_of,
    occupy,
    operator,
    others,
    run_with_slot,
    until,
    waiting,
)

from airflow_provider_kling.exceptions import KlingContentPolicyError
from airflow_provider_kling.hooks import KlingHook
from airflow_provider_kling.operators import KlingImageToVideoOperator
from airflow_provider_kling.operators.slot_wait import MAX_REQUEST
from airflow_provider_kling.triggers import KlingSlotTrigger, KlingSubmitTrigger
from airflow_provider_kling.utils._airflow.compat import AIRFLOW_V_3_2_PLUS

if TYPE_CHECKING:
    from airflow.triggers.base import TriggerEvent

pytestmark = [
    pytest.mark.skipif(not AIRFLOW_V_3_2_PLUS, reason="before Airflow 3.2 a worker submits"),
    pytest.mark.kling_simulator(concurrency=1, seconds=60),
]


@pytest.fixture
def airflow(monkeypatch) -> Airflow:
    return Airflow(monkeypatch)


def test_it_submits_when_a_slot_is_free_and_ends_the_task_without_a_worker(kling, airflow):
    first = occupy()
    trigger = waiting(airflow)
    before = creates(kling)
    assert isinstance(run_with_slot(kling, first, trigger), TaskSuccessEvent)
    (task,) = others(kling)
    xcoms = airflow.ti.xcoms
    assert xcoms["task_id"] == xcoms["return_value"]["task_id"] == task["task_id"]
    assert (xcoms["return_value"]["status"], creates(kling)) == ("succeed", before + 1)
    submission = xcoms["submission"]
    assert submission["external_task_id"] == task["external_task_id"] == trigger.external_task_id
    assert submission["slot_since"] < submission["submitted_at"] <= submission["accepted_at"] + 1
    assert (submission["adopted"], submission["estimate"]) == (False, str(operator().estimate()))


def test_a_task_that_only_submits_ends_with_the_submission(kling, airflow):
    first = occupy()
    trigger = waiting(airflow, wait_for_completion=False)

    async def scenario() -> TriggerEvent:
        kling.finish(first)
        return await event_of(trigger)

    assert isinstance(asyncio.run(scenario()), TaskSuccessEvent)
    (task,) = others(kling)
    assert airflow.ti.xcoms["return_value"]["task_id"] == task["task_id"]
    assert airflow.ti.xcoms["return_value"]["status"] == "submitted"


@pytest.mark.parametrize("waits", [True, False])
def test_what_a_worker_has_to_end_is_submitted_here_and_ended_there(kling, airflow, tmp_path, waits):
    first = occupy()
    arguments = (
        {"output_uri": f"file://{tmp_path}/"} if waits else {"wait_for_completion": False, "outlets": [_asset()]}
    )
    trigger = waiting(airflow, **arguments)
    before = creates(kling)
    event = run_with_slot(kling, first, trigger, is_made=waits)
    assert event.payload["status"] == "success"
    manifest = operator(**arguments).execute_with_slot(_context(airflow.ti), event.payload)
    assert (manifest["task_id"], creates(kling)) == (others(kling)[0]["task_id"], before + 1)
    assert manifest["status"] == ("succeed" if waits else "submitted")
    assert len(list(tmp_path.iterdir())) == waits
    assert airflow.ti.xcoms["submission"]["adopted"] is False, "the worker does not look for it again"


def _asset() -> Any:
    from airflow.sdk import Asset

    return Asset("x://videos")


def _context(ti: FakeTaskInstance) -> dict[str, Any]:
    from collections import defaultdict
    from types import SimpleNamespace

    return {"ti": ti, "outlet_events": defaultdict(lambda: SimpleNamespace(extra={}))}


@pytest.mark.parametrize("has_slot", [True, False])
def test_one_that_is_restarted_finds_what_it_submitted(kling, airflow, has_slot):
    first = occupy()
    trigger = waiting(airflow)

    async def scenario() -> TriggerEvent:
        lost = asyncio.create_task(event_of(trigger))
        kling.finish(first)
        await until(lambda: others(kling))
        lost.cancel()
        airflow.ti.xcoms.clear()
        if has_slot:
            kling.finish(others(kling)[0]["task_id"])
        again = asyncio.create_task(event_of(airflow.started(trigger)))
        await until(lambda: airflow.ti.xcoms.get("task_id"))
        kling.finish(others(kling)[0]["task_id"])
        return await asyncio.wait_for(again, 20)

    assert isinstance(asyncio.run(scenario()), TaskSuccessEvent)
    (task,) = others(kling)
    assert airflow.ti.xcoms["return_value"]["task_id"] == task["task_id"]
    assert airflow.ti.xcoms["submission"]["adopted"] is False, "no earlier try submitted it"


def test_two_triggerers_that_run_it_pay_once(kling, airflow):
    first = occupy()
    trigger = waiting(airflow)

    async def scenario() -> list[TriggerEvent]:
        both = [asyncio.create_task(event_of(airflow.started(trigger))) for _ in range(2)]
        kling.finish(first)
        await until(lambda: others(kling))
        await asyncio.sleep(1)
        kling.finish(others(kling)[0]["task_id"])
        return await asyncio.gather(*both)

    events = asyncio.run(scenario())
    assert len(others(kling)) == 1
    assert any(isinstance(event, TaskSuccessEvent) for event in events)


@pytest.mark.parametrize("fault", ["cut_after", "cut_before"])
def test_a_lost_answer_pays_once(kling, airflow, fault):
    first = occupy()
    trigger = waiting(airflow)
    kling.fault(fault, operation="create")
    assert isinstance(run_with_slot(kling, first, trigger), TaskSuccessEvent)
    assert len(others(kling)) == 1


def test_one_that_finds_no_slot_again_goes_on_waiting(kling, airflow, monkeypatch):
    set_pace(monkeypatch, probe_first=0.2, probe_longest=0.2)
    first = occupy()
    trigger = waiting(airflow)
    kling.fault(code=1303, operation="create", times=2)
    before = creates(kling)
    assert isinstance(run_with_slot(kling, first, trigger), TaskSuccessEvent)
    assert (len(others(kling)), creates(kling)) == (1, before + 3)


def test_one_that_is_throttled_leaves_the_slot_free_for_its_next_request(kling, airflow):
    first = occupy()
    trigger = waiting(airflow)
    kling.fault(code=1302, operation="create", times=2)
    before, began = creates(kling), time.monotonic()
    assert isinstance(run_with_slot(kling, first, trigger), TaskSuccessEvent)
    assert (len(others(kling)), creates(kling)) == (1, before + 3)
    assert time.monotonic() - began < 10, "a grant that holds its slot holds it for 20 s"


def test_nothing_is_paid_for_a_task_that_waits_no_more(kling, airflow):
    first = occupy()
    trigger = waiting(airflow)
    airflow.is_deferred = False
    event = run_with_slot(kling, first, trigger)
    assert (event.payload["status"], others(kling)) == ("slot", [])


def test_nothing_is_sent_when_a_file_changed_during_the_wait(kling, airflow, tmp_path):
    image = tmp_path / "photo.jpg"
    shutil.copy(PHOTOGRAPH, image)
    first = occupy()
    trigger = waiting(airflow, image=str(image))
    before = creates(kling)
    image.write_bytes(PHOTOGRAPH.read_bytes() + b"\0")
    event = run_with_slot(kling, first, trigger)
    assert (event.payload["status"], creates(kling)) == ("slot", before)


@pytest.mark.parametrize(
    "request_text", ["", "[]", "{}", "null", '{"fields": 7}', '{"fields": {}, "new": 1}', "\ud800"]
)
def test_nothing_is_sent_of_a_request_that_cannot_be_read(kling, airflow, request_text):
    first = occupy()
    trigger = waiting(airflow)
    trigger.request = request_text
    before = creates(kling)
    event = run_with_slot(kling, first, trigger)
    assert (event.payload["status"], creates(kling)) == ("slot", before)


def test_an_id_that_cannot_be_pushed_is_left_to_the_worker(kling, airflow):
    first = occupy()
    trigger = waiting(airflow)
    airflow.refuses = {"task_id"}
    event = run_with_slot(kling, first, trigger)
    assert event.payload["status"] == "slot"
    manifest = operator().execute_with_slot({"ti": airflow.ti}, event.payload)
    assert [task["task_id"] for task in others(kling)] == [manifest["task_id"]] == [airflow.ti.xcoms["task_id"]]


def test_what_kling_refuses_is_raised_on_the_worker(kling, airflow):
    first = occupy()
    trigger = waiting(airflow)
    kling.fault(code=1301, operation="create", times=9)
    event = run_with_slot(kling, first, trigger)
    assert event.payload["status"] == "slot"
    with pytest.raises(KlingContentPolicyError):
        operator().execute_with_slot({"ti": airflow.ti}, event.payload)
    assert others(kling) == []


def test_a_wait_that_breaks_after_the_submission_is_one_for_its_task(kling, airflow, monkeypatch):
    async def broken(_self) -> dict[str, Any]:
        raise RuntimeError("broken")

    monkeypatch.setattr("airflow_provider_kling.triggers.task.KlingTaskTrigger._wait", broken)
    first = occupy()
    event = run_with_slot(kling, first, waiting(airflow))
    (task,) = others(kling)
    assert (event.payload["status"], event.payload["kling_task_id"]) == ("error", task["task_id"])


class Changed(KlingImageToVideoOperator):
    """A subclass that sends in its own way."""

    def _send(self, prepared, options):
        return super()._send(prepared, options)


SIGNED = "https://bucket.example/photo.jpg?X-Amz-Credential=me&X-Amz-Signature=0f3a"


@pytest.mark.parametrize(
    "arguments",
    [
        {"image": SIGNED},
        {"image": "https://bucket.example/photo.jpg", "extra_body": {"note": [{"url": SIGNED}]}},
        {"callback_url": "https://hooks.example/?key=tiger-of-the-connection"},
        {"extra_body": {"a": [[[[[["tiger-of-the-connection"]]]]]]}},
        {"extra_body": {"password": "any"}},
    ],
    ids=repr,
)
def test_airflows_database_gets_no_signed_link_and_no_secret(kling, airflow, arguments):
    from airflow.sdk.log import mask_secret

    mask_secret("tiger-of-the-connection")
    occupy()
    assert type(deferred(operator(**arguments), airflow.ti)) is KlingSlotTrigger


class OwnWait(KlingImageToVideoOperator):
    """A subclass that waits in its own way."""

    def _wait(self, task, context):
        return super()._wait(task, context)


class OwnHook(KlingImageToVideoOperator):
    """A subclass with another hook, which may send through a proxy, for example."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.hook = type("OtherHook", (KlingHook,), {})(self.kling_conn_id)


@pytest.mark.parametrize(
    ("kind", "arguments"),
    [
        (KlingImageToVideoOperator, {"image": PHOTOGRAPH.read_bytes()}),
        (KlingImageToVideoOperator, {"fit": "shrink"}),
        (KlingImageToVideoOperator, {"extra_body": {"new": "too long " * (MAX_REQUEST // 9)}}),
        (Changed, {}),
        (OwnWait, {}),
        (OwnHook, {}),
    ],
)
def test_a_worker_sends_what_the_triggerer_cannot(kling, airflow, kind, arguments):
    occupy()
    animate = kind(**{"task_id": "animate", "image": str(PHOTOGRAPH), "prompt": "x", **arguments})
    assert type(deferred(animate, airflow.ti)) is KlingSlotTrigger


def test_a_worker_sends_under_a_cap_for_the_day(kling_simulator, monkeypatch, airflow, tmp_path):
    connect(monkeypatch, kling_simulator, extra={"max_usd_per_day": 100, "budget_uri": f"file://{tmp_path}"})
    occupy()
    assert type(deferred(operator(), airflow.ti)) is KlingSlotTrigger


def test_a_worker_sends_under_a_cap_that_was_set_during_the_wait(kling_simulator, monkeypatch, airflow, tmp_path):
    connect(monkeypatch, kling_simulator)
    first = occupy()
    trigger = waiting(airflow)
    connect(monkeypatch, kling_simulator, extra={"max_usd_per_day": 100, "budget_uri": f"file://{tmp_path}"})
    event = run_with_slot(kling_simulator, first, trigger)
    assert (event.payload["status"], others(kling_simulator)) == ("slot", [])


def test_a_worker_sends_where_kling_stops_keeping_the_id_during_the_wait(kling_simulator, monkeypatch, airflow):
    connect(monkeypatch, kling_simulator)
    first = occupy()
    trigger = waiting(airflow)
    connect(monkeypatch, kling_simulator, extra={"external_ids": False})
    event = run_with_slot(kling_simulator, first, trigger)
    assert (event.payload["status"], others(kling_simulator)) == ("slot", [])


def test_a_worker_sends_where_kling_does_not_keep_the_id(kling_simulator, monkeypatch, airflow):
    connect(monkeypatch, kling_simulator, extra={"external_ids": False})
    occupy()
    assert type(deferred(operator(), airflow.ti)) is KlingSlotTrigger


@pytest.mark.parametrize(("seconds", "expected"), [(10, 10.0), (100, 60.0), (0, 60.0), (None, 60.0)])
def test_execution_timeout_bounds_the_wait_after_its_submission_too(kling, airflow, seconds, expected):
    occupy()
    limit = None if seconds is None else timedelta(seconds=seconds)
    assert waiting(airflow, timeout=60, execution_timeout=limit).timeout == expected


def test_its_arguments_survive_airflows_serialization(kling, airflow):
    occupy()
    trigger = waiting(airflow, execution_timeout=None, timeout=100)
    path, arguments = trigger.serialize()
    assert path == "airflow_provider_kling.triggers.KlingSubmitTrigger"
    from airflow.sdk import serde

    again = KlingSubmitTrigger(**serde.deserialize(serde.serialize(arguments)))
    assert again.serialize() == (path, arguments)
    assert (again.timeout, again.waits, again.ends_task, again.endpoint) == (100, True, True, "image2video")
    assert abs(again.backstop.total_seconds() - (again.until - time.time() + 100 + 0.05 + 120)) < 5
    assert KlingSubmitTrigger(**arguments, something_new=1).serialize() == (path, arguments)
