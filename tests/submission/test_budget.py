"""A shared cap is never exceeded in any order of reads and writes, and what fits is not refused."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import STEPS

from airflow_provider_kling.submission.budget import Decision, Reservation, ReservationState, ReservedByOthers, decide

OWN = Reservation(("b", 1), ReservationState.ASKING, Decimal(2))


def reserved(
    task: str, state: ReservationState = ReservationState.SPENT, usd: str | None = "2", map_index: int = -1
) -> Reservation:
    return Reservation((task, map_index), state, None if usd is None else Decimal(usd))


def answer(cap: str, *others: Reservation, own: Reservation = OWN) -> Decision:
    return decide(Decimal(cap), own, ReservedByOthers.of(others, own))


def test_what_fits_is_paid():
    assert answer("2") == Decision.PAY
    assert answer("4", reserved("a")) == Decision.PAY


def test_what_is_above_is_refused():
    assert answer("1.99") == Decision.REFUSE
    assert answer("3.99", reserved("a")) == Decision.REFUSE


def test_ones_own_reservation_does_not_count_twice():
    assert answer("2", OWN) == Decision.PAY
    assert answer("2", OWN._replace(state=ReservationState.SPENT)) == Decision.PAY


@pytest.mark.parametrize("state", [ReservationState.FREE, ReservationState.YIELDING])
def test_who_paid_nothing_or_steps_back_does_not_count(state):
    assert answer("2", reserved("a", state)) == Decision.PAY
    assert answer("2", reserved("a", state, usd=None)) == Decision.PAY


@pytest.mark.parametrize("state", [ReservationState.SPENT, ReservationState.ASKING])
def test_an_unknown_price_leaves_no_room_that_anybody_could_know(state):
    assert answer("100", reserved("a", state, usd=None)) == Decision.REFUSE
    assert answer("100", own=reserved("b", ReservationState.ASKING, usd=None)) == Decision.REFUSE


def test_of_two_that_ask_for_the_last_room_the_first_waits_for_the_second_to_step_back():
    assert answer("2", reserved("a", ReservationState.ASKING)) == Decision.YIELD
    assert answer("2", reserved("c", ReservationState.ASKING)) == Decision.WAIT
    yielding = OWN._replace(state=ReservationState.YIELDING)
    assert answer("2", reserved("a", ReservationState.ASKING), own=yielding) == Decision.WAIT
    assert answer("2", own=yielding) == Decision.ASK
    assert answer("2", reserved("b", ReservationState.ASKING, map_index=10)) == Decision.WAIT, "10 comes after 1"


@pytest.mark.parametrize("kept", [None, 7, "x", {}, {**OWN.to_dict(), "state": "?"}, {**OWN.to_dict(), "usd": "much"}])
def test_what_is_no_reservation_is_none(kept):
    assert Reservation.from_dict(kept) is None


@pytest.mark.parametrize("usd", ["0.42", None])
def test_a_reservation_is_read_as_it_was_stored(usd):
    assert Reservation.from_dict(reserved("a", usd=usd).to_dict()) == reserved("a", usd=usd)


class Spender:
    """One task as its process runs it: each step is one write, or the read of one other reservation."""

    def __init__(
        self, owner: tuple[str, int], usd: Decimal, cap: Decimal, kept: dict[tuple[str, int], Reservation]
    ) -> None:
        self.reservation, self.cap, self.kept = Reservation(owner, ReservationState.ASKING, usd), cap, kept
        self.seen: list[Reservation] = []
        self.to_read: list[tuple[str, int]] = []
        self.written = False
        self.answer: Decision | None = None

    @property
    def ended(self) -> bool:
        return self.answer in (Decision.PAY, Decision.REFUSE) and self.written

    def step(self) -> None:
        if self.ended:
            return
        if not self.written:
            self.kept[self.reservation.owner] = self.reservation
            self.written, self.seen, self.to_read = True, [], list(self.kept)
        elif self.to_read:
            self.seen.append(self.kept[self.to_read.pop()])
            if not self.to_read:
                self._decide()

    def _decide(self) -> None:
        self.answer = decide(self.cap, self.reservation, ReservedByOthers.of(self.seen, self.reservation))
        states = {
            Decision.PAY: ReservationState.SPENT,
            Decision.REFUSE: ReservationState.FREE,
            Decision.YIELD: ReservationState.YIELDING,
        }
        state = (
            ReservationState.ASKING if self.answer is Decision.ASK else states.get(self.answer, self.reservation.state)
        )
        self.written = state is self.reservation.state
        self.reservation = self.reservation._replace(state=state)
        if self.written:
            self.seen, self.to_read = [], list(self.kept)


@pytest.mark.timeout(3600)
@settings(max_examples=300 * STEPS, deadline=None)
@given(
    prices=st.lists(st.integers(1, 5), min_size=1, max_size=6),
    cap=st.integers(1, 15),
    turns=st.lists(st.integers(0, 5), max_size=300),
)
def test_in_whatever_order_processes_read_and_write_the_cap_holds_and_is_used(prices, cap, turns):
    kept: dict[tuple[str, int], Reservation] = {}
    spenders = [Spender(("t", index), Decimal(usd), Decimal(cap), kept) for index, usd in enumerate(prices)]

    def paid() -> Decimal:
        return sum((each.reservation.usd for each in spenders if each.answer is Decision.PAY), Decimal(0))

    for turn in turns:
        spenders[turn % len(spenders)].step()
        assert paid() <= cap
    for _ in range(5000):
        for each in spenders:
            each.step()
            assert paid() <= cap
        if all(each.ended for each in spenders):
            break
    assert all(each.ended for each in spenders), "everybody gets an answer"
    refused = [each.reservation.usd for each in spenders if each.answer is Decision.REFUSE]
    assert all(paid() + usd > cap for usd in refused), "what was refused did not fit"
