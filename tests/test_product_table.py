"""Each row of the table of products has an example, which tests/e2e/test_examples.py runs in a real Airflow."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from airflow_provider_kling.products.capability_map import generation_of
from airflow_provider_kling.products.catalogue import PRODUCTS

pytest.importorskip("sphinx", reason="the table is made with Sphinx")
sys.path.append(str(Path(__file__).parents[1] / "docs"))

from extensions.products import OPERATORS, runs


@pytest.mark.parametrize("endpoint", PRODUCTS)
def test_a_product_runs_in_an_example_in_each_generation_that_serves_it(endpoint):
    made = [run for run in runs() if run.operator == OPERATORS[endpoint].__name__]
    assert made
    if PRODUCTS[endpoint].counterpart:
        assert {generation_of(run.model_name) for run in made} == {"classic", "v2"}


def test_an_example_that_names_no_operator_of_ours_is_not_a_run():
    assert {run.dag_id for run in runs()} >= {"kling_quickstart", "kling_voice"}
    assert "kling_callback" not in {run.dag_id for run in runs()}
