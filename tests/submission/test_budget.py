"""A cap that many tasks share: never exceeded, whoever reads and writes when; and what fits is not refused."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import STEPS

from airflow_provider_kling.submission.budget import Answer, Ledger, Note, State, decide

OWN = Note(("b", 1), State.ASKING, Decimal(2))


def note(task: str, state: State = State.SPENT, usd: str | None = "2", map_index: int = -1) -> Note:
    return Note((task, map_index), state, None if usd is None else Decimal(usd))


def answer(cap: str, *others: Note, own: Note = OWN) -> Answer:
    return decide(Decimal(cap), own, Ledger.of(others, own))


def test_what_fits_is_paid():
    assert answer("2") == Answer.PAY
    assert answer("4", note("a")) == Answer.PAY


def test_what_is_above_is_refused():
    assert answer("1.99") == Answer.REFUSE
    assert answer("3.99", note("a")) == Answer.REFUSE


def test_ones_own_note_does_not_count_twice():
    assert answer("2", OWN) == Answer.PAY
    assert answer("2", OWN._replace(state=State.SPENT)) == Answer.PAY


@pytest.mark.parametrize("state", [State.FREE, State.YIELDING])
def test_who_paid_nothing_or_steps_back_does_not_count(state):
    assert answer("2", note("a", state)) == Answer.PAY
    assert answer("2", note("a", state, usd=None)) == Answer.PAY


@pytest.mark.parametrize("state", [State.SPENT, State.ASKING])
def test_an_unknown_price_leaves_no_room_that_anybody_could_know(state):
    assert answer("100", note("a", state, usd=None)) == Answer.REFUSE
    assert answer("100", own=note("b", State.ASKING, usd=None)) == Answer.REFUSE


def test_of_two_that_ask_for_the_last_room_the_first_waits_for_the_second_to_step_back():
    assert answer("2", note("a", State.ASKING)) == Answer.YIELD
    assert answer("2", note("c", State.ASKING)) == Answer.WAIT
    yielding = OWN._replace(state=State.YIELDING)
    assert answer("2", note("a", State.ASKING), own=yielding) == Answer.WAIT
    assert answer("2", own=yielding) == Answer.ASK
    assert answer("2", note("b", State.ASKING, map_index=10)) == Answer.WAIT, "10 comes after 1"


@pytest.mark.parametrize("kept", [None, 7, "x", {}, {**OWN.record(), "state": "?"}, {**OWN.record(), "usd": "much"}])
def test_what_is_no_note_is_none(kept):
    assert Note.read(kept) is None


@pytest.mark.parametrize("usd", ["0.42", None])
def test_a_note_is_read_as_it_was_kept(usd):
    assert Note.read(note("a", usd=usd).record()) == note("a", usd=usd)


class Spender:
    """One task as its process runs it: each step is one write, or the read of one other note."""

    def __init__(self, owner: tuple[str, int], usd: Decimal, cap: Decimal, kept: dict[tuple[str, int], Note]) -> None:
        self.note, self.cap, self.kept = Note(owner, State.ASKING, usd), cap, kept
        self.seen: list[Note] = []
        self.to_read: list[tuple[str, int]] = []
        self.written = False
        self.answer: Answer | None = None

    @property
    def ended(self) -> bool:
        return self.answer in (Answer.PAY, Answer.REFUSE) and self.written

    def step(self) -> None:
        if self.ended:
            return
        if not self.written:
            self.kept[self.note.owner] = self.note
            self.written, self.seen, self.to_read = True, [], list(self.kept)
        elif self.to_read:
            self.seen.append(self.kept[self.to_read.pop()])
            if not self.to_read:
                self._decide()

    def _decide(self) -> None:
        self.answer = decide(self.cap, self.note, Ledger.of(self.seen, self.note))
        states = {Answer.PAY: State.SPENT, Answer.REFUSE: State.FREE, Answer.YIELD: State.YIELDING}
        state = State.ASKING if self.answer is Answer.ASK else states.get(self.answer, self.note.state)
        self.written = state is self.note.state
        self.note = self.note._replace(state=state)
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
    kept: dict[tuple[str, int], Note] = {}
    spenders = [Spender(("t", index), Decimal(usd), Decimal(cap), kept) for index, usd in enumerate(prices)]

    def paid() -> Decimal:
        return sum((each.note.usd for each in spenders if each.answer is Answer.PAY), Decimal(0))

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
    refused = [each.note.usd for each in spenders if each.answer is Answer.REFUSE]
    assert all(paid() + usd > cap for usd in refused), "what was refused did not fit"
