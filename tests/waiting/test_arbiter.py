"""Which waiter gets a slot: pure, with the clock and Kling's list as arguments."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import STEPS

from airflow_provider_kling.models import Task, TaskStatus
from airflow_provider_kling.waiting.arbiter import Arbiter, SlotRequest
from airflow_provider_kling.waiting.pace import SlotPace

START = 1_000_000.0
PACE = SlotPace()
GRACE = Arbiter(lambda: 0.5).grace


def running(*names: str, since: float = START) -> list[Task]:
    return [Task(f"7{name}", TaskStatus.PROCESSING, "image2video", "", name, int(since * 1000)) for name in names]


def ended(*names: str, at: float) -> list[Task]:
    created, updated = int(START * 1000), int(at * 1000)
    return [Task(f"7{name}", TaskStatus.SUCCEED, "image2video", "", name, created, updated) for name in names]


def full(*names: str, at: float = START + 1) -> Arbiter:
    """One that has seen Kling full with these tasks."""
    arbiter = Arbiter(lambda: 0.5)
    arbiter.refused("somebody", at, at)
    arbiter.on_list_read(running(*names), set(names), at)
    return arbiter


def wait(arbiter: Arbiter, *names: str, now: float = START + 1, **kwargs) -> None:
    for number, name in enumerate(names):
        arbiter.enqueue(SlotRequest(name, START + number, **kwargs), now)


def admitted(arbiter: Arbiter, now: float) -> list[str]:
    return [request.name for request in arbiter.admit(now)]


def test_the_number_of_running_tasks_at_1303_is_the_limit():
    arbiter = Arbiter(lambda: 0.5)
    arbiter.refused("x", START + 10, START + 11)
    tasks = [
        *running("a", "b"),
        *ended("c", at=START + 10.5),
        *ended("d", at=START + 9),
        *running("e", since=START + 12),
    ]
    arbiter.on_list_read(tasks, (), START + 12)
    assert arbiter.ceiling == 3, "a, b and c; d had ended, and e took the place of c"


def test_after_a_restart_a_refusal_of_long_ago_limits_nobody():
    """Of the 20 tasks that ran then the list shows none, and 15 run now: five slots are free."""
    hour = START + 3600
    arbiter = Arbiter(lambda: 0.5)
    names = [f"w{number}" for number in range(20)]
    for name in names:
        arbiter.refused(name, START, hour)
    wait(arbiter, *names, now=hour)
    at_kling = [f"r{number}" for number in range(15)]
    sent = []
    for second in range(30):
        arbiter.on_list_read(running(*at_kling, *sent, since=hour - 60), (), hour + second)
        for name in admitted(arbiter, hour + second):
            if len(at_kling) + len(sent) == 20:
                arbiter.refused(name, hour + second, hour + second)
            else:
                sent.append(name)
                arbiter.accepted(name, *running(name, since=hour + second), hour + second)
    assert (len(sent), arbiter.ceiling) == (5, 20)


def test_a_free_slot_is_granted_to_the_longest_waiter_only():
    arbiter = full("a", "b", "c")
    wait(arbiter, "x", "y", "z")
    assert admitted(arbiter, START + 2) == []
    arbiter.on_list_read([*running("a", "b"), *ended("c", at=START + 2)], (), START + 3)
    assert admitted(arbiter, START + 3) == ["x"]
    assert admitted(arbiter, START + 4) == []
    arbiter.on_list_read([*running("a", "b"), *ended("c", at=START + 2)], (), START + 5)
    assert admitted(arbiter, START + 5) == [], "x is on its way"
    arbiter.on_list_read(running("a", "b", "x"), (), START + 6)
    assert admitted(arbiter, START + 6) == []
    arbiter.on_list_read(running("x"), (), START + 7)
    assert admitted(arbiter, START + 7) == ["y", "z"]


def test_a_slot_that_a_task_of_another_triggerer_left_is_his_for_a_while():
    arbiter = full("a", "b")
    wait(arbiter, "x", "y")
    arbiter.on_list_read(running("a", "b", "elsewhere"), (), START + 2)
    arbiter.on_list_read(running("a", "b"), (), START + 3)
    assert admitted(arbiter, START + 3) == []
    for second in (6, 9):
        arbiter.on_list_read(running("a", "b"), (), START + second)
        assert admitted(arbiter, START + second) == []
    arbiter.on_list_read(running("a", "b"), (), START + 3 + GRACE)
    assert admitted(arbiter, START + 3 + GRACE) == ["x"]


def test_when_nobody_took_it_nobody_else_waits_and_the_next_one_is_taken_at_once():
    test = full("a", "b")
    wait(test, "x", "y", "z")
    test.on_list_read(running("a", "b", "other"), (), START + 2)
    for now in (START + 3, START + 3 + GRACE):
        test.on_list_read(running("a", "b"), (), now)
    assert admitted(test, now) == ["x"]
    test.on_list_read(running("a", "b", "x"), (), now + 5)
    test.on_list_read(running("a", "b"), (), now + 6)
    assert admitted(test, now + 6) == ["y"], "at once"
    test.on_list_read(running("a", "b", "y"), (), now + 7)
    test.on_list_read(running("a", "b"), (), now + 8)
    test.on_list_read(running("a", "b", "faster"), (), now + 9)
    test.on_list_read(running("a", "b"), (), now + 10)
    assert admitted(test, now + 10) == [], "somebody was faster: he has the first choice again"


def test_few_waiters_take_any_of_many_free_slots():
    arbiter = full("a", "b", "c", "d")
    arbiter.on_list_read(running("a", "b", "c", "d", "o1", "o2", "o3"), (), START + 2)
    wait(arbiter, "x")
    arbiter.on_list_read(running("a", "b", "c", "d", "o1"), (), START + 3)
    assert admitted(arbiter, START + 3) == ["x"]


def test_a_rejected_waiter_keeps_its_place_and_backs_off():
    arbiter = full("a", "b")
    wait(arbiter, "x", "y")
    arbiter.on_list_read(running("b"), (), START + 2)
    assert admitted(arbiter, START + 2) == ["x"]
    arbiter.refused("x", START + 3, START + 4)
    arbiter.on_list_read([*running("b"), *running("stranger", since=START + 2)], (), START + 4)
    arbiter.enqueue(SlotRequest("x", START), START + 4)
    arbiter.on_list_read(running("b"), (), START + 5)
    assert admitted(arbiter, START + 5) == [], "a pause, and the slot is the stranger's"
    arbiter.on_list_read(running("b"), (), START + 5 + GRACE)
    assert admitted(arbiter, START + 5 + GRACE) == ["x"]


def test_a_granted_slot_that_is_not_used_is_free_again():
    arbiter = full("a", "b")
    wait(arbiter, "x", "y")
    arbiter.on_list_read(running("b"), (), START + 2)
    assert admitted(arbiter, START + 2) == ["x"]
    late = START + 2 + PACE.pending_grant
    assert admitted(arbiter, late) == []
    for now in (late, late + GRACE):
        arbiter.on_list_read(running("b"), (), now)
    assert admitted(arbiter, now) == ["y"]


def test_the_end_of_a_task_of_ours_counts_before_the_list_shows_it_and_once():
    arbiter = full("a", "b")
    wait(arbiter, "x", "y")
    (task,) = ended("a", at=START + 2)
    arbiter.ended(task, START + 2, had_slot=True)
    arbiter.ended(task, START + 2, had_slot=True)
    assert admitted(arbiter, START + 2) == ["x"]
    arbiter.on_list_read([task, *running("b")], (), START + 3)
    assert admitted(arbiter, START + 3) == []


def test_a_waiter_that_cannot_submit_yet_does_not_block_the_next_one():
    arbiter = full("a", "b")
    arbiter.enqueue(SlotRequest("x", START, ready_at=START + 9), START + 1)
    arbiter.enqueue(SlotRequest("y", START + 1), START + 1)
    arbiter.on_list_read(running("b"), (), START + 2)
    assert admitted(arbiter, START + 2) == ["y"]


def test_without_a_list_one_tries_now_and_then_and_continues_while_it_succeeds():
    arbiter = Arbiter(lambda: 0.5)
    arbiter.refused("x", START, START, running=2)
    wait(arbiter, "x", "y", "z", now=START)
    arbiter.on_list_failed()
    assert admitted(arbiter, START + 1) == []
    assert admitted(arbiter, START + PACE.probe_first + 1) == ["x"]
    assert admitted(arbiter, START + PACE.probe_first + 1) == []
    arbiter.accepted("x", *running("x"), START + 7)
    assert admitted(arbiter, START + 7) == ["y"], "there was a slot that nobody saw"
    arbiter.refused("y", START + 8, START + 8)
    assert admitted(arbiter, START + 8 + PACE.probe_first) == [], "longer each time"
    assert admitted(arbiter, START + 8 + 3 * PACE.probe_first) == ["z"]


def test_an_empty_list_after_1303_is_ignored():
    arbiter = Arbiter(lambda: 0.5)
    wait(arbiter, "x", "y", now=START)
    arbiter.refused("x", START, START)
    arbiter.on_list_read([], (), START + 1)
    assert admitted(arbiter, START + 1) == []
    assert admitted(arbiter, START + 2 * PACE.probe_first) == ["x"]


def test_an_old_list_is_ignored():
    arbiter = full("a", "b")
    arbiter.on_list_read(running("b"), (), START + 2)
    wait(arbiter, "x", now=START + 100)
    assert admitted(arbiter, START + 100) == []
    arbiter.on_list_read(running("b"), (), START + 101)
    assert admitted(arbiter, START + 101) == ["x"]


def test_a_larger_pack_is_detected_from_time_to_time():
    arbiter = full("a", "b")
    wait(arbiter, "x", "y")
    later = START + 2 + PACE.probe_despite_list
    arbiter.on_list_read(running("a", "b"), (), later)
    assert admitted(arbiter, later) == ["x"]
    arbiter.on_list_read(running("a", "b", "x"), (), later + 5)
    assert arbiter.ceiling == 3


def test_an_accepted_task_counts_although_the_list_does_not_show_it_yet():
    arbiter = full("a", "b", "c")
    arbiter.on_list_read(running("a", "b"), (), START + 2)
    wait(arbiter, "x", "y")
    assert admitted(arbiter, START + 2) == ["x"]
    arbiter.accepted("x", *running("x"), START + 3)
    arbiter.on_list_read(running("a", "b"), (), START + 4)
    assert admitted(arbiter, START + 4) == []


class Account:
    """Slots at Kling, tasks that take them, and one triggerer's arbiter."""

    def __init__(self, slots: int, ours: int) -> None:
        self.slots = slots
        self.alive = {f"t{number}": number < ours for number in range(slots)}
        self.arbiter = Arbiter(lambda: 0.5)
        self.arbiter.refused("first", START, START)
        self.list(START)

    def list(self, now: float) -> None:
        watched = [name for name, ours in self.alive.items() if ours]
        self.arbiter.on_list_read(running(*self.alive), watched, now)


@settings(max_examples=100 * STEPS, deadline=None)
@given(
    slots=st.integers(1, 8),
    ours=st.integers(0, 8),
    waits=st.lists(st.integers(0, 20), max_size=20),
    steps=st.lists(st.tuples(st.sampled_from("elsogr"), st.integers(0, 7)), max_size=60),
)
def test_never_more_submit_than_slots_are_free_and_the_longest_wait_is_first(slots, ours, waits, steps):
    account, now = Account(slots, ours), START
    arbiter = account.arbiter
    waiting = [SlotRequest(f"w{number}", START - wait) for number, wait in enumerate(waits)]
    for request in waiting:
        arbiter.enqueue(request, START)
    going: list[str] = []
    for step, number in steps:
        now += 0.5
        if step == "e" and account.alive:
            account.alive.pop(sorted(account.alive)[number % len(account.alive)])
        elif step == "s" and going:
            name = going.pop(number % len(going))
            account.alive[name] = True
        elif step == "o" and len(account.alive) < slots - len(going):
            account.alive[f"other{now}"] = False
        account.list(now)
        chosen = arbiter.admit(now)
        if chosen:
            assert [request.sort_key for request in chosen] == sorted(request.sort_key for request in chosen)
            waiting = [request for request in waiting if request not in chosen]
            assert all(request.sort_key >= chosen[-1].sort_key for request in waiting)
            going += [request.name for request in chosen]
        assert len(account.alive) + len(going) <= slots or now - START >= PACE.pending_grant


@pytest.mark.parametrize("count", [100_000])
def test_what_it_costs_grows_with_what_it_decides(count):
    """Quadratic, it would take hours."""
    arbiter = full(*(f"t{number}" for number in range(1000)))
    started = time.process_time()
    for number in range(count):
        arbiter.enqueue(SlotRequest(f"w{number}", START + number), START)
    for turn in range(100):
        arbiter.on_list_read(running(*(f"t{number}" for number in range(900))), (), START + turn / 100)
        arbiter.admit(START + turn / 100)
    assert time.process_time() - started < 60


def test_an_outdated_list_neither_frees_nor_occupies_a_slot():
    arbiter = full("a", "b")
    wait(arbiter, "x", "y")
    (task,) = ended("a", at=START + 2)
    arbiter.ended(task, START + 2, had_slot=True)
    assert admitted(arbiter, START + 2) == ["x"]
    arbiter.accepted("x", *running("x"), START + 2)
    arbiter.on_list_read(running("a", "b"), (), START + 3)
    assert arbiter.ceiling == 2
    assert admitted(arbiter, START + 3) == []
    arbiter.on_list_read(running("x"), (), START + 4)
    assert arbiter.ceiling == 2
    assert admitted(arbiter, START + 4 + GRACE) == ["y"]


def test_slots_that_others_do_not_use_are_taken():
    arbiter = full(*"abcdefgh")
    wait(arbiter, *(f"w{number}" for number in range(30)))
    others, now = [f"o{number}" for number in range(8)], START + 10
    arbiter.on_list_read(running(*others), (), now)
    arbiter.on_list_read([], (), now + 1)
    assert admitted(arbiter, now + 1) == []
    arbiter.on_list_read(running("fast"), (), now + 2)
    assert admitted(arbiter, now + 2) == []
    arbiter.on_list_read(running("fast"), (), now + 1 + GRACE)
    gone = admitted(arbiter, now + 1 + GRACE)
    assert len(gone) == 7, "they took one of eight"
    arbiter.on_list_read(running("fast", *gone), (), now + 12)
    arbiter.on_list_read(running("fast2"), (), now + 13)
    assert len(admitted(arbiter, now + 13)) == 7, "at once"


def test_a_batch_that_is_never_refused_leaves_nothing_behind():
    arbiter = Arbiter(lambda: 0.5)
    for number in range(2000):
        now = START + number
        (task,) = running(str(number), since=now)
        arbiter.accepted(None, task, now)
        arbiter.ended(task, now, had_slot=False)
    kept = {name: len(value) for name, value in vars(arbiter).items() if isinstance(value, (list, dict, set))}
    assert max(kept.values()) <= PACE.list_lag, kept


def test_one_that_is_accepted_again_keeps_no_other_from_being_forgotten():
    arbiter = full("a", "b")
    first, other = running("c", "d")
    for task, now in ((first, START + 2), (other, START + 3), (first, START + 20)):
        arbiter.accepted(None, task, now)
    arbiter.on_list_read(running("a", "b"), (), START + 3 + PACE.list_lag)
    assert set(arbiter._running) == {"a", "b", "c"}, "the list has not shown d in time"
