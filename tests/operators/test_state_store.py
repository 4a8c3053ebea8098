"""What the task state store has of a submission, and an upgrade between two tries."""

from __future__ import annotations

import pytest
from support import StateStore, again
from support_operators import operator, run

from airflow_provider_kling import __version__
from airflow_provider_kling import exceptions as errors
from airflow_provider_kling.submission import identity


class BrokenStore:
    def get(self, key, default=None):
        raise OSError("the state store is down")

    def set(self, key, value):
        raise OSError("the state store is down")


def test_a_state_store_that_is_down_fails_nothing_that_is_paid(kling, ti):
    context = {"ti": ti, "task_state_store": BrokenStore()}
    manifest = operator().execute(context)
    assert ti.xcoms["task_id"] == manifest["task_id"] == kling.tasks()[0]["task_id"]
    assert operator().execute({**context, "ti": again(ti)})["task_id"] == manifest["task_id"]
    assert len(kling.requests(method="POST")) == 1, "the retry looked before it sent"


def test_what_is_submitted_is_kept_in_the_task_state_store_before_the_post_and_nothing_after_it(kling, ti):
    store = StateStore()
    kling.fault(code=1102, operation="create")
    with pytest.raises(errors.KlingAccountError):
        operator().execute({"ti": ti, "task_state_store": store})
    assert set(store) == {"submission"}
    operator().execute({"ti": again(ti), "task_state_store": store})
    (task,) = kling.tasks()
    assert set(store) == {"submission"}, "each entry is a request to Airflow; the XCom says what Kling made of it"
    assert store["submission"]["external_task_id"] == task["external_task_id"]


def upgraded(monkeypatch):
    """From now on another version of the package runs, which encodes the content differently."""
    whole = identity.fingerprint
    monkeypatch.setattr("airflow_provider_kling.operators.record.__version__", "99.0")
    monkeypatch.setattr(
        "airflow_provider_kling.submission.identity.fingerprint",
        lambda **parts: whole(**{**parts, "content": {**parts["content"], "encoded": "otherwise"}}),
    )


def test_an_upgrade_between_two_tries_pays_nothing(kling, ti, monkeypatch, logged):
    context = {"ti": ti, "task_state_store": StateStore()}
    first = operator().execute(context)
    upgraded(monkeypatch)
    later = operator()
    lines = logged(later)
    assert later.execute({**context, "ti": again(ti)})["task_id"] == first["task_id"]
    assert any(f"Version {__version__} of this package" in line for line in lines)
    assert operator().execute({**context, "ti": again(again(ti))})["task_id"] == first["task_id"]


def test_a_changed_prompt_is_a_new_video_whatever_the_store_holds(kling, ti, monkeypatch):
    context = {"ti": ti, "task_state_store": StateStore()}
    operator().execute(context)
    operator(prompt="Another").execute({**context, "ti": again(ti)})
    assert len(kling.tasks()) == 2
    upgraded(monkeypatch)
    operator(prompt="A third").execute({**context, "ti": again(ti)})
    assert len(kling.tasks()) == 3


@pytest.mark.parametrize("stored", [None, "text", 7, [], {}, {"external_task_id": 5}, {"external_task_id": "../../x"}])
def test_what_is_not_a_record_of_ours_in_the_store_is_not_used(kling, ti, stored):
    first = run(ti)
    context = {"ti": again(ti), "task_state_store": StateStore(submission=stored)}
    assert operator().execute(context)["task_id"] == first["task_id"]


@pytest.mark.parametrize("store", [None, StateStore()])
def test_retries_that_were_edited_between_two_tries_are_no_clear(kling, ti, store):
    ti.max_tries = 2
    context = {"ti": ti, "task_state_store": store}
    first = operator(retries=2, on_clear="regenerate").execute(context)
    second = operator(retries=5, on_clear="regenerate").execute({**context, "ti": again(ti)})
    assert second["task_id"] == first["task_id"]


def test_with_a_store_on_clear_may_be_edited_between_two_tries(kling, ti):
    ti.max_tries = 2
    context = {"ti": ti, "task_state_store": StateStore()}
    first = operator(retries=2).execute(context)
    second = operator(retries=2, on_clear="regenerate").execute({**context, "ti": again(ti)})
    cleared = again(ti, max_tries=4)
    third = operator(retries=2, on_clear="regenerate").execute({**context, "ti": cleared})
    fourth = operator(retries=2).execute({**context, "ti": again(cleared, max_tries=6)})
    assert [second["task_id"], fourth["task_id"]] == [first["task_id"], third["task_id"]]
    assert len(kling.tasks()) == 2
