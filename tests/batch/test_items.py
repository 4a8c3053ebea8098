"""The items of a batch in whatever form they come, read once and no further than is needed."""

from __future__ import annotations

import itertools
import os

import pytest
from support import advice_first

from airflow_provider_kling.batch import items as batch_items
from airflow_provider_kling.batch.items import read_items
from airflow_provider_kling.batch.planner import Planner
from airflow_provider_kling.exceptions import KlingValidationError
from airflow_provider_kling.submission.identity import Origin


def refused(items, defaults=None) -> str:
    with pytest.raises(KlingValidationError) as caught:
        read_items(items, defaults, None)
    (problem,) = caught.value.problems
    return advice_first(problem)


@pytest.mark.parametrize("endless", [itertools.count, lambda: range(10**12), lambda: iter(int, 1)])
def test_reading_ends_at_the_first_item_that_is_invalid(endless):
    assert refused(endless()).startswith("Give items as a list of dicts; item 0 is 0")


def test_a_generator_that_does_not_end_is_refused(monkeypatch):
    monkeypatch.setattr(batch_items, "MAX_ITEMS", 100)
    assert refused(itertools.repeat({"prompt": "x"})).startswith("Split items into several batches")
    assert len(read_items([{"prompt": "x"}] * 100, None, None)) == 100


def test_a_pipe_is_not_read(tmp_path):
    os.mkfifo(tmp_path / "items.jsonl")
    assert "is a device or a pipe" in refused(tmp_path / "items.jsonl")


def test_text_that_cannot_be_read_is_named_after_its_argument():
    assert refused([], "{'image':").startswith("Give defaults as a dict; defaults=")
    assert refused("[{").startswith("Give items as a list of dicts; items=")


@pytest.mark.parametrize("validate", ["warn", "off"])
def test_an_impossible_number_of_results_costs_nothing(validate):
    planner = Planner("images/generations", "account", Origin("d", "r", "t"), "/nowhere/", validate=validate)
    planned, _ = planner.plan([{"prompt": "x", "n": 10**9, "key": "a"}, {"prompt": "y", "key": "b"}])
    assert planned[0].body["n"] == 10**9
