"""When the results of the items are stored."""

from __future__ import annotations

import pytest
from support_reconciler import START, batch, done, finished, submits

from airflow_provider_kling.batch.actions import MAX_BACKLOG_PER_THREAD, Finish, Store
from airflow_provider_kling.batch.records import read_record
from airflow_provider_kling.exceptions import (
    KlingAuthenticationError,
    KlingConfigurationError,
    KlingConnectionError,
    KlingResultError,
    KlingTaskNotFoundError,
)


def stores(actions) -> list[tuple[str, bool]]:
    return [(action.key, action.fresh) for action in actions if isinstance(action, Store)]


def test_a_storage_that_is_slower_than_kling_does_not_pile_up_results():
    full = MAX_BACKLOG_PER_THREAD + 1
    reconciler = batch(full + 3, store_concurrency=1)
    reconciler.observe_all(
        {f"x{key}": finished(key) for key in range(full)}, complete=True, sent_before=True, now=START
    )
    assert submits(reconciler.decide(START)) == [], "one is being stored, and as many wait as may"
    reconciler.stored("k0", [{"uri": "u"}])
    assert submits(reconciler.decide(START)) == [f"k{full}", f"k{full + 1}", f"k{full + 2}"]


def test_results_are_copied_a_few_at_once_and_tried_again_with_fresh_links():
    reconciler = batch(3, store_concurrency=2)
    reconciler.observe_all({f"x{key}": finished(key) for key in range(3)}, complete=True, sent_before=True, now=START)
    assert stores(reconciler.decide(START)) == [("k0", False), ("k1", False)]
    reconciler.not_stored("k0", KlingResultError("dead link"), START)
    reconciler.stored("k1", [{"uri": "u"}])
    assert stores(reconciler.decide(START)) == [("k2", False)]
    assert stores(reconciler.decide(START + 60)) == [("k0", True)]


@pytest.mark.parametrize(
    "error",
    [
        KlingResultError("HTTP 503"),
        KlingConnectionError("storage is away"),
        KlingAuthenticationError(1002, "unknown", http_status=401),
        KlingTaskNotFoundError(1201, "no such task", http_status=404),
        KlingConfigurationError("no connection"),
    ],
)
def test_a_paid_video_is_stored_until_the_batch_has_ended(error):
    reconciler, now = batch(1, end_time=START + 3600), START
    reconciler.observe_all({"x0": finished(0)}, complete=True, sent_before=True, now=now)
    tries = 0
    while not isinstance(reconciler.decide(now)[-1], Finish):
        if stores(reconciler.decide(now)) or reconciler.progress()["storing"]:
            reconciler.not_stored("k0", error, now)
            tries += 1
        now += 61
        assert reconciler.records()[0]["status"] == "storing"
        if now > START + 3600:
            break
    assert tries > 20
    assert reconciler.decide(START + 3600) == [Finish("timeout")]
    assert reconciler.records(ended=True)[0]["error"]["permanent"] is False


def test_a_result_that_is_not_what_was_asked_for_is_not_fetched_forever():
    class WrongLengthError(KlingResultError):
        transient = False

    reconciler = batch(1)
    reconciler.observe_all({"x0": finished(0)}, complete=True, sent_before=True, now=START)
    reconciler.decide(START)
    reconciler.not_stored("k0", WrongLengthError("plays 3 s"), START)
    assert reconciler.records()[0]["status"] == "failed"


def test_a_stored_file_that_is_gone_is_copied_again():
    first = batch(1)
    first.decide(START)
    done(first, 0)
    second = batch(1)
    second.observe_all({"x0": finished(0)}, complete=True, sent_before=True, now=START)
    second.restore(read_record(first.records()[0]), files_exist=False)
    assert stores(second.decide(START)) == [("k0", False)]
