"""A short chaos run: ``make chaos`` in small, with a seed of its own."""

from __future__ import annotations

import sys

import pytest

from dev.chaos.report import summary
from dev.chaos.run import Plan, Run


@pytest.mark.timeout(600)
def test_nothing_is_paid_twice_and_nothing_is_lost(tmp_path):
    plan = Plan(
        seed=20261121,
        injections=12,
        home=tmp_path / "airflow",
        sizes={"chaos_trigger": 3, "chaos_store": 2, "chaos_chain": 2, "chaos_worker": 1, "chaos_batch": 3},
        worker_deaths=10,
        triggerer_deaths=1,
        weights={"http_fault": 6, "kill_worker": 2, "clear": 1},
        every=2.0,
        concurrency=3,
        triggerers=1,
    )
    outcome = Run(plan, print)()
    sys.stdout.write(summary(outcome))
    assert outcome.verdict.problems == []
    assert outcome.clean
    assert outcome.injections.total() >= 12
