"""What the tasks of a connection may spend on one day."""

from __future__ import annotations

import contextlib
import time
from datetime import UTC, datetime, timedelta

import pytest
from support import connect
from support_spending import PRICE, Run, at_the_same_moment, operator, posts

from airflow_provider_kling import exceptions as errors
from airflow_provider_kling import polling
from airflow_provider_kling.operators import cap, spending
from airflow_provider_kling.utils._airflow.compat import TaskDeferred


def test_all_dags_of_a_connection_share_its_day(kling, daily, tmp_path):
    assert Run("a").start("a")["task_id"]
    assert Run("b").start("b")["task_id"]
    with pytest.raises(
        errors.KlingBudgetError, match=r"Raise max_usd_per_day.*\$0.84 are spent or committed by others"
    ):
        Run("c").start("c")
    (day,) = (tmp_path / "budget").iterdir()
    names = sorted(path.name.split("~", 1)[1] for path in day.iterdir())
    assert names == [*["asking~0.420"] * 2, "free~0.420", *["spent~0.420"] * 2]
    daily(3 * PRICE)
    assert Run("c").start("c", try_number=2)["task_id"]
    assert posts(kling) == 3


def test_dags_that_start_together_keep_to_the_day(daily, kling, monkeypatch):
    daily(3 * PRICE)
    monkeypatch.setattr(cap.Cap, "pace", cap.ReservationPace(pause=0.01))
    assert at_the_same_moment(8) == ["KlingBudgetError"] * 5 + ["sent"] * 3
    assert posts(kling) == 3


def test_a_retry_of_a_day_counts_once(kling, daily):
    run = Run("a")
    first = run.start("a")
    assert run.start("a", try_number=2)["task_id"] == first["task_id"]
    assert Run("b").start("b")["task_id"]
    assert posts(kling) == 2


def test_a_run_that_is_full_gives_the_day_its_share_back(kling, daily):
    run = Run("a", max_run_usd=0.01)
    with pytest.raises(errors.KlingBudgetError, match="Raise max_run_usd"):
        run.start("a")
    assert Run("b").start("b")["task_id"]
    assert Run("c").start("c")["task_id"]


def test_a_folder_that_is_away_is_a_reason_to_send_nothing(kling, daily, tmp_path):
    (tmp_path / "budget").write_text("a file where the folder should be")
    with pytest.raises(errors.KlingStorageError, match="reservations of max_usd_per_day"):
        Run("a").start("a")
    assert posts(kling) == 0


def test_on_an_object_store_a_day_is_kept_too(kling, daily, object_store):
    daily(PRICE, budget_uri="s3://store@videos/budget")
    assert Run("a").start("a")["task_id"]
    with pytest.raises(errors.KlingBudgetError):
        Run("b").start("b")


@pytest.mark.parametrize(
    ("extra", "says"),
    [
        ({"max_usd_per_day": "much", "budget_uri": "s3://b/x"}, "max_usd_per_day"),
        ({"max_usd_per_day": 0, "budget_uri": "s3://b/x"}, "max_usd_per_day"),
        ({"max_usd_per_day": 5}, "Give budget_uri"),
        ({"budget_uri": 5}, "budget_uri"),
        ({"max_usd_per_day": 5, "budget_uri": "None"}, "budget_uri"),
        ({"max_usd_per_day": 5, "budget_uri": "s3://"}, "budget_uri"),
        ({"max_usd_per_day": 5, "budget_uri": "budget"}, "budget_uri"),
        ({"max_usd_per_day": 5, "budget_uri": "file:///"}, "budget_uri"),
        ({"budget_uri": "./here"}, "budget_uri"),
        ({"budget_uri": "s3://KEY:SECRET@bucket/x"}, r"^Take the password out of budget_uri in extra: [^S]+$"),
    ],
)
def test_an_invalid_limit_of_a_connection_is_reported(kling, monkeypatch, extra, says):
    connect(monkeypatch, kling, extra=extra)
    with pytest.raises(errors.KlingConfigurationError, match=says):
        Run("a").start("a")


def test_a_reservation_of_a_try_that_died_while_it_asked_goes_with_its_retry(daily, kling, tmp_path):
    daily(PRICE)
    run = Run("a")
    run.start("a")
    (folder,) = (tmp_path / "budget").iterdir()
    other = Run("b")
    with pytest.raises(errors.KlingBudgetError):
        other.start("b")
    (free,) = folder.glob("*~free~*")
    (folder / free.name.replace("free", "asking")).write_bytes(b"1")
    with pytest.raises(errors.KlingBudgetError):
        other.start("b", try_number=2)
    assert len([*folder.glob("*~asking~*")]) == 1


@pytest.mark.parametrize("code", [1102, 1201])
def test_what_kling_refused_is_free_again_on_its_day(kling, daily, code):
    daily(PRICE)
    kling.fault(code=code, operation="create")
    with pytest.raises(errors.KlingApiError):
        Run("a").start("a")
    assert Run("b").start("b")["task_id"]


@pytest.mark.kling_simulator(seconds=0.1)
@pytest.mark.parametrize("deferrable", [True, False])
def test_what_kling_failed_is_free_again_on_its_day(kling, daily, deferrable):
    daily(PRICE)
    words = {"wait_for_completion": True, "deferrable": deferrable, "poll_interval": 0.05}
    run = Run("a", **words)
    kling.fault("fail_task", operation="create")
    with pytest.raises((TaskDeferred, errors.KlingTaskFailedError)):
        run.start("a")
    if deferrable:  # another process
        time.sleep(0.2)
        event = polling.Event("error", run.xcoms["a", -1]["task_id"], "failed").payload()
        with pytest.raises(errors.KlingTaskFailedError):
            operator(task_id="a", **words).execute_complete(run.context("a"), event)
    assert Run("b").start("b")["task_id"]


def test_what_is_in_doubt_counts_on_its_day(kling, daily, no_waiting):
    daily(PRICE)
    kling.fault("cut_after", operation="create", times=20)
    kling.fault(code=5000, operation="query", times=20)
    with pytest.raises(errors.KlingError):
        Run("a").start("a")
    with pytest.raises(errors.KlingBudgetError):
        Run("b").start("b")


class Clock(datetime):
    """A clock that a test moves by days."""

    ahead = timedelta()

    @classmethod
    def now(cls, tz=None):
        return datetime.now(tz) + cls.ahead


@pytest.fixture
def clock(monkeypatch):
    monkeypatch.setattr(spending, "datetime", Clock)
    monkeypatch.setattr(Clock, "ahead", timedelta())
    return lambda **time: monkeypatch.setattr(Clock, "ahead", timedelta(**time))


def test_who_waits_for_a_slot_over_midnight_asks_the_new_day(kling, daily, clock):
    daily(PRICE)
    run = Run("a")
    kling.fault(code=1303, operation="create")
    with pytest.raises(TaskDeferred) as caught:
        run.start("a")
    event = {"since": caught.value.trigger.since, "until": caught.value.trigger.until}
    with pytest.raises(errors.KlingBudgetError):
        Run("b").start("b")
    clock(days=1)
    Run("c").start("c")
    with pytest.raises(errors.KlingBudgetError):
        operator(task_id="a").execute_with_slot(run.context("a"), event)
    clock(days=0)
    assert operator(task_id="a").execute_with_slot(run.context("a"), event)["task_id"], "it has its share of its day"
    assert Clock.now(UTC).date() == datetime.now(UTC).date()


@pytest.mark.parametrize("code", [1002, 1102, 1302])
def test_a_refused_look_up_frees_nothing_that_an_earlier_try_has_paid(kling, daily, code, no_waiting):
    daily(PRICE)
    run = Run("a", "b", max_run_usd=PRICE)
    run.start("a")
    kling.fault(code=code, operation="query", times=20)
    with contextlib.suppress(errors.KlingApiError):
        run.start("a", try_number=2)
    assert len(kling.tasks()) == 1
    kling.clear_faults()
    assert run.state("a") == "spent"
    with pytest.raises(errors.KlingBudgetError):
        Run("b").start("b")
