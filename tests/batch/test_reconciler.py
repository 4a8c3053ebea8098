"""Which item the reconciler submits next: order, concurrency, doubt, models, cost and the deadline."""

from __future__ import annotations

import time

import pytest
from support_reconciler import CUT, FOREVER, FULL, START, batch, done, finished, kinds, submits, task

from airflow_provider_kling.batch.actions import DEFAULT_THREADS, Desired, FindTask, Finish, Pace, Policy, Submit, Wait
from airflow_provider_kling.batch.reconciler import Reconciler
from airflow_provider_kling.batch.records import Record
from airflow_provider_kling.exceptions import KlingRateLimitError, KlingRequestError

SENDERS = STORERS = DEFAULT_THREADS


def test_it_submits_in_order_up_to_the_concurrency_and_a_few_at_once():
    reconciler = batch(10, concurrency=6)
    assert submits(reconciler.decide(START)) == ["k0", "k1", "k2", "k3"][:SENDERS]
    for number in range(SENDERS):
        reconciler.observed(f"k{number}", task(f"x{number}"), START)
    actions = reconciler.decide(START)
    assert submits(actions) == ["k4", "k5"]
    assert kinds(actions).count("Watch") == SENDERS
    assert submits(reconciler.decide(START)) == []


def test_a_complete_observation_needs_no_further_lookups():
    reconciler = batch()
    reconciler.observe_all({"x1": task("x1")}, complete=True, sent_before=True, now=START)
    assert [action for action in reconciler.decide(START) if isinstance(action, Submit)] == [
        Submit("k0", look_up_first=False),
        Submit("k2", look_up_first=False),
    ]


def test_after_an_incomplete_observation_a_restart_looks_up_first():
    reconciler = batch(1)
    reconciler.observe_all({}, complete=False, sent_before=True, now=START)
    assert Submit("k0", look_up_first=True) in reconciler.decide(START)


def test_no_slot_waits_until_one_of_ours_has_ended_or_a_while_has_passed():
    reconciler = batch(4, concurrency=4)
    reconciler.decide(START)
    reconciler.observed("k0", task("x0"), START)
    for key in ("k1", "k2", "k3"):
        reconciler.not_submitted(key, FULL, START)
    assert submits(reconciler.decide(START)) == []
    done(reconciler, 0, now=START + 1)
    assert submits(reconciler.decide(START + 1)) == ["k1"], "the slot that our own task left"
    reconciler.observed("k1", task("x1", task_id="t1"), START + 1)
    assert submits(reconciler.decide(START + 1)) == []
    assert submits(reconciler.decide(START + 100)) == ["k2"], "others may have left a slot: one try"


def test_a_rate_limit_pauses_everything():
    reconciler = batch(5, concurrency=5)
    reconciler.decide(START)
    reconciler.not_submitted("k0", KlingRateLimitError(1302, "too fast", http_status=429), START)
    assert submits(reconciler.decide(START + 1)) == []
    assert submits(reconciler.decide(START + 3)) == ["k0"]


def test_what_is_in_doubt_holds_its_place_and_comes_first():
    reconciler = batch(3, concurrency=1)
    reconciler.decide(START)
    reconciler.not_submitted("k0", CUT, START)
    assert submits(reconciler.decide(START)) == []
    assert [action for action in reconciler.decide(START + 60) if isinstance(action, Submit)] == [Submit("k0", True)]


def test_a_stopped_batch_looks_for_what_is_in_doubt_and_does_not_send_it():
    reconciler = batch(2, concurrency=2, stop_on_failure=True)
    reconciler.decide(START)
    reconciler.not_submitted("k0", KlingRequestError(1201, "bad", http_status=400), START)
    reconciler.not_submitted("k1", CUT, START)
    assert FindTask("k1", "x1") in reconciler.decide(START + 60)
    reconciler.lookup_failed("k1", START + 60)
    assert FindTask("k1", "x1") in reconciler.decide(START + 120)
    reconciler.not_found("k1")
    assert reconciler.decide(START + 120) == [Finish("item_failure")]
    assert [line["status"] for line in reconciler.records(ended=True)] == ["failed", "stopped"]


def test_max_units_counts_what_runs_and_learns_the_price_from_one():
    reconciler = batch(10, concurrency=5, max_units=7)
    assert submits(reconciler.decide(START)) == ["k0"], "the price is not known yet"
    done(reconciler, 0, units="2")
    assert submits(reconciler.decide(START)) == ["k1", "k2"]
    done(reconciler, 1, units="2")
    done(reconciler, 2, units="2")
    assert reconciler.decide(START) == [Finish("max_units")]
    assert [line["status"] for line in reconciler.records(ended=True)].count("stopped") == 7


def test_a_thread_that_hangs_holds_the_end_only_for_a_while():
    reconciler = batch(2, end_time=START + 10)
    reconciler.decide(START)
    reconciler.observed("k0", finished(0), START)
    reconciler.decide(START)
    late = START + 10 + Pace().grace_period
    assert reconciler.decide(late - 1) == [Wait(1.0)]
    assert reconciler.decide(late) == [Finish("timeout")]
    assert [line["status"] for line in reconciler.records(ended=True)] == ["storing", "running"]


@pytest.mark.parametrize("units", ["NaN", "-1", "Infinity", "1e999999", "x", ""])
def test_units_that_are_no_amount_are_unknown(units):
    reconciler = batch(3, concurrency=1, max_units=10)
    reconciler.decide(START)
    done(reconciler, 0, units=units)
    assert reconciler.progress()["units"] == 0.0
    assert submits(reconciler.decide(START)) == ["k1"]


def test_a_decision_costs_what_it_decides_however_many_items_there_are():
    def seconds(count: int) -> float:
        reconciler = batch(count, concurrency=count)
        reconciler.observe_all(
            {f"x{key}": finished(key) for key in range(count)}, complete=True, sent_before=True, now=START
        )
        reconciler.decide(START)
        began = time.process_time()
        for key in range(500):
            reconciler.stored(f"k{key}", [{"uri": "u"}])
            reconciler.decide(START)
        return time.process_time() - began

    seconds(1000)
    assert seconds(20_000) < 10 * max(seconds(1000), 0.005)


def test_the_deadline_ends_it_but_not_while_a_thread_is_at_work():
    reconciler = batch(3, concurrency=2, end_time=START + 10)
    assert reconciler.decide(START)[-1] == Wait(10.0)
    reconciler.observed("k0", task("x0"), START)
    assert Finish("timeout") not in reconciler.decide(START + 11)
    reconciler.observed("k1", task("x1", task_id="t1"), START + 11)
    assert reconciler.decide(START + 11) == [Finish("timeout")]
    assert reconciler.progress() == {
        "items": 3,
        "done": 0,
        "failed": 0,
        "running": 2,
        "storing": 0,
        "waiting": 1,
        "units": 0.0,
        "cash": 0.0,
    }


def mixed(*pools: int, **policy) -> Reconciler:
    desired = [Desired(f"k{number}", f"x{number}", pool) for number, pool in enumerate(pools)]
    return Reconciler(
        desired, Policy(**{"concurrency": 9, "started_at": START, "end_time": FOREVER, **policy}), jitter=lambda: 0.5
    )


def test_a_model_without_a_slot_holds_up_its_own_items_only():
    reconciler = mixed(0, 0, 0, 1, 1, submit_concurrency=1)
    assert submits(reconciler.decide(START)) == ["k0"]
    reconciler.observed("k0", task("x0"), START)
    assert submits(reconciler.decide(START)) == ["k1"]
    reconciler.not_submitted("k1", FULL, START)
    assert submits(reconciler.decide(START)) == ["k3"]
    reconciler.observed("k3", task("x3"), START)
    assert submits(reconciler.decide(START)) == ["k4"]
    reconciler.observed("k4", task("x4"), START)
    assert submits(reconciler.decide(START)) == []
    done(reconciler, 3)
    assert submits(reconciler.decide(START)) == [], "that slot is of no use to the first model"
    done(reconciler, 0)
    assert submits(reconciler.decide(START)) == ["k1"]


def test_the_limit_of_the_batch_counts_all_of_its_models():
    reconciler = mixed(0, 1, 0, 1, concurrency=3)
    assert submits(reconciler.decide(START)) == ["k0", "k1", "k2"]


def test_items_of_several_models_are_submitted_in_their_order():
    reconciler = mixed(1, 0, 1, 0, submit_concurrency=9)
    assert submits(reconciler.decide(START)) == ["k0", "k1", "k2", "k3"]


def test_what_was_being_sent_when_a_run_ended_is_looked_for_first():
    reconciler = batch(2)
    reconciler.observe_all({}, complete=True, sent_before=True, now=START)
    reconciler.restore(Record("k0", "x0", "running"))
    reconciler.restore(Record("k1", "x1", "waiting"))
    assert [action for action in reconciler.decide(START) if isinstance(action, Submit)] == [
        Submit("k0", look_up_first=True),
        Submit("k1", look_up_first=False),
    ]
