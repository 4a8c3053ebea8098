"""One poller for all waits of a connection: when it reads the connection again, and what it never blocks."""

from __future__ import annotations

import asyncio
import time

import pytest
from support import PHOTOGRAPH, connect

from airflow_provider_kling import polling
from airflow_provider_kling.api.task_ref import TaskRef
from airflow_provider_kling.exceptions import KlingConfigurationError, KlingTaskNotFoundError
from airflow_provider_kling.hooks import KlingHook
from airflow_provider_kling.models import Task, TaskStatus, Video
from airflow_provider_kling.simulator import KlingSimulator, Settings
from airflow_provider_kling.waiting import shared_poller as poller_module
from airflow_provider_kling.waiting.account_reader import AccountReader
from airflow_provider_kling.waiting.pace import SweepPace
from airflow_provider_kling.waiting.shared_poller import SharedPoller


def submit(name: str) -> TaskRef:
    fields = {"image": str(PHOTOGRAPH), "duration": 3}
    return TaskRef("image2video", KlingHook().create_task("image2video", fields, external_task_id=name).task_id)


async def wait(task: TaskRef, *, seconds: float = 60.0, interval: float = 0.2) -> tuple[polling.Event, Task | None]:
    now = time.time()
    poller = polling.PollDecision(task.task_id, end_time=now + seconds, poll_interval=interval, jitter=lambda: 0.5)
    return await SharedPoller.of("kling_default").wait(task, poller, first_read=now)


@pytest.fixture
def other_account():
    with KlingSimulator(Settings(seconds=1, video_size="small")) as running:
        yield running


@pytest.mark.kling_simulator(seconds=60)
def test_a_connection_that_was_edited_while_others_wait_is_read_again_before_not_found_counts(
    kling, other_account, monkeypatch
):
    old = submit("old")

    async def scenario():
        still_waiting = asyncio.create_task(wait(old))
        await asyncio.sleep(1.0)
        connect(monkeypatch, other_account)
        event, _ = await wait(await asyncio.to_thread(submit, "new"))
        still_waiting.cancel()
        return event

    assert asyncio.run(scenario()).status == "success"


def test_the_connection_is_dropped_with_the_last_wait(kling, other_account, monkeypatch):
    async def scenario():
        await wait(await asyncio.to_thread(submit, "old"))
        asked = len(kling.requests(method="GET"))
        connect(monkeypatch, other_account)
        event, _ = await wait(await asyncio.to_thread(submit, "new"))
        return event.status, len(kling.requests(method="GET")) - asked

    assert asyncio.run(scenario()) == ("success", 0), "the old account is not asked for the new account's task"


@pytest.mark.parametrize(("keep_seconds", "found"), [(0.0, True), (3600.0, False)])
def test_the_connection_is_read_again_after_a_while(kling, other_account, monkeypatch, keep_seconds, found):
    reader = AccountReader("kling_default", keep_seconds=keep_seconds)
    old = submit("old")
    assert isinstance(reader.read_single(old, 0.0), Task)
    connect(monkeypatch, other_account)
    new = submit("new")
    time.sleep(0.01)
    result = reader.read_single(new, 0.0)  # a sweep that began long ago: nothing forces a new reading
    assert isinstance(result, Task if found else KlingTaskNotFoundError)


def test_a_refusal_of_many_reads_the_connection_once(kling, monkeypatch):
    tasks = [submit(f"t{number}") for number in range(3)]
    connect(monkeypatch, kling, password="a-revoked-secret-key-of-32-characters-or-more")
    made = []
    monkeypatch.setattr(
        "airflow_provider_kling.waiting.hook_cache.KlingHook",
        lambda conn_id: made.append(conn_id) or KlingHook(conn_id),
    )
    reader = AccountReader("kling_default")
    results, singles = reader.read_together(tasks, time.monotonic())
    assert {type(result).__name__ for result in results.values()} == {"KlingAuthenticationError"}
    assert singles == []
    assert len(made) == 1, "it was read in this sweep"
    connect(monkeypatch, kling)
    results, _ = reader.read_together(tasks, time.monotonic())
    assert all(isinstance(result, Task) for result in results.values())
    assert len(made) == 2


def test_a_connection_that_the_triggerer_lacks_is_reported_as_missing_there():
    result = AccountReader("kling_nowhere").read_single(TaskRef("image2video", "7"), 0.0)
    assert isinstance(result, KlingConfigurationError)
    assert result.message.startswith("Make connection kling_nowhere known to the triggerer: it finds none.\n")


@pytest.mark.kling_simulator(seconds=0.5)
def test_one_sweep_that_breaks_ends_no_wait(kling, monkeypatch):
    tasks = [submit(f"t{number}") for number in range(2)]
    read, broken = AccountReader.read_together, []

    def once(self, waiting, began):
        if not broken:
            broken.append(1)
            raise OverflowError("date value out of range")
        return read(self, waiting, began)

    monkeypatch.setattr(AccountReader, "read_together", once)

    async def run_both():
        return await asyncio.gather(*(wait(task) for task in tasks))

    assert [event.status for event, _ in asyncio.run(run_both())] == ["success", "success"]
    assert broken


def test_a_task_that_a_sweep_misses_is_polled_again(kling, monkeypatch):
    task = submit("t")
    read, calls = AccountReader.read_together, []

    def read_without_first(self, waiting, began):
        calls.append(1)
        return ({}, []) if len(calls) == 1 else read(self, waiting, began)

    monkeypatch.setattr(AccountReader, "read_together", read_without_first)
    assert asyncio.run(wait(task))[0].status == "success"
    assert len(calls) > 1


@pytest.mark.kling_simulator(seconds=60)
def test_a_problem_is_logged_once_by_its_own_wait(kling, monkeypatch):
    told = []

    class Log:
        def log(self, level, message, *arguments):
            told.append((level, message % arguments))

    monkeypatch.setattr(poller_module, "log", Log())
    kling.fault(code=5001, operation="query", times=None)
    asyncio.run(wait(TaskRef("image2video", submit("t").task_id), seconds=3, interval=0.1))
    levels = [level for level, _ in told]
    assert len(levels) > 1
    assert levels.count(30) == 1, told
    kling.clear_faults()


class Listed:
    """An account whose tasks have all ended, read without a server."""

    def __init__(self, *, singly: bool = False) -> None:
        self.singly = singly

    def invalidate(self) -> None: ...

    def read_together(self, waiting, began):
        tasks = {} if self.singly else {task: self.read_single(task, began) for task in waiting}
        return tasks, list(waiting) if self.singly else []

    def read_single(self, waiting, began):
        return Task(waiting.task_id, TaskStatus.SUCCEED, "image2video", results=(Video("1", "https://x.example/v"),))


def crowd(count: int) -> list[TaskRef]:
    return [TaskRef("image2video", str(number)) for number in range(count)]


async def wait_at(poller: SharedPoller, task: TaskRef, first_read: float) -> str:
    decides = polling.PollDecision(task.task_id, end_time=first_read + 60, poll_interval=1.0, jitter=lambda: 0.5)
    event, _ = await poller.wait(task, decides, first_read=first_read)
    return event.status


def questions_while_they_come_and_go(count: int) -> int:
    """How often somebody asks whose look is next, while waits with far looks join one by one and leave one by one."""

    async def scenario():
        poller = SharedPoller("kling_default")
        asked, next_due = 0, poller._next_due

        def counted():
            nonlocal asked
            asked += 1
            return next_due()

        poller._next_due = counted
        waits = []
        for number, task in enumerate(crowd(count)):
            waits.append(asyncio.create_task(wait_at(poller, task, time.time() + 50 + number)))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        for waiting in waits[:-1]:
            waiting.cancel()
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        found = asked
        waits[-1].cancel()
        await asyncio.gather(*waits, return_exceptions=True)
        return found

    return asyncio.run(scenario())


def test_a_new_or_ended_wait_does_not_wake_the_sweeps_unless_its_poll_is_next():
    assert questions_while_they_come_and_go(40) == questions_while_they_come_and_go(80)


def test_a_wait_whose_poll_is_due_first_is_not_late():
    async def scenario():
        poller = SharedPoller("kling_default")
        poller._reader = Listed()
        later = asyncio.create_task(wait_at(poller, TaskRef("image2video", "1"), time.time() + 30))
        await asyncio.sleep(0.05)
        async with asyncio.timeout(5):
            status = await wait_at(poller, TaskRef("image2video", "2"), time.time() + 0.1)
        later.cancel()
        return status

    assert asyncio.run(scenario()) == "success"


@pytest.mark.parametrize("singly", [False, True])
def test_a_crowd_that_ends_together_leaves_turns_to_others_and_is_few_asyncio_tasks(singly):
    count = 20 * poller_module.RESULTS_PER_SLICE
    ends_in_a_turn, most_tasks = [0], 0

    async def wait_counted(poller, task):
        status = await wait_at(poller, task, time.time())
        ends_in_a_turn[-1] += 1
        return status

    async def scenario():
        nonlocal most_tasks
        poller = SharedPoller("kling_default")
        poller._reader = Listed(singly=singly)
        waits = [asyncio.create_task(wait_counted(poller, task)) for task in crowd(count)]
        turns = 0
        while sum(ends_in_a_turn) < count:
            # While nothing ends the turns are many, and looking through all tasks in each would take a minute.
            if turns % 100 == 0:
                most_tasks = max(most_tasks, len(asyncio.all_tasks()))
            if ends_in_a_turn[-1]:
                ends_in_a_turn.append(0)
            turns += 1
            await asyncio.sleep(0)
        return [await wait for wait in waits]

    assert set(asyncio.run(scenario())) == {"success"}
    assert max(ends_in_a_turn) <= 2 * poller_module.RESULTS_PER_SLICE
    assert most_tasks < count + 20, "one for each wait, and a few for all"


def test_a_wait_ends_at_its_deadline_although_its_poll_hangs(monkeypatch):
    monkeypatch.setattr(SharedPoller, "pace", SweepPace(last_read=0.1))

    class Hanging(Listed):
        def read_together(self, waiting, began):
            time.sleep(1.5)
            return super().read_together(waiting, began)

    async def scenario():
        poller = SharedPoller("kling_default")
        poller._reader = Hanging()
        now = time.time()
        decides = polling.PollDecision("1", end_time=now + 0.3, poll_interval=1.0, jitter=lambda: 0.5)
        async with asyncio.timeout(1.2):
            event, task = await poller.wait(TaskRef("image2video", "1"), decides, first_read=now)
        return event.status, task

    assert asyncio.run(scenario()) == ("timeout", None)
