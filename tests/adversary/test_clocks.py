"""Kling's clock differs from the local one."""

from __future__ import annotations

import asyncio
import time

import pytest
from adversary.scripted import TASK_ID, kling, task
from support import PHOTOGRAPH, FakeTaskInstance

from airflow_provider_kling import exceptions as errors
from airflow_provider_kling import polling
from airflow_provider_kling.models import Task, TaskStatus
from airflow_provider_kling.operators import KlingImageToVideoOperator
from airflow_provider_kling.sensors import KlingTaskSensor
from airflow_provider_kling.triggers import KlingSlotTrigger
from airflow_provider_kling.utils._airflow.compat import TaskDeferred

HOUR = 3600.0
NOW = 1_790_000_000.0


def created(seconds: float) -> Task:
    return Task("7", TaskStatus.PROCESSING, "image2video", created_at=int(seconds * 1000))


@pytest.mark.parametrize(
    ("created_at", "submitted_at", "accepted_at"),
    [
        (NOW - 60, None, NOW - 60),
        (NOW + HOUR, None, NOW),
        (NOW + HOUR, NOW - 5, NOW),
        (NOW - 2 * HOUR, NOW - 5, NOW - 5),
        (NOW - 2 * HOUR, None, NOW - 2 * HOUR),
        (NOW - 3, NOW - 5, NOW - 3),
        (0, None, NOW),
        (0, NOW - 5, NOW - 5),
        (-NOW, None, NOW),
        (NOW - 5, NOW + HOUR, NOW),
    ],
)
def test_a_task_is_created_between_its_submission_and_its_first_read(created_at, submitted_at, accepted_at):
    assert polling.accepted_at(created(created_at), now=NOW, submitted_at=submitted_at) == accepted_at


def test_a_first_poll_never_waits_for_klings_clock():
    assert polling.first_poll_delay("image2video", accepted_at=NOW + HOUR, poll_interval=15, now=NOW) == 30


@pytest.mark.parametrize("offset", [HOUR, -2 * HOUR, 0.0])
def test_the_operators_wait_does_not_depend_on_klings_clock(scripted, offset):
    scripted(kling(task(created_at=int((time.time() + offset) * 1000))))
    operator = KlingImageToVideoOperator(
        task_id="animate", image=str(PHOTOGRAPH), duration=5, prompt="x", wait_for_completion=True, timeout=HOUR
    )
    started = time.time()
    with pytest.raises(TaskDeferred) as caught:
        operator.execute({"ti": FakeTaskInstance()})
    trigger = caught.value.trigger
    assert started + HOUR - 60 < trigger.end_time < time.time() + HOUR + 1
    assert trigger.first_poll_at < time.time() + 60


def test_the_sensors_wait_is_not_delayed_by_a_clock_that_is_ahead(scripted):
    scripted(kling(task(created_at=int((time.time() + HOUR) * 1000))))
    with pytest.raises(TaskDeferred) as caught:
        KlingTaskSensor(task_id="wait", kling_task_id=TASK_ID, timeout=HOUR).execute({"ti": FakeTaskInstance()})
    trigger = caught.value.trigger
    assert trigger.end_time < time.time() + HOUR + 1
    assert trigger.first_poll_at < time.time() + 60


def test_a_sensor_that_pokes_ends_in_time_with_a_clock_that_is_ahead(scripted):
    scripted(lambda _request: kling(task(created_at=int((time.time() + HOUR) * 1000))))
    sensor = KlingTaskSensor(task_id="wait", kling_task_id=TASK_ID, timeout=2, deferrable=False, poke_interval=0.2)
    with pytest.raises(errors.KlingTimeoutError):
        sensor.execute({"ti": FakeTaskInstance()})


class Quick(KlingSlotTrigger):
    """Its wait is over at once; what is left is the pause before its event."""

    min_deferral = 0.3

    async def _wait(self):
        return self._event()


@pytest.mark.parametrize(
    "deferred_at",
    [HOUR, 1e300, 10**400, float("inf"), float("nan"), -HOUR, None, "x", "5", "", [], {}, True],
    ids=repr,
)
def test_an_event_is_delayed_by_its_pause_at_most_whatever_the_workers_clock(deferred_at):
    """A clock that is an hour ahead, and what other versions may have written."""
    given = time.time() + deferred_at if abs_of(deferred_at) == HOUR else deferred_at

    async def events():
        return [event async for event in Quick(deferred_at=given).run()]

    began = time.monotonic()
    (event,) = asyncio.run(asyncio.wait_for(events(), 20))
    assert event.payload["status"] == "slot"
    assert time.monotonic() - began < 15


def abs_of(value):
    return abs(value) if isinstance(value, float) else None


@pytest.mark.parametrize("deferrable", [False, True])
def test_a_result_of_now_is_delivered_whatever_year_the_host_is_in(scripted, deferrable):
    long_ago = {"created_at": 1_500_000_000_000, "updated_at": 1_500_000_100_000}
    result = {"videos": [{"id": "1", "url": "https://results.example/a.mp4", "duration": "5"}]}
    done = kling(task("succeed", task_result=result, **long_ago))
    server = scripted([kling(task(**long_ago)), done])
    ti = FakeTaskInstance()
    operator = KlingImageToVideoOperator(
        task_id="animate",
        image=str(PHOTOGRAPH),
        duration=5,
        prompt="x",
        wait_for_completion=True,
        deferrable=deferrable,
        poll_interval=0.01,
    )
    if deferrable:
        with pytest.raises(TaskDeferred):
            operator.execute({"ti": ti})
        manifest = operator.execute_complete({"ti": ti}, {"status": "success", "task_id": TASK_ID})
        # Somebody who finds the task later is told that its links are dead.
        del ti.xcoms["submission"]
        operator._submitted_at = None
        with pytest.raises(errors.KlingResultExpiredError):
            operator.execute_complete({"ti": ti}, {"status": "success", "task_id": TASK_ID})
    else:
        manifest = operator.execute({"ti": ti})
    assert manifest["videos"][0]["url"] == "https://results.example/a.mp4"
    assert len(server.posts()) == 1
