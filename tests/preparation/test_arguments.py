"""The package's own arguments, from templates, XComs and people."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from airflow.sdk import ObjectStoragePath
from support import advice_first

from airflow_provider_kling.exceptions import KlingValidationError
from airflow_provider_kling.preparation.arguments import amount, choice, connection, place, seconds, whole_number


@pytest.mark.parametrize("value", [90, 90.0, "90", " 90.0 ", "9e1", Decimal(90), timedelta(minutes=1, seconds=30)])
def test_a_time_is_a_number_its_text_or_a_timedelta(value):
    assert seconds("timeout", value) == 90.0


def test_none_is_the_default_where_there_is_one():
    assert seconds("timeout", None, default=5.0) == 5.0
    with pytest.raises(KlingValidationError, match="timeout=None"):
        seconds("timeout", None)


NO_TEXT = ["soon", "", "None", "nan", "inf", "-1", "1_000", "٣", "9" * 5000]
NO_NUMBER = [float("nan"), float("inf"), Decimal("NaN"), -1, True, [], {}, b"90", 1e15, 10**400, 1j]


@pytest.mark.parametrize("value", [*NO_TEXT, *NO_NUMBER, timedelta(days=-1), timedelta.max])
def test_no_other_time_gets_through(value):
    with pytest.raises(KlingValidationError, match="^The request|Give timeout"):
        seconds("timeout", value, default=5.0)


def test_a_time_can_have_a_minimum():
    assert seconds("poll_interval", "0.05", minimum=0.01) == 0.05
    with pytest.raises(KlingValidationError, match="poll_interval"):
        seconds("poll_interval", 0, minimum=0.01)


@pytest.mark.parametrize("value", [5, 5.0, "5", "5.0", Decimal(5)])
def test_a_whole_number_may_be_text(value):
    found = whole_number("concurrency", value, 1)
    assert (found, type(found)) == (5, int)


@pytest.mark.parametrize("value", [0, -1, 5.5, "five", None, True, "5.5", float("nan"), 10**9, 10**400, [5], "None"])
def test_no_other_whole_number_gets_through(value):
    with pytest.raises(KlingValidationError, match="Give concurrency"):
        whole_number("concurrency", value, 1)


def test_the_name_of_a_connection_is_text_or_not_given():
    assert connection("output_conn_id", None) is connection("output_conn_id", " ") is None
    assert connection("output_conn_id", " aws_default\n") == "aws_default"


@pytest.mark.parametrize(
    ("value", "advice"),
    [
        ("None", "Give the template of output_conn_id a value"),
        ("null", "Give the template of output_conn_id a value"),
        (5, "Give output_conn_id the name of an Airflow connection: output_conn_id=5 is none"),
        ({"a": 1}, "Give output_conn_id the name of an Airflow connection"),
        (b"aws", "Give output_conn_id the name of an Airflow connection"),
        ("x" * 1_000_000, "Give output_conn_id the name of an Airflow connection"),
        ("a\u200bws", "Take U+200B out of output_conn_id: no name of a connection has it (character 2)"),
        ("a\x00", "Take U+0000 out of output_conn_id"),
        ("a\ud83d", "Take U+D83D out of output_conn_id"),
    ],
)
def test_no_other_name_of_a_connection_gets_through(value, advice):
    with pytest.raises(KlingValidationError) as caught:
        connection("output_conn_id", value)
    sentence = advice_first(caught.value.problems[0])
    assert sentence.startswith(advice)
    assert len(sentence) < 300


def test_an_amount_is_above_zero_or_not_given():
    assert amount("max_units", None) is None
    assert amount("max_units", "12.5") == 12.5
    for value in (0, -1, "0", "NaN", float("nan"), float("inf"), "", "None", True, []):
        with pytest.raises(KlingValidationError, match="Give max_units"):
            amount("max_units", value)


def test_a_choice_that_is_nearly_right_is_named():
    assert choice("on_clear", " Reuse ", ("reuse", "regenerate")) == "reuse"
    with pytest.raises(KlingValidationError, match="Did you mean on_clear='regenerate'"):
        choice("on_clear", "regenrate", ("reuse", "regenerate"))
    for value in (None, True, 3, "x" * 100_000, ["reuse"]):
        with pytest.raises(KlingValidationError, match="'reuse' or 'regenerate'"):
            choice("on_clear", value, ("reuse", "regenerate"))


def test_a_place_is_text_or_a_path_object():
    assert place("output_uri", None) is None
    assert place("output_uri", "  ") is None
    assert place("output_uri", " s3://bucket/videos/ ") == "s3://bucket/videos/"
    assert place("output_uri", Path("/data/videos")) == "/data/videos"
    assert place("output_uri", ObjectStoragePath("file:///data/videos")).endswith("/data/videos")
    assert place("output_uri", ObjectStoragePath("memory://conn@bucket/x")).startswith("memory://conn@")


@pytest.mark.parametrize("value", ["None", " none ", "null", "a\nb", "a\ud83d", 7, True, ["s3://x"], b"/data", {}])
def test_no_other_place_gets_through(value):
    with pytest.raises(KlingValidationError, match="output_uri"):
        place("output_uri", value)


def test_the_advice_stands_within_what_the_log_shows_of_a_line():
    calls = [
        lambda: seconds("timeout", "soon"),
        lambda: whole_number("concurrency", "x", 1),
        lambda: amount("max_units", "x"),
        lambda: choice("on_clear", "regenrate", ("reuse", "regenerate")),
        lambda: place("manifest_uri", 7),
    ]
    for call in calls:
        with pytest.raises(KlingValidationError) as caught:
            call()
        (problem,) = caught.value.problems
        assert problem.startswith(("Give ", "Did you mean "))
        assert min(problem.find(";") % 1000, problem.find("?") % 1000) < 75
