"""Errors that concern one item, and those that concern all."""

from __future__ import annotations

from support_reconciler import START, batch, done, finished, kinds, submits, task

from airflow_provider_kling.batch.actions import FindTask, Finish, ImageUnavailableError, Pace, Submit, Watch
from airflow_provider_kling.exceptions import (
    KlingAccountError,
    KlingAuthenticationError,
    KlingConfigurationError,
    KlingResponseError,
)

PAGE = KlingResponseError("an HTML page", http_status=403)


def test_an_error_of_the_account_stops_everything_but_what_runs():
    reconciler = batch(8, concurrency=3)
    reconciler.decide(START)
    reconciler.observed("k0", task("x0"), START)
    refusal = KlingAccountError(1102, "used up", http_status=429)
    reconciler.not_submitted("k1", refusal, START)
    reconciler.not_submitted("k2", refusal, START)
    assert kinds(reconciler.decide(START)) == ["Watch", "Wait"]
    done(reconciler, 0)
    (finish,) = reconciler.decide(START)
    assert (finish.reason, finish.failure.code) == ("refused", 1102)


def test_a_rejected_key_ends_the_batch_the_third_time():
    reconciler, now = batch(1), START
    for _ in range(3):
        assert submits(reconciler.decide(now)) == ["k0"]
        reconciler.not_submitted("k0", KlingAuthenticationError(1002, "unknown", http_status=401), now)
        now += 100
    assert reconciler.decide(now)[0].reason == "refused"


def test_a_task_that_cannot_be_read_is_watched_again_until_the_end():
    reconciler, now = batch(1, end_time=START + 3600), START
    reconciler.decide(now)
    reconciler.observed("k0", task("x0", task_id="77"), now)
    for _ in range(30):
        assert [action.task.task_id for action in reconciler.decide(now) if isinstance(action, Watch)] == ["77"]
        reconciler.unreadable("k0", "no such task 77.", now)
        assert kinds(reconciler.decide(now)) == ["Wait"]
        now += 100
    assert reconciler.records()[0]["status"] == "running"
    assert "77" in reconciler.records()[0]["error"]["message"]
    assert reconciler.decide(START + 3601) == [Finish("timeout")]


def test_an_error_page_for_one_submission_is_about_that_item_and_looked_into():
    reconciler = batch(8, concurrency=8)
    reconciler.decide(START)
    reconciler.not_submitted("k0", PAGE, START)
    for key in ("k1", "k2", "k3"):
        reconciler.observed(key, task(f"x{key[1:]}", task_id=key), START)
    assert submits(reconciler.decide(START)) == ["k4", "k5", "k6", "k7"]
    for key in ("k4", "k5", "k6", "k7"):
        reconciler.observed(key, task(f"x{key[1:]}", task_id=key), START)
    assert [action for action in reconciler.decide(START + 60) if isinstance(action, Submit)] == [Submit("k0", True)]


def test_an_item_whose_submission_always_meets_an_error_page_is_looked_for_before_it_is_given_up():
    reconciler, now, sent = batch(1), START, 0
    while "FindTask" not in kinds(actions := reconciler.decide(now)):
        sent += len(submits(actions))
        if submits(actions):
            reconciler.not_submitted("k0", PAGE, now)
        now += 61
        assert sent < 20
    reconciler.not_found("k0")
    assert reconciler.records()[0]["error"]["permanent"] is False
    assert reconciler.decide(now) == [Finish("done")]


def test_error_pages_for_all_items_pause_everything_and_end_it_only_when_they_last():
    reconciler, now, sent = batch(1000, concurrency=1000), START, 0
    while not isinstance((actions := reconciler.decide(now))[0], Finish):
        for key in submits(actions):
            reconciler.not_submitted(key, PAGE, now)
            sent += 1
        for action in actions:
            if isinstance(action, FindTask):
                reconciler.not_found(action.key)
        now += 10
        assert now < START + 7200
    assert sent < 200
    assert (actions[0].reason, actions[0].failure.permanent) == ("refused", False)
    assert now - START >= Pace().patience


def test_a_connection_that_is_missing_for_a_while_is_waited_for():
    reconciler, now = batch(2), START
    for _ in range(3):
        for key in submits(reconciler.decide(now)):
            reconciler.not_submitted(key, KlingConfigurationError("not defined in the triggerer"), now)
        assert submits(reconciler.decide(now)) == []
        now += 61
    assert submits(reconciler.decide(now)) == ["k0", "k1"]
    while not isinstance((actions := reconciler.decide(now))[0], Finish):
        for key in ("k0", "k1"):
            reconciler.not_submitted(key, KlingConfigurationError("not defined in the triggerer"), now)
        now += 61
    assert (actions[0].reason, actions[0].failure.permanent) == ("refused", False)


def test_an_image_that_cannot_be_read_for_a_while_keeps_its_item_and_holds_no_slot():
    reconciler = batch(2, concurrency=1)
    assert submits(reconciler.decide(START)) == ["k0"]
    reconciler.not_submitted("k0", ImageUnavailableError("storage is away"), START)
    assert submits(reconciler.decide(START)) == ["k1"]
    done_by = START + 61
    reconciler.observed("k1", finished(1), done_by)
    assert submits(reconciler.decide(done_by)) == ["k0"]


def test_several_threads_that_meet_a_refused_key_in_one_moment_count_once():
    reconciler = batch(8, concurrency=8)
    keys = submits(reconciler.decide(START))
    for key in keys:
        reconciler.not_submitted(key, KlingAuthenticationError(1002, "unknown", http_status=401), START)
    assert submits(reconciler.decide(START + 60)) == keys
