"""What the manifest lists of the items, and what is read from an earlier one."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest
from support_reconciler import START, batch, done, finished, submits, task

from airflow_provider_kling.batch.actions import Watch
from airflow_provider_kling.batch.records import read_record
from airflow_provider_kling.exceptions import KlingContentPolicyError

if TYPE_CHECKING:
    from airflow_provider_kling.batch.reconciler import Reconciler


def test_a_manifest_lists_what_is_stored_and_what_was_refused():
    first = batch(3)
    first.decide(START)
    done(first, 0)
    first.not_submitted("k1", KlingContentPolicyError(1301, "no", http_status=400), START)
    second = batch(3)
    second.observe_all({"x0": finished(0)}, complete=True, sent_before=True, now=START)
    recall(second, *first.records(), {"key": "k9"}, {}, {"key": "k2", "external_task_id": "another", "files": [1]})
    assert [line["status"] for line in second.records()] == ["succeed", "failed", "waiting"]
    later = batch(3, started_at=START + 1)
    recall(later, first.records()[1])
    assert later.records()[1]["status"] == "waiting", "a Clear tries what was refused again"


def recall(reconciler: Reconciler, *lines) -> None:
    for line in lines:
        if record := read_record(line):
            reconciler.restore(record)


def test_what_was_paid_is_never_paid_again_even_if_kling_does_not_list_it():
    first = batch(3)
    first.decide(START)
    done(first, 0)
    first.observed("k1", task("x1", task_id="t1"), START)
    second = batch(3)
    second.observe_all({}, complete=True, sent_before=True, now=START)
    recall(second, *first.records())
    assert [line["status"] for line in second.records()] == ["succeed", "running", "waiting"]
    actions = second.decide(START)
    assert submits(actions) == ["k2"]
    assert [action.task.task_id for action in actions if isinstance(action, Watch)] == ["t1"]
    assert second.records()[0]["task_id"] == "t0"
    assert second.progress()["units"] == 1.0


@pytest.mark.parametrize(
    "line",
    [
        *(None, [], "x", 7, {"key": 1, "external_task_id": "x0"}, {"key": "k0"}),
        {"key": "k0", "external_task_id": "x0", "status": "failed", "error": {"new": 1}},
        {"key": "k0", "external_task_id": "x0", "status": "failed", "error": "text"},
        {"key": "k0", "external_task_id": "x0", "status": ["failed"], "error": {"error": "E", "permanent": True}},
        {"key": "k0", "external_task_id": "x0", "status": "succeed", "files": "f", "task_id": None},
        {"key": "k0", "external_task_id": "x0", "status": "succeed", "files": [1, {"uri": 5}], "task_id": 7.5},
        {"key": "k0", "external_task_id": "x0", "status": "failed", "error": {"error": "E", "code": "x", "at": "now"}},
    ],
)
def test_a_manifest_of_another_shape_is_as_good_as_none(line):
    reconciler = batch(1)
    recall(reconciler, line)
    assert reconciler.records()[0]["status"] == "waiting"


def test_an_error_of_a_manifest_may_have_more_or_less_than_ours():
    reconciler = batch(1)
    error = {"error": "KlingContentPolicyError", "permanent": True, "at": START + 1, "something_new": [1]}
    recall(reconciler, {"key": "k0", "external_task_id": "x0", "status": "failed", "error": error, "more": 1})
    assert reconciler.records()[0]["error"]["error"] == "KlingContentPolicyError"
    assert reconciler.records()[0]["status"] == "failed"


def test_what_a_post_paid_account_is_charged_is_in_the_manifest_and_is_read_again():
    reconciler = batch(1)
    reconciler.decide(START)
    reconciler.observed("k0", dataclasses.replace(finished(0), cash="0.42"), START)
    (line,) = reconciler.records()
    assert line["cash"] == "0.42"
    record = read_record(line)
    assert record is not None
    assert (record.cash, record.task("image2video").cash) == ("0.42", "0.42")


def test_what_all_videos_cost_in_cash_is_added_up_and_what_is_not_an_amount_is_not():
    reconciler = batch(4)
    for number, cash in enumerate(["0.42", "0.08", "NaN", "-1"]):
        reconciler.observed(f"k{number}", dataclasses.replace(finished(number), cash=cash), START)
    assert reconciler.progress()["cash"] == 0.5
    reconciler.observed("k0", dataclasses.replace(finished(0), cash="0.40"), START)
    assert reconciler.progress()["cash"] == pytest.approx(0.48), "an item counts once"


@pytest.mark.parametrize("at", [10**400, -(10**400), True, "soon", None, float("nan"), float("inf")])
def test_an_invalid_time_in_a_manifest_does_not_end_an_item(at):
    error = {"error": "KlingContentPolicyError", "permanent": True, "at": at}
    record = read_record({"key": "k", "external_task_id": "x", "status": "failed", "error": error})
    assert record.permanent_failure_since(START) is None


@pytest.mark.parametrize("task_id", ["../../account/costs", "a b", "", None, 7.5, "x" * 500])
def test_a_manifest_cannot_name_a_task_by_what_is_not_an_id(task_id):
    record = read_record({"key": "k", "external_task_id": "x", "status": "running", "task_id": task_id})
    assert (record.task_id, record.may_be_paid) == ("", False)
