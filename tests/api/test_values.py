"""Single values of an answer, whatever type they come in."""

from __future__ import annotations

import pytest

from airflow_provider_kling.api import values


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("867283741759111202", "867283741759111202"),
        (867283741759111202, "867283741759111202"),
        ("task_Ab-9", "task_Ab-9"),
        ("../../x", ""),
        ("a/b", ""),
        ("a b", ""),
        ("a\n", ""),
        ("\uff11\uff12", ""),
        ("-_-", ""),
        ("x" * 129, ""),
        ("null", ""),
        ("None", ""),
        ("", ""),
        (0, ""),
        (-7, ""),
        (True, ""),
        (8.67283741759111e17, ""),
        (10**4000, ""),
        (None, ""),
        (["7"], ""),
        ({"id": "7"}, ""),
    ],
)
def test_an_id_has_a_form_or_is_none(value, read):
    assert values.identifier(value) == read


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("3", "3"),
        ("2.40", "2.40"),
        (1.8, "1.8"),
        (5, "5"),
        (" 7 ", "7"),
        ("1e2", "100"),
        (0, "0"),
        ("-0", "0"),
        ("NaN", ""),
        ("Infinity", ""),
        ("-3", ""),
        ("1e400", ""),
        ("1e-400", ""),
        (1e308, ""),
        (float("nan"), ""),
        (float("inf"), ""),
        (10**4000, ""),
        (True, ""),
        (None, ""),
        ("three", ""),
        ([3], ""),
    ],
)
def test_an_amount_is_a_finite_decimal_text_or_nothing(value, read):
    assert values.amount(value) == read


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (1774805076166, 1774805076166),
        ("1774805076166", 1774805076166),
        (1774805076166.0, 1774805076166),
        (1774805076, 1774805076000),
        (1774805076.5, 1774805076500),
        (1774805076166000, 1774805076166),
        (1774805076166000000, 1774805076166),
        ("2026-03-29T17:24:36Z", 1774805076000),
        ("2026-03-29T17:24:36+08:00", 1774776276000),
        ("2026-03-29T17:24:36", 0),  # of which time zone?
        ("2026-03-29", 0),
        ("0001-01-01T00:00:00+23:59", 0),
        ("yesterday", 0),
        (12, 0),
        (-1774805076166, 0),
        (10**4000, 0),
        ("1e999999", 0),
        (float("nan"), 0),
        (True, 0),
        (None, 0),
        ({}, 0),
    ],
)
def test_a_time_is_epoch_milliseconds_whatever_unit_it_came_in(value, read):
    assert values.milliseconds(value) == read


def test_a_text_field_accepts_text_or_a_number_and_nothing_else():
    assert values.text("a\nb") == "a b"
    assert values.text(7) == "7"
    assert [values.text(value) for value in (None, True, {"a": 1}, ["a"])] == ["", "", "", ""]
    assert len(values.text("word " * 10_000, 40)) == 40
