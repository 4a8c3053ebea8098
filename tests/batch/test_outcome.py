"""What the end of a batch means for its Airflow task: every end has its row."""

from __future__ import annotations

import itertools

import pytest

from airflow_provider_kling.batch.actions import Failure, Finish
from airflow_provider_kling.batch.outcome import outcome_event

PERMANENT = Failure("KlingContentPolicyError", 1301, "no", permanent=True, at=1.0)
TRANSIENT = Failure("KlingTaskFailedError", None, "busy", permanent=False, at=1.0)


def outcome_of(finish: Finish, *statuses: str | Failure, stop_on_failure: bool = False) -> tuple[str, bool]:
    records = []
    for number, status in enumerate(statuses):
        failure = status if isinstance(status, Failure) else None
        error = {"message": failure.message, "permanent": failure.permanent} if failure else None
        records.append({"key": str(number), "status": "failed" if failure else status, "error": error})
    words = [record["status"] for record in records]
    summary = {
        "items": len(words),
        "done": words.count("succeed"),
        "failed": words.count("failed"),
        "running": words.count("running") + words.count("storing"),
        "stopped": words.count("stopped"),
        "units": 0.0,
        "cash": 0.0,
        "manifest_uri": "file:///manifest.jsonl",
    }
    event = outcome_event(finish, records, summary, stop_on_failure=stop_on_failure)
    return event["status"], event["permanent"]


@pytest.mark.parametrize("stop_on_failure", [False, True])
@pytest.mark.parametrize("refusal", [None, PERMANENT, TRANSIENT])
@pytest.mark.parametrize("outstanding", ["running", "storing"])
def test_what_is_paid_and_not_stored_is_never_a_success_and_never_given_up(outstanding, refusal, stop_on_failure):
    for others in itertools.product(["succeed", "stopped", PERMANENT, TRANSIENT], repeat=2):
        finish = Finish("timeout", refusal)
        assert outcome_of(finish, outstanding, *others, stop_on_failure=stop_on_failure) == ("timeout", False)


@pytest.mark.parametrize(
    ("statuses", "lenient", "strict"),
    [
        (("succeed", "succeed"), ("success", False), ("success", False)),
        (("succeed", TRANSIENT), ("success", False), ("failed", False)),
        (("succeed", PERMANENT), ("success", False), ("failed", True)),
        ((TRANSIENT, TRANSIENT), ("failed", False), ("failed", False)),
        ((TRANSIENT, PERMANENT), ("failed", False), ("failed", True)),
        ((PERMANENT, PERMANENT), ("failed", True), ("failed", True)),
    ],
)
def test_failed_items(statuses, lenient, strict):
    assert outcome_of(Finish("done"), *statuses) == lenient
    reason = "item_failure" if any(isinstance(status, Failure) for status in statuses) else "done"
    assert outcome_of(Finish(reason), *statuses, stop_on_failure=True) == strict


def test_max_units():
    assert outcome_of(Finish("max_units"), "succeed", "stopped") == ("success", False)
    assert outcome_of(Finish("max_units"), "stopped", "stopped") == ("failed", True)
    assert outcome_of(Finish("max_units"), TRANSIENT, "stopped") == ("failed", False)
    assert outcome_of(Finish("max_units"), "succeed", "stopped", stop_on_failure=True) == ("failed", True)


def test_the_error_of_a_refusal_decides_whether_it_is_permanent():
    assert outcome_of(Finish("refused", PERMANENT), "succeed", "stopped") == ("failed", True)
    assert outcome_of(Finish("refused", TRANSIENT), "succeed", "stopped") == ("failed", False)
