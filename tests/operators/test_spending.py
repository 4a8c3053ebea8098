"""What the tasks of a Dag run may spend together: ``max_run_usd``."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from support_spending import PRICE, Instance, Run, operator, posts

from airflow_provider_kling import exceptions as errors
from airflow_provider_kling.operators import (
    KlingImageToVideoBatchOperator,
    KlingTextToSpeechOperator,
    KlingTextToVideoOperator,
    reservations,
    spending,
)
from airflow_provider_kling.utils._airflow.compat import AirflowFailException, TaskDeferred


def test_what_the_other_tasks_have_spent_counts(kling):
    run = Run("a", "b", "c", max_run_usd=2 * PRICE)
    assert run.start("a")["task_id"]
    assert run.start("b")["task_id"]
    with pytest.raises(errors.KlingBudgetError) as caught:
        run.start("c")
    assert isinstance(caught.value, AirflowFailException)
    assert caught.value.message == (
        "Raise max_run_usd, or ask for less: nothing was sent. This request costs about 3 units, $0.42 (price list of "
        "2026-09); of $0.84 for this Dag run, $0.84 are spent or committed by others."
    )
    assert posts(kling) == 2
    assert [run.state(name) for name in "abc"] == ["spent", "spent", "free"]
    assert run.xcoms["c", -1]["failure"]["error"] == "KlingBudgetError"


def test_money_counts_not_units_which_differ_with_the_pack(kling):
    run = Run("a", max_run_usd=PRICE + 0.01)
    run.add(KlingTextToSpeechOperator(task_id="say", text="Hello", voice_id="oversea_male1", voice_language="en"))
    run.start("say")
    assert run.xcoms["say", -1][reservations.KEY]["usd"] == "0.0070"
    assert run.start("a")["task_id"]


def test_tasks_without_a_cap_are_counted_and_not_refused(kling):
    run = Run("a", "b", max_run_usd=PRICE)
    run.add(operator(task_id="free"))
    run.start("free")
    with pytest.raises(errors.KlingBudgetError):
        run.start("a")
    run.tasks["b"].max_run_usd = 10
    run.start("b")
    assert run.tasks["free"].execute(run.context("free"))


def test_a_dag_without_a_cap_reserves_nothing(kling):
    run = Run("a")
    run.start("a")
    assert reservations.KEY not in run.xcoms["a", -1]


def test_a_mapped_task_with_a_cap_is_a_dag_with_a_cap():
    for words in (
        {"partial_kwargs": {"max_run_usd": 1}},
        {"expand_input": SimpleNamespace(value={"max_run_usd": [1]})},
    ):
        mapped = SimpleNamespace(operator_class=KlingTextToVideoOperator, **words)
        assert spending.is_cost_read({"dag": SimpleNamespace(tasks=[mapped])})
    other = SimpleNamespace(operator_class=object, partial_kwargs={"max_run_usd": 1})
    assert not spending.is_cost_read({"dag": SimpleNamespace(tasks=[other])})


def test_an_unknown_price_is_refused(kling):
    run = Run("a", max_run_usd=100)
    run.add(operator(task_id="new", model_name="kling-v9", max_run_usd=100))
    with pytest.raises(errors.KlingBudgetError, match="what this request costs is unknown"):
        run.start("new")
    run.xcoms["new", -1][reservations.KEY]["state"] = "spent"
    with pytest.raises(errors.KlingBudgetError, match="what other Kling tasks cost is unknown"):
        run.start("a")
    assert posts(kling) == 0


def test_a_retry_that_adopts_is_not_refused_and_counts_again(kling):
    run = Run("a", "b", max_run_usd=PRICE)
    first = run.start("a")
    run.tasks["a"].max_run_usd = 0.01
    assert run.start("a", try_number=2)["task_id"] == first["task_id"]
    with pytest.raises(errors.KlingBudgetError):
        run.start("b")
    assert posts(kling) == 1


def test_a_retry_that_has_to_pay_asks(kling):
    run = Run("a", "b", max_run_usd=PRICE)
    run.start("b")
    with pytest.raises(errors.KlingBudgetError):
        run.start("a", try_number=2)
    assert posts(kling) == 1


@pytest.mark.parametrize("code", [1102, 1201, 1301])
def test_what_kling_refused_is_free_again(kling, code):
    run = Run("a", "b", max_run_usd=PRICE)
    kling.fault(code=code, operation="create")
    with pytest.raises(errors.KlingApiError):
        run.start("a")
    assert run.state("a") == "free"
    assert run.start("b")["task_id"]


def test_a_task_that_kling_failed_is_free_again(kling):
    run = Run("a", "b", max_run_usd=PRICE, wait_for_completion=True, deferrable=False, poll_interval=0.05)
    kling.fault("fail_task", operation="create")
    with pytest.raises(errors.KlingTaskFailedError):
        run.start("a")
    assert run.state("a") == "free"
    assert run.start("b")["videos"]


def test_what_is_in_doubt_counts(kling, no_waiting):
    run = Run("a", "b", max_run_usd=PRICE)
    kling.fault("cut_after", operation="create", times=20)
    kling.fault(code=5000, operation="query", times=20)
    with pytest.raises(errors.KlingError):
        run.start("a")
    assert run.state("a") == "spent"


def test_who_waits_for_a_slot_keeps_its_share(kling):
    run = Run("a", "b", max_run_usd=PRICE)
    kling.fault(code=1303, operation="create")
    with pytest.raises(TaskDeferred) as caught:
        run.start("a")
    with pytest.raises(errors.KlingBudgetError):
        run.start("b")
    trigger = caught.value.trigger
    resumed = run.tasks["a"].execute_with_slot(run.context("a"), {"since": trigger.since, "until": trigger.until})
    assert resumed["task_id"]


@pytest.mark.parametrize("value", ["much", 0, -1])
def test_an_invalid_cap_is_reported(kling, value):
    with pytest.raises(errors.KlingValidationError, match="Give max_run_usd as a number above 0"):
        Run("a", max_run_usd=value).start("a")


def test_without_xcoms_nothing_is_sent_under_a_cap(kling, monkeypatch):
    def broken(*_: Any, **__: Any) -> None:
        raise OSError("no XComs today")

    run = Run("a", max_run_usd=1)
    monkeypatch.setattr(Instance, "xcom_pull", broken)
    with pytest.raises(errors.KlingStorageError, match="nothing was sent"):
        run.start("a")
    monkeypatch.setattr(Instance, "xcom_push", broken)
    with pytest.raises(errors.KlingStorageError, match="nothing was sent"):
        run.start("a")
    assert posts(kling) == 0


def batch(tmp_path, **words: Any) -> KlingImageToVideoBatchOperator:
    items = [{"prompt": f"A boat, number {number}"} for number in range(5)]
    defaults = {"model_name": "kling-v3", "duration": 5}
    return KlingImageToVideoBatchOperator(
        task_id="all", items=items, defaults=defaults, endpoint="text2video", output_uri=str(tmp_path), **words
    )


def test_a_batch_counts_what_it_may_cost_at_most(kling, tmp_path):
    run = Run("a", max_run_usd=6 * PRICE)
    run.add(batch(tmp_path, max_run_usd=5 * PRICE))
    with pytest.raises(TaskDeferred):
        run.start("all")
    assert run.xcoms["all", -1][reservations.KEY]["usd"] == "2.100"
    assert run.start("a")["task_id"]
    run.tasks["all"].max_run_usd = 5.9 * PRICE
    with pytest.raises(errors.KlingBudgetError):
        run.start("all", try_number=2)
    run.add(batch(tmp_path, max_run_usd=2 * PRICE, max_units=3))
    with pytest.raises(TaskDeferred):
        run.start("all", try_number=2)
    assert run.xcoms["all", -1][reservations.KEY]["usd"] == "0.420"


def test_a_batch_of_unknown_price_is_refused_unless_it_has_a_limit(kling, tmp_path):
    run = Run()
    run.add(batch(tmp_path, max_run_usd=100))
    run.tasks["all"].defaults = {"model_name": "kling-v9", "duration": 5}
    with pytest.raises(errors.KlingBudgetError, match="unknown"):
        run.start("all")
    run.tasks["all"].max_units = 10
    with pytest.raises(TaskDeferred):
        run.start("all")
