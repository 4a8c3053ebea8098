"""What a Dag run planned, what Kling charged, per product and model: one dictionary, one table in the log."""

from __future__ import annotations

from decimal import Decimal

import pytest
from support import connect
from support_spending import PRICE, Run, operator

from airflow_provider_kling import exceptions as errors
from airflow_provider_kling.operators import KlingRunSummaryOperator, KlingTextToSpeechOperator
from airflow_provider_kling.operators.run_bill import bill, table
from airflow_provider_kling.sensors import KlingTaskSensor

MANIFEST = {"task_id": "7", "status": "succeed", "endpoint": "image2video", "model_name": "kling-v3", "units": "3"}
WAITS = {"wait_for_completion": True, "deferrable": False, "poll_interval": 0.05}


def start(run: Run, **arguments):
    run.add(KlingRunSummaryOperator(task_id="costs", **arguments))
    return run.start("costs")


def returned(run: Run, name: str, value) -> None:
    """Push what the operator returned, as Airflow does."""
    run.xcoms[name, -1]["return_value"] = value


def test_planned_and_charged_per_model(kling, capsys):
    run = Run("a", "b", **WAITS)
    run.add(KlingTextToSpeechOperator(task_id="say", text="Hello", voice_id="oversea_male1", voice_language="en"))
    run.add(KlingRunSummaryOperator(task_id="costs"))
    for name in ("a", "b", "say"):
        returned(run, name, run.start(name))
    summary = run.start("costs")
    assert summary["models"] == [
        {
            "endpoint": "text2video",
            "model_name": "kling-v3",
            "planned": 2,
            "unknown": 0,
            "done": 2,
            "failed": 0,
            "running": 0,
            "planned_usd": "0.84",
            "units": "6",
            "usd": "0.84",
            "cash": "0",
        },
        {
            "endpoint": "tts",
            "model_name": "",
            "planned": 1,
            "unknown": 0,
            "done": 1,
            "failed": 0,
            "running": 0,
            "planned_usd": "0.007",
            "units": "0.05",
            "usd": "0.007",
            "cash": "0",
        },
    ]
    assert {name: summary[name] for name in ("planned_usd", "usd", "cash", "done")} == {
        "planned_usd": "0.847",
        "usd": "0.847",
        "cash": "0",
        "done": 3,
    }
    lines = capsys.readouterr().out
    assert "product     model     done  failed  running  planned  charged" in lines
    assert "text2video  kling-v3  2     0       0        $0.84    6 units, $0.84" in lines
    assert "together              3     0       0        $0.85    $0.85" in lines


def test_what_kling_failed_is_planned_no_more(kling):
    run = Run("a", **WAITS)
    run.add(KlingRunSummaryOperator(task_id="costs"))
    kling.fault("fail_task", operation="create", message="no")
    with pytest.raises(errors.KlingTaskFailedError):
        run.start("a")
    assert run.start("costs")["planned_usd"] == "0"


def test_more_than_expected_fails_and_leaves_the_summary(kling):
    run = Run("a", **WAITS)
    run.add(KlingRunSummaryOperator(task_id="costs", alert_above_usd=PRICE - 0.01))
    returned(run, "a", run.start("a"))
    with pytest.raises(errors.KlingBudgetError, match="alert_above_usd"):
        run.start("costs")
    assert run.xcoms["costs", -1]["summary"]["usd"] == "0.42"
    run.tasks["costs"].alert_above_usd = PRICE
    assert run.start("costs")


def test_it_runs_whatever_became_of_the_others():
    assert KlingRunSummaryOperator(task_id="costs").trigger_rule == "all_done"
    assert KlingRunSummaryOperator(task_id="costs", trigger_rule="all_success").trigger_rule == "all_success"


@pytest.mark.parametrize("sensor_first", [True, False])
def test_a_task_that_a_sensor_waited_for_counts_once(kling, sensor_first):
    submitted = {**MANIFEST, "status": "submitted", "units": ""}
    seen = {**MANIFEST, "model_name": ""}
    found = [("wait", [seen]), ("submit", [submitted])]
    summary = bill([], dict(found if sensor_first else found[::-1]), {})
    assert [(line["model_name"], line["done"], line["running"], line["units"]) for line in summary["models"]] == [
        ("kling-v3", 1, 0, "3")
    ]


def test_a_sensor_is_read_too(kling):
    run = Run()
    run.add(KlingTaskSensor(task_id="wait", kling_task_id="7"))
    run.xcoms["wait", -1] = {"return_value": MANIFEST}
    assert start(run)["done"] == 1


def test_a_batch_is_a_line_of_its_own():
    note = {
        "task": "all",
        "map_index": -1,
        "state": "spent",
        "usd": "1.68",
        "endpoint": "text2video",
        "model_name": "batch",
    }
    ended = {"batch_id": "af-1", "done": 3, "failed": 1, "running": 0, "units": 9.0, "cash": 1.5}
    (line,) = bill([note], {"all": [ended]}, {"all": "text2video"})["models"]
    assert (line["model_name"], line["done"], line["failed"]) == ("batch", 3, 1)
    assert (line["planned_usd"], line["units"], line["usd"], line["cash"]) == ("1.68", "9", "1.26", "1.5")


def test_units_of_an_image_pack_are_other_money():
    made = {**MANIFEST, "endpoint": "images/generations", "units": "8"}
    assert bill([], {"draw": [made]}, {})["usd"] == "0.028"


def test_an_unknown_price_is_reported():
    note = {"state": "spent", "usd": None, "endpoint": "image2video", "model_name": "kling-9"}
    summary = bill([note], {}, {})
    assert (summary["planned"], summary["unknown"], summary["planned_usd"]) == (1, 1, "0")
    assert "$0.00 +1 unknown" in table(summary)


@pytest.mark.parametrize(
    "value", [None, 3, "x", {"units": "NaN"}, {"task_id": 3, "status": []}, {"batch_id": 0, "done": "x"}]
)
def test_what_others_return_counts_nothing(value):
    found = [value] if isinstance(value, dict) else []
    assert bill([value], {"a": found}, {"a": None})["usd"] == "0"


def test_a_dag_with_a_summary_notes_what_it_plans(kling):
    run = Run()
    run.add(operator(task_id="a"))
    run.add(KlingRunSummaryOperator(task_id="costs"))
    run.start("a")
    assert run.xcoms["a", -1]["planned_cost"]["usd"] == "0.420"


@pytest.mark.kling_simulator(charge="cash", video_size="small", time_scale=0.01)
@pytest.mark.parametrize(("model", "paid"), [("kling-v3", "0.42"), ("kling-3.0-turbo", "0.56")])
def test_what_a_post_paid_account_pays_is_cash_in_both_generations(kling_simulator, monkeypatch, model, paid, capsys):
    connect(monkeypatch, kling_simulator, api_key=True)
    run = Run("a", model_name=model, **WAITS)
    run.add(KlingRunSummaryOperator(task_id="costs"))
    manifest = run.start("a")
    returned(run, "a", manifest)
    assert Decimal(manifest["cash"]) == Decimal(paid)
    assert not manifest["units"].strip("0.")
    assert run.start("costs")["cash"] == paid
    assert f"{manifest['cash']} from the balance" in capsys.readouterr().out


@pytest.mark.parametrize("value", [-1, "-5", "NaN", 10**400, "x", None, [], {}, True])
def test_an_amount_that_is_invalid_takes_nothing_off_the_sum(value):
    other = {**MANIFEST, "task_id": "8", "units": value, "cash": value}
    batch = {"batch_id": "b", "done": -3, "failed": value, "running": None, "units": value}
    summary = bill([], {"a": [MANIFEST, other], "all": [batch]}, {"all": "image2video"})
    assert (summary["usd"], summary["cash"]) == ("0.42", "0")
    assert (summary["done"], summary["running"]) == (2, 0)
    assert table(summary)
