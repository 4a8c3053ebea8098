"""The hook reads, waits and lists."""

from __future__ import annotations

from datetime import timedelta

import pytest
from support import advice_first, connect
from support_hooks import FIELDS, submit

from airflow_provider_kling import exceptions as errors
from airflow_provider_kling.api.task_ref import TaskRef
from airflow_provider_kling.hooks import KlingHook
from airflow_provider_kling.models import TaskStatus


def test_a_task_is_created_read_and_waited_for(kling, hook):
    task = submit(hook)
    assert task.status is TaskStatus.SUBMITTED
    assert task.external_task_id == "one"
    finished = hook.wait(task.task_id, poll_interval=0.05)
    assert finished.status is TaskStatus.SUCCEED
    assert finished.videos[0].duration
    assert finished.units == "1.8"  # 3 s of kling-v3 std at 0.6 units


@pytest.mark.parametrize(
    "asked",
    [
        lambda hook: hook.list_tasks(page="two"),
        lambda hook: hook.list_tasks(page=0),
        lambda hook: hook.list_tasks(page=1001),
        lambda hook: hook.list_tasks(page_size=501),
        lambda hook: hook.list_tasks(page_size=[]),
        lambda hook: hook.wait("1", timeout="soon"),
        lambda hook: hook.wait("1", poll_interval=float("nan")),
        lambda hook: hook.create_task("text2video", ["prompt"]),
        lambda hook: hook.create_task("text2video", {"prompt": "x"}, on_doubt="sent"),
        lambda hook: hook.estimate("text2video", None),
    ],
)
def test_what_the_hook_cannot_use_is_a_clear_error_before_anything_is_asked(kling, hook, asked):
    with pytest.raises(errors.KlingValidationError) as caught:
        asked(hook)
    assert not kling.requests()
    for problem in caught.value.problems:
        advice_first(problem)


def test_a_wait_takes_text_and_a_timedelta(kling, hook):
    task = hook.create_task("text2video", {"prompt": "A paper boat", "duration": 3})
    assert hook.wait(task.task_id, "text2video", poll_interval="0.05", timeout=timedelta(minutes=1)).videos
    assert hook.list_tasks("text2video", page="1", page_size="5")


def test_reads_are_repeated(kling, hook):
    task = submit(hook)
    kling.fault(code=5001, operation="query", times=2)
    assert hook.get_task(task.task_id).task_id == task.task_id


def test_an_unknown_id_is_none_and_not_an_error(kling, hook):
    assert hook.find_task("nobody") is None
    with pytest.raises(errors.KlingTaskNotFoundError):
        hook.get_task("nobody")


def test_a_wait_that_times_out_reports_that_the_task_runs_on(kling_simulator, monkeypatch):
    connect(monkeypatch, kling_simulator)
    kling_simulator.fault("delay", seconds=0)
    hook = KlingHook()
    task = hook.create_task("image2video", FIELDS)
    with pytest.raises(errors.KlingTimeoutError, match="still running and will be billed"):
        hook.wait(task.task_id, poll_interval=0.01, end_time=0)


def test_the_wait_survives_errors(kling, hook):
    task = submit(hook)
    kling.fault(code=5000, operation="query", nth=2, times=5)
    assert hook.wait(task.task_id, poll_interval=0.02).videos


def test_tasks_are_listed_page_by_page(kling, hook):
    ids = {submit(hook, f"t{number}").task_id for number in range(3)}
    assert {task.task_id for task in hook.list_tasks()} == ids
    assert len(hook.list_tasks(page=2, page_size=2)) == 1


@pytest.mark.parametrize("api_key", [True, False])
def test_many_tasks_are_read_with_few_requests(kling_simulator, monkeypatch, api_key):
    connect(monkeypatch, kling_simulator, api_key=api_key)
    hook = KlingHook()
    tasks = [submit(hook, f"t{number}") for number in range(4)]
    before = len(kling_simulator.requests())
    waiting = [TaskRef("image2video", task.task_id) for task in tasks] + [TaskRef("image2video", "nobody")]
    found = hook.get_tasks(waiting)
    assert {found[kling_task].task_id for kling_task in waiting[:4]} == {task.task_id for task in tasks}
    assert isinstance(found[waiting[4]], errors.KlingTaskNotFoundError)
    # With an API key the fifth might be a task of the second generation.
    assert len(kling_simulator.requests()) - before == 2 + api_key, "one for those that exist, the rest for the fifth"


@pytest.mark.parametrize("status", [404, 200])
@pytest.mark.parametrize("api_key", [True, False])
def test_a_server_without_a_route_is_asked_once_and_then_singly(kling_simulator, monkeypatch, api_key, status):
    connect(monkeypatch, kling_simulator, api_key=api_key)
    hook = KlingHook()
    waiting = [TaskRef("image2video", submit(hook, f"t{number}").task_id) for number in range(3)]
    path = "/tasks" if api_key else "/v1/videos/image2video"
    kling_simulator.fault("html", method="GET", path=path, http_status=status, times=None)
    asked = []
    for _ in range(2):
        assert all(found.task_id == single.task_id for single, found in hook.get_tasks(waiting).items())
        asked.append(len([request for request in kling_simulator.requests(method="GET") if request["path"] == path]))
    # A page with HTTP 200 may be one of a bad moment, so one look tries it a few times.
    assert asked == ([1, 1] if status == 404 else [4, 4])


def test_account_costs_are_read(kling, hook):
    (pack,) = hook.account_costs()
    assert pack.status == "online"
    assert pack.remaining_quantity == 10_000


@pytest.mark.parametrize("value", [None, "", " ", 1.5, "None", "{", "half \ud83d", "x" * 999])
def test_what_names_no_task_is_a_clear_error(kling, hook, value):
    with pytest.raises(errors.KlingValidationError, match="Give kling_task_id a task's id"):
        hook.get_task(value)
    assert kling.requests() == []


def test_a_number_is_an_id(kling, hook):
    task = submit(hook)
    assert hook.get_task(int(task.task_id)).task_id == task.task_id
