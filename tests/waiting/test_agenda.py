"""Whose look is due: in order, and without asking everybody each time."""

from __future__ import annotations

import pytest

from airflow_provider_kling.waiting.agenda import SPARE_ENTRIES, Agenda


def test_nobody_is_taken_before_somebodys_look_is_due_and_then_those_nearby_too():
    agenda: Agenda[str] = Agenda()
    agenda.put("first", look=10.0, join=5.0)
    agenda.put("nearby", look=12.0, join=9.0)
    agenda.put("later", look=30.0, join=25.0)
    assert agenda.next_look() == 10.0
    assert agenda.take(9.5) == []
    assert sorted(agenda.take(10.0)) == ["first", "nearby"]
    assert agenda.next_look() == 30.0
    assert len(agenda) == 1


def test_what_is_put_again_counts_once_and_what_left_is_not_taken():
    agenda: Agenda[str] = Agenda()
    agenda.put("moved", look=1.0, join=1.0)
    agenda.put("moved", look=20.0, join=15.0)
    agenda.put("gone", look=2.0, join=2.0)
    agenda.discard("gone")
    agenda.discard("never there")
    assert agenda.next_look() == 20.0
    assert agenda.take(19.0) == []
    assert agenda.take(20.0) == ["moved"]
    assert agenda.take(99.0) == []
    assert agenda.next_look() is None


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
    agenda: Agenda[int] = Agenda()
    for sweep in range(3):
        for number in range(count):
            agenda.put(number, look=Time(100 * sweep + 50), join=Time(100 * sweep + 40))
            agenda.next_look()
        assert len(agenda.take(100.0 * sweep + 50)) == count
    for number in range(count):
        agenda.put(number, look=Time(1000 + number), join=Time(1000 + number))
    for number in range(count):
        agenda.discard(number)
        agenda.next_look()
    return Time.compared


def test_it_compares_in_proportion_to_how_many_there_are():
    assert comparisons(2000) < 2.5 * comparisons(1000)


@pytest.mark.parametrize("leaves", [True, False])
def test_it_does_not_remember_those_that_left_or_moved_for_ever(leaves):
    agenda: Agenda[int] = Agenda()
    for number in range(10 * SPARE_ENTRIES):
        agenda.put(number if leaves else 0, look=1e9 - number, join=1e9 - number)
        if leaves:
            agenda.discard(number)
    assert len(agenda._by_look) + len(agenda._by_join) <= 2 * (SPARE_ENTRIES + 3)
