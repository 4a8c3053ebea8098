"""Which polls are due: in order, and without iterating over all waits."""

from __future__ import annotations

import pytest

from airflow_provider_kling.waiting.poll_schedule import SPARE_ENTRIES, PollSchedule


def test_nothing_is_taken_before_a_poll_is_due_and_then_those_nearby_too():
    schedule: PollSchedule[str] = PollSchedule()
    schedule.put("first", due=10.0, join=5.0)
    schedule.put("nearby", due=12.0, join=9.0)
    schedule.put("later", due=30.0, join=25.0)
    assert schedule.next_due() == 10.0
    assert schedule.pop_due(9.5) == []
    assert sorted(schedule.pop_due(10.0)) == ["first", "nearby"]
    assert schedule.next_due() == 30.0
    assert len(schedule) == 1


def test_what_is_put_again_counts_once_and_what_left_is_not_taken():
    schedule: PollSchedule[str] = PollSchedule()
    schedule.put("moved", due=1.0, join=1.0)
    schedule.put("moved", due=20.0, join=15.0)
    schedule.put("gone", due=2.0, join=2.0)
    schedule.discard("gone")
    schedule.discard("never there")
    assert schedule.next_due() == 20.0
    assert schedule.pop_due(19.0) == []
    assert schedule.pop_due(20.0) == ["moved"]
    assert schedule.pop_due(99.0) == []
    assert schedule.next_due() is None


class Time(float):
    """A time that counts how often one is compared."""

    compared = 0

    def __lt__(self, other):
        Time.compared += 1
        return float.__lt__(self, other)

    def __eq__(self, other):
        Time.compared += 1
        return float.__eq__(self, other)

    __hash__ = float.__hash__


def comparisons(count: int) -> int:
    """Of as many that come one by one, look three times, and leave one by one, a question after each."""
    Time.compared = 0
    schedule: PollSchedule[int] = PollSchedule()
    for sweep in range(3):
        for number in range(count):
            schedule.put(number, due=Time(100 * sweep + 50), join=Time(100 * sweep + 40))
            schedule.next_due()
        assert len(schedule.pop_due(100.0 * sweep + 50)) == count
    for number in range(count):
        schedule.put(number, due=Time(1000 + number), join=Time(1000 + number))
    for number in range(count):
        schedule.discard(number)
        schedule.next_due()
    return Time.compared


def test_it_compares_in_proportion_to_how_many_there_are():
    assert comparisons(2000) < 2.5 * comparisons(1000)


@pytest.mark.parametrize("leaves", [True, False])
def test_it_does_not_remember_those_that_left_or_moved_forever(leaves):
    schedule: PollSchedule[int] = PollSchedule()
    for number in range(10 * SPARE_ENTRIES):
        schedule.put(number if leaves else 0, due=1e9 - number, join=1e9 - number)
        if leaves:
            schedule.discard(number)
    assert len(schedule._by_due) + len(schedule._by_join) <= 2 * (SPARE_ENTRIES + 3)
