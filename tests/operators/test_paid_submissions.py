"""What was paid before a Clear or by an earlier try counts."""

from __future__ import annotations

import pytest
from support import StateStore, advice_first, connect
from support_spending import PRICE, Run, operator, posts, start

from airflow_provider_kling import exceptions as errors
from airflow_provider_kling.operators import reservations
from airflow_provider_kling.simulator import KlingSimulator, Settings
from airflow_provider_kling.utils._airflow.compat import TaskDeferred


def test_a_clear_that_pays_again_counts_again(kling):
    run = Run("a", "b", max_run_usd=2 * PRICE, on_clear="regenerate")
    store = StateStore()
    first = start(run, "a", store)

    def clear(number):
        context = {**run.context("a", try_number=number), "task_state_store": store}
        context["ti"].max_tries = number
        return run.tasks["a"].execute(context)

    assert clear(2)["task_id"] != first["task_id"]
    assert run.xcoms["a", -1][reservations.KEY]["usd"] == "0.840"
    with pytest.raises(errors.KlingBudgetError, match=r"\$0.84 were paid by this task before a Clear"):
        clear(3)
    assert (run.state("a"), run.xcoms["a", -1][reservations.KEY]["usd"]) == ("spent", "0.840")
    with pytest.raises(errors.KlingBudgetError):
        start(run, "b", StateStore())
    assert posts(kling) == 2


def test_a_second_take_that_is_refused_leaves_the_first_paid(kling):
    run = Run("a", max_run_usd=3 * PRICE)
    store = StateStore()
    start(run, "a", store)
    run.tasks["a"].prompt = "Another boat"
    kling.fault(code=1102, operation="create")
    with pytest.raises(errors.KlingAccountError):
        start(run, "a", store, try_number=2)
    assert (run.state("a"), run.xcoms["a", -1][reservations.KEY]["usd"]) == ("spent", "0.420")
    assert len(store["takes"]) == 1


def test_a_retry_of_the_same_submission_counts_once(kling):
    run, store = Run("a", max_run_usd=PRICE), StateStore()
    assert start(run, "a", store)["task_id"] == start(run, "a", store, try_number=2)["task_id"]
    assert run.xcoms["a", -1][reservations.KEY]["usd"] == "0.420"


def test_a_store_that_is_down_is_not_a_reason_to_pay_above_a_cap(kling):
    class Broken(StateStore):
        def get(self, key, default=None):
            raise OSError("no store today")

    with pytest.raises(errors.KlingStorageError, match="nothing was sent"):
        start(Run("a", max_run_usd=1), "a", Broken())
    assert posts(kling) == 0
    run = Run("a")
    run.add(operator(task_id="capped", max_run_usd=1))
    assert start(run, "a", Broken())["task_id"]


@pytest.mark.parametrize("content", [b"", b'{"af-1": "0.4', b"[]", b"\xff\xfe", b"{}\n{}\n"])
def test_a_damaged_file_of_what_was_paid_is_named_and_never_exceeds_the_cap(kling, daily, tmp_path, content):
    daily(1000)
    run = Run("a", "b", max_run_usd=100, on_clear="regenerate")
    run.start("a")
    (kept,) = tmp_path.glob("budget/sent/*.takes.json")
    kept.write_bytes(content)
    cleared = run.context("a", try_number=2)
    cleared["ti"].max_tries = 1
    with pytest.raises(errors.KlingBudgetError) as caught:
        run.tasks["a"].execute(cleared)
    name = f"sent/{kept.name[:11]}….takes.json"
    assert advice_first(caught.value.message).startswith(f"Look what this task paid, then remove {name}: max_run_usd ")
    assert str(kept) in caught.value.message
    with pytest.raises(errors.KlingBudgetError, match=r"what other Kling tasks cost is unknown"):
        run.start("b")
    assert posts(kling) == 1
    # A task without a cap goes on, and does not forget that something was paid before.
    free = run.add(operator(task_id="a", on_clear="regenerate", prompt="Another boat"))
    free.execute(run.context("a", try_number=3))
    assert run.xcoms["a", -1][reservations.KEY]["usd"] is None
    free.max_run_usd, free.prompt = 100, "A third boat"
    with pytest.raises(errors.KlingBudgetError, match="a price of what this task paid before a Clear is not known"):
        free.execute(run.context("a", try_number=4))
    assert posts(kling) == 2
    kept.unlink()
    assert free.execute(run.context("a", try_number=5))["task_id"]


def test_what_an_earlier_try_may_have_paid_is_not_freed_by_a_refusal(kling, monkeypatch, no_waiting):
    with KlingSimulator(Settings(external_ids="drop")) as relay:
        connect(monkeypatch, relay, extra={"allow_private_urls": True, "timeout_seconds": 5, "external_ids": False})
        run, store = Run("a", max_run_usd=5, on_doubt="resend"), StateStore()
        relay.fault("cut_before", operation="create")
        relay.fault(code=1102, operation="create")
        with pytest.raises(errors.KlingSubmissionInDoubtError):
            start(run, "a", store)
        assert run.state("a") == "spent"
        relay.fault(code=1102, operation="create")
        with pytest.raises(errors.KlingAccountError):
            start(run, "a", store, try_number=2)
        assert run.state("a") == "spent"
        assert store["sent"]["since"]


def test_a_retry_whose_look_up_is_throttled_asks_the_cap_before_it_waits_elsewhere(kling, no_waiting):
    run = Run("a", "b", max_run_usd=PRICE)
    run.start("a")
    kling.fault(code=1302, operation="query", times=4)
    with pytest.raises(errors.KlingBudgetError):
        run.start("b", try_number=2)
    assert posts(kling) == 1


def test_without_a_cap_it_waits_in_the_triggerer(kling, no_waiting):
    run = Run("a")
    kling.fault(code=1302, operation="query", times=4)
    with pytest.raises(TaskDeferred):
        run.start("a", try_number=2)
