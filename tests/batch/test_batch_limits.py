"""What a batch may cost, and how long it may take."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import pytest
from support_batch import deferred, manifest, operator, run, set_fast_pace

from airflow_provider_kling.exceptions import KlingTimeoutError, KlingValidationError
from airflow_provider_kling.utils._airflow.compat import TaskDeferred


@pytest.fixture(autouse=True)
def _fast_pace(monkeypatch):
    set_fast_pace(monkeypatch)


@pytest.mark.kling_simulator(seconds=0.2)
@pytest.mark.parametrize("units_per_item", [None, 1.8])
def test_max_units_stops_before_the_next_submission(kling, ti, tmp_path, units_per_item):
    price = 1.8
    payload = run(ti, tmp_path, count=10, max_units=4 * price + 0.1, units_per_item=units_per_item)
    assert float(kling.ledger()["units_used"]) == pytest.approx(4 * price)
    assert (payload["status"], payload["summary"]["stopped_by"]) == ("success", "max_units")
    assert (payload["summary"]["done"], payload["summary"]["stopped"]) == (4, 6)
    assert [line["status"] for line in manifest(tmp_path)].count("stopped") == 6


def test_the_price_list_gives_the_price_of_an_item_when_the_dag_does_not(kling, ti, tmp_path):
    assert deferred(ti, tmp_path, max_units=5).batch.units_per_item == 1.8
    assert deferred(ti, tmp_path, max_units=5, units_per_item=7).batch.units_per_item == 7
    mixed = {"items": [{"prompt": "a"}, {"prompt": "b", "mode": "4k"}], "max_units": 50}
    assert deferred(ti, tmp_path, **mixed).batch.units_per_item == 9, "the dearest"
    unknown = {"items": [{"prompt": "a"}, {"prompt": "b", "model_name": "kling-v9"}], "max_units": 50}
    assert not deferred(ti, tmp_path, **unknown).batch.units_per_item


def test_the_cost_of_all_items_is_logged_before_anything_is_submitted(kling, ti, tmp_path, logged):
    tested = operator(tmp_path)
    lines = logged(tested)
    with pytest.raises(TaskDeferred):
        tested.execute({"ti": ti})
    assert any("Checked 3 items" in line and "about 5.4 units, $0.76" in line for line in lines)


def test_an_estimate_sends_and_writes_nothing(kling, tmp_path):
    found = operator(tmp_path, count=4).estimate()
    assert (float(found.units), found.unknown) == (7.2, 0)
    assert kling.requests() == []
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(KlingValidationError):
        operator(tmp_path, items=[{"prompt": "a", "mode": "8k"}]).estimate()


@pytest.mark.kling_simulator(seconds=30)
def test_the_error_of_the_deadline_states_that_a_retry_continues(kling, ti, tmp_path):
    payload = run(ti, tmp_path, count=7, timeout=1.0)
    assert (payload["status"], payload["summary"]["running"], payload["summary"]["stopped"]) == ("timeout", 5, 2)
    with pytest.raises(KlingTimeoutError, match="pays nothing twice"):
        operator(tmp_path).execute_complete({"ti": ti}, payload)
    kling.advance(60)
    payload = run(dataclasses.replace(ti, try_number=2), tmp_path, count=7, timeout=0.8)
    assert payload["summary"]["done"] == 5
    assert len(kling.tasks()) == 7


@pytest.mark.parametrize(("limit", "expected"), [(5, 5.0), (100, 60.0), (0, 60.0)])
def test_execution_timeout_bounds_the_batch_too(kling, ti, tmp_path, limit, expected):
    trigger = deferred(ti, tmp_path, count=1, timeout=60.0, execution_timeout=timedelta(seconds=limit))
    assert trigger.batch.end_time - trigger.batch.started_at == pytest.approx(expected)
