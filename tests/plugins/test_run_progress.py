"""The text of the progress of a Dag run."""

from __future__ import annotations

from decimal import Decimal

import pytest

from airflow_provider_kling.plugins.run_progress import Progress, format_duration


def test_the_message_names_what_matters_in_the_middle_of_a_run():
    progress = Progress(
        {"done": 137, "making": 6, "slot": 4, "waiting": 52, "failed": 1}, Decimal("411.0"), priced=137, started=1000
    )
    assert progress.sentence(now=1000 + 138 * 40) == (
        "137 of 200 done, 6 being made, 4 waiting for a slot, 52 waiting, 1 failed, about 41 min left, "
        "411 of about 597 units"
    )


def test_the_message_of_an_end_has_no_guess():
    progress = Progress({"done": 3, "failed": 1}, Decimal("4.5"), priced=3, started=1000, ended=1400)
    assert progress.sentence(now=99_999) == "3 of 4 done, 1 failed, took 7 min, 4.5 units"


@pytest.mark.parametrize(
    ("progress", "left"),
    [
        (Progress({"done": 1, "waiting": 9}, started=1000), None),
        (Progress({"done": 5, "waiting": 5}, started=0), None),
        (Progress({"done": 5, "waiting": 5}, started=2000), None),
        (Progress({"done": 5}, started=1000), None),
        (Progress({"done": 4, "failed": 1, "making": 5}, started=1000), 100.0),
    ],
)
def test_an_estimate_needs_two_finished_tasks_and_a_start_time(progress, left):
    assert progress.seconds_left(now=1100) == left


def test_a_run_without_results_and_one_without_prices():
    assert Progress({}).sentence(now=5) == "Nothing of Kling's in this run so far"
    assert Progress({"waiting": 2}).sentence(now=5) == "0 of 2 done, 2 waiting"


def test_a_run_without_a_start_time_has_no_duration():
    assert Progress({"done": 2}, ended=1400).sentence(now=5) == "2 of 2 done"


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "1 s"), (89, "89 s"), (91, "2 min"), (5399, "90 min"), (9000, "2.5 h")]
)
def test_times_are_formatted_for_people(seconds, words):
    assert format_duration(seconds) == words
