"""Reservations of tasks that start together, and those that cannot be read."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from support import connect
from support_spending import PRICE, Run, at_the_same_moment, posts

from airflow_provider_kling import exceptions as errors
from airflow_provider_kling.operators import cap, reservations
from airflow_provider_kling.simulator import KlingSimulator, Settings
from airflow_provider_kling.submission.budget import Reservation, ReservationState


def test_one_that_died_while_it_reserved_lets_the_others_retry_not_pay(kling, monkeypatch):
    monkeypatch.setattr(cap.Cap, "pace", cap.ReservationPace(patience=0.0, pause=0.01))
    run = Run("a", "b", max_run_usd=PRICE)
    run.start("a")
    run.xcoms["a", -1][reservations.KEY]["state"] = ReservationState.ASKING.value
    with pytest.raises(errors.KlingStorageError, match="nothing was sent") as caught:
        run.start("b")
    assert caught.value.transient
    assert (posts(kling), run.state("b")) == (1, "free")


def test_of_twenty_at_the_same_moment_exactly_those_that_fit_are_sent(monkeypatch):
    monkeypatch.setattr(cap.Cap, "pace", cap.ReservationPace(pause=0.01))
    with KlingSimulator(Settings(concurrency=50)) as kling:
        connect(monkeypatch, kling)
        assert at_the_same_moment(20, room=7) == ["KlingBudgetError"] * 13 + ["sent"] * 7
        assert posts(kling) == 7


def test_a_reservation_is_small_and_has_what_was_planned(kling):
    run = Run("a", max_run_usd=1)
    run.start("a")
    assert run.xcoms["a", -1][reservations.KEY] == {
        "task": "a",
        "map_index": -1,
        "state": "spent",
        "usd": "0.420",
        "units": "3.0",
        "endpoint": "text2video",
        "model_name": "kling-v3",
        "name": run.xcoms["a", -1]["submission"]["external_task_id"],
    }


def test_of_two_reservations_of_one_task_the_higher_state_counts(tmp_path):
    folder = tmp_path / "2026-11-28"
    folder.mkdir()
    for name in ("af-1~spent~0.42", "af-1~asking~0.42", "af-2~asking~1", "af-2~free~1", "af-3~spent~much", "a file"):
        (folder / name).write_bytes(b"1")
    found = reservations.DayReservations(f"file://{tmp_path}", date(2026, 11, 28)).read()
    assert {(each.owner[0], each.state.value, each.usd) for each in found} == {
        ("af-1", "spent", Decimal("0.42")),
        ("af-2", "asking", Decimal(1)),
        # Whatever it says: somebody pays.
        ("af-3", "spent", None),
    }


@pytest.mark.parametrize(
    "kept", [{"task": "b"}, {"task": "b", "map_index": -1, "state": "spent", "usd": "NaN"}, "text", {}, [3],
             {"task": "b", "map_index": -1, "state": "spent", "usd": "-5"},
             {"task": "b", "map_index": -1, "state": "promised", "usd": "1"}]
)  # fmt: skip
def test_a_reservation_that_cannot_be_read_is_not_free(kling, kept):
    run = Run("a", "b", max_run_usd=100)
    run.xcoms["b", -1] = {reservations.KEY: kept}
    with pytest.raises(errors.KlingBudgetError, match=r"what other Kling tasks cost is unknown \(1 of them\)"):
        run.start("a")
    assert posts(kling) == 0


def test_a_day_is_listed_in_pieces_and_no_reservation_is_missed_while_it_moves(tmp_path):
    day = reservations.DayReservations(f"file://{tmp_path}", date(2026, 11, 28))
    mine = Reservation(("af-1", -1), ReservationState.ASKING, Decimal(1))
    day.write(mine)
    first = day._file_names()
    day.write(mine._replace(state=ReservationState.SPENT))
    # The first half of a listing that begins before the second write, and the second half of one that ends after it.
    assert "af-1~asking~1" in first
    assert set(day._file_names()) == {"af-1~asking~1", "af-1~spent~1"}
