"""How often an item is tried again, in a batch and in its retries."""

from __future__ import annotations

import pytest
from support_reconciler import START, batch, submits, task

from airflow_provider_kling.batch.actions import Finish, Submit
from airflow_provider_kling.batch.records import read_record
from airflow_provider_kling.models import TaskStatus
from airflow_provider_kling.submission import protocol


@pytest.mark.parametrize("retries", [0, 1, 2])
def test_attempts_are_counted_and_those_before_this_run_are_not(retries):
    reconciler = batch(1, item_retries=retries)
    reconciler.observe_all(
        {"x0": task("x0", TaskStatus.FAILED, created=START - 100)}, complete=True, sent_before=True, now=START
    )
    for number in range(retries + 1):
        assert submits(reconciler.decide(START)) == ["k0"]
        reconciler.observed("k0", task(f"x0-{number + 2}", TaskStatus.FAILED, task_id=f"t{number}"), START)
    assert reconciler.decide(START) == [Finish("done")]
    assert reconciler.records()[0]["error"]["error"] == "KlingTaskFailedError"


def test_what_moderation_stopped_is_never_sent_again_not_even_by_a_retry():
    reconciler = batch(1, item_retries=5)
    stopped = task("x0", TaskStatus.FAILED, message="Failure to pass the risk control system", created=START - 100)
    reconciler.observe_all({"x0": stopped}, complete=True, sent_before=True, now=START)
    assert reconciler.decide(START) == [Finish("done")]
    assert reconciler.records()[0]["error"]["permanent"] is True


@pytest.mark.parametrize("hours", [-2, 2])
def test_an_item_gets_its_further_attempts_and_no_more_whatever_kling_calls_the_time(hours):
    reconciler, sent = batch(1, item_retries=2), 0
    for number in range(1, 8):
        for action in reconciler.decide(START + number):
            if isinstance(action, Submit):
                sent += 1
                name = "x0" if sent == 1 else f"x0-af-{sent}"
                failed = task(name, TaskStatus.FAILED, task_id=f"t{sent}", created=START + 3600 * hours)
                reconciler.observed("k0", failed, START + number)
    assert sent == 3
    assert reconciler.progress()["failed"] == 1


def test_a_retry_tries_again_what_had_failed_before_it_also_when_klings_clock_is_ahead():
    failed = task("x0", TaskStatus.FAILED, created=START + 3600)
    reconciler = batch(1, item_retries=0)
    reconciler.observe_all({"x0": failed}, complete=True, sent_before=True, now=START)
    error = {"error": "KlingTaskFailedError", "message": "busy", "permanent": False, "at": START - 60}
    line = {"key": "k0", "external_task_id": "x0", "status": "failed", "task_id": "1", "error": error}
    reconciler.restore(read_record(line))
    assert submits(reconciler.decide(START)) == ["k0"]


def test_an_item_whose_attempts_are_used_up_is_not_asked_for_until_the_deadline():
    reconciler = batch(1, item_retries=1000)
    names = ["x0", *(f"x0-af-{number}" for number in range(2, protocol.MAX_ATTEMPTS + 1))]
    tasks = {name: task(name, TaskStatus.FAILED, task_id=name, created=START - 1) for name in names}
    reconciler.observe_all(tasks, complete=True, sent_before=True, now=START)
    assert reconciler.decide(START) == [Finish("done")]
    assert reconciler.records()[0]["status"] == "failed"
