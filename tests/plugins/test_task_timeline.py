"""The time line of a task, and when it is asked about again."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from support_task_view import NOW, SUBMISSION, manifest, record, rows, view

from airflow_provider_kling.triggers import KlingSlotTrigger, KlingSubmitTrigger, KlingTaskTrigger
from airflow_provider_kling.utils.ours import our_trigger

if TYPE_CHECKING:
    from airflow_provider_kling.utils._airflow.api_server import TaskRecord


def waiting(trigger, **more) -> TaskRecord:
    """A task in the triggerer, with the arguments that the real trigger serializes."""
    path, arguments = trigger.serialize()
    return record("deferred", trigger=path.rpartition(".")[2], trigger_arguments=arguments, **more)


def test_facts_ids_and_time_line_of_a_finished_task():
    end = datetime.fromtimestamp(NOW - 50, UTC)
    submission = {**SUBMISSION, "slot_since": int((NOW - 260) * 1000)}
    files = [{"uri": "/a.mp4"}]
    shown = view(record(end=end, xcoms={"return_value": manifest(files=files), "submission": submission}))
    assert (shown["headline"], shown["tone"], shown["refresh_seconds"]) == ("Done", "good", 0)
    facts = rows(shown["facts"])
    assert (facts["Product"], facts["Model"], facts["Units charged"]) == ("image2video", "kling-v3", "3")
    assert facts["Estimated cost"] == SUBMISSION["estimate"]
    assert rows(shown["ids"]) == {"Kling's task id": "179", "external_task_id": "af-1", "Kling's request id": "q1"}
    steps = [(step["label"], round(NOW - step["at"] / 1000)) for step in shown["time_line"]]
    assert steps == [
        ("Waited for a slot", 260),
        ("Submitted", 200),
        ("Accepted by Kling", 199),
        ("Made by Kling", 60),
        ("Stored", 50),
    ]


@pytest.mark.parametrize(("seconds", "words"), [(60, "60 s outside"), (600, "10 min outside"), (0, "outside")])
def test_the_time_line_shows_how_long_a_task_waited_for_a_slot(seconds, words):
    submission = {**SUBMISSION, "slot_since": SUBMISSION["submitted_at"] - seconds * 1000}
    step = view(record(xcoms={"submission": submission}))["time_line"][0]
    assert (step["label"], step["note"]) == ("Waited for a slot", f"{words} the worker")


def test_a_task_that_stored_nothing_has_ended_and_not_stored():
    end = datetime.fromtimestamp(NOW, UTC)
    steps = view(record(end=end, xcoms={"return_value": manifest()}))["time_line"]
    assert (steps[-1]["label"], steps[-1]["note"]) == ("Ended in Airflow", "success")


@pytest.mark.parametrize("moment", [10**20, -5, True, "yesterday", 1e300])
def test_what_is_not_a_time_is_not_a_step(moment):
    shown = view(record(xcoms={"return_value": manifest(updated_at=moment)}))["time_line"]
    assert [step["label"] for step in shown] == ["Accepted by Kling"]


def test_a_task_without_a_slot_shows_since_when_it_waits():
    trigger = KlingSlotTrigger(
        since=NOW - 90, until=NOW + 1000, external_task_id="af-1", deferred_at=NOW - 90, estimate="about 3 units"
    )
    shown = view(waiting(trigger))
    assert shown["headline"] == "No slot yet"
    assert rows(shown["facts"])["Estimated cost"] == "about 3 units"
    assert shown["wait"]["what"] == "no slot yet"
    assert shown["wait"]["since"] == int((NOW - 90) * 1000)
    assert shown["wait"]["until"] == int((NOW + 1000) * 1000)
    assert (shown["wait"]["every_seconds"], shown["wait"]["usual"]) == (2, "about 3 min")
    assert [step["label"] for step in shown["time_line"]] == ["Waits for a slot"]
    assert shown["refresh_seconds"] > 0


def test_a_running_task_shows_the_usual_time_and_the_next_poll():
    trigger = KlingTaskTrigger(
        kling_task_id="179", end_time=NOW + 3400, poll_interval=15, first_poll_at=NOW + 20, deferred_at=NOW - 190
    )
    shown = view(waiting(trigger, xcoms={"submission": SUBMISSION}))
    wait = shown["wait"]
    assert (shown["headline"], wait["what"]) == ("Being made", "being made")
    assert wait["since"] == SUBMISSION["accepted_at"]
    assert wait["next_look"] == int((NOW + 20) * 1000)
    assert wait["usual"].startswith("about ")
    assert "Usual time" not in rows(shown["facts"]), "it stands beside the wait"
    assert rows(shown["ids"])["Kling's task id"] == "179"


def after_submission(trigger, **more) -> TaskRecord:
    """The task of a trigger that has submitted, called as the API server calls it."""
    path, arguments = trigger.serialize()
    name = our_trigger(path, has_task=True)
    return record("deferred", trigger=name, trigger_arguments=arguments, xcoms={"task_id": "179", **more})


def test_the_wait_in_the_trigger_that_submitted_ends_its_timeout_after_kling_accepted_the_task():
    trigger = KlingSubmitTrigger(since=NOW - 400, until=NOW + 9000, deferred_at=NOW - 400, timeout=600.0)
    shown = view(after_submission(trigger, submission=SUBMISSION))
    assert shown["headline"] == "Being made"
    assert shown["wait"]["until"] == SUBMISSION["accepted_at"] + 600_000


@pytest.mark.parametrize("timeout", [None, float("nan"), float("inf"), 1e300, -5.0, "600"])
def test_a_timeout_that_is_none_gives_the_wait_no_end(timeout):
    trigger = KlingSubmitTrigger(since=NOW - 400, until=NOW + 9000, deferred_at=NOW - 400, timeout=timeout)
    assert view(after_submission(trigger, submission=SUBMISSION))["wait"]["until"] == 0


def test_a_wait_whose_begin_at_kling_is_not_known_has_no_end():
    trigger = KlingSubmitTrigger(since=NOW - 400, until=NOW + 9000, deferred_at=NOW - 400, timeout=600.0)
    assert view(after_submission(trigger))["wait"]["until"] == 0


def test_after_the_first_poll_the_next_is_within_the_interval():
    trigger = KlingTaskTrigger(kling_task_id="179", poll_interval=15, first_poll_at=NOW - 20, deferred_at=NOW - 190)
    wait = view(waiting(trigger))["wait"]
    assert (wait["next_look"], wait["every_seconds"]) == (0, 15)
    assert wait["since"] == int((NOW - 190) * 1000)


def test_what_nobody_has_measured_is_not_called_usual():
    trigger = KlingTaskTrigger(kling_task_id="1", endpoint="a-product-of-tomorrow", deferred_at=NOW)
    assert view(waiting(trigger))["wait"]["usual"] == ""


@pytest.mark.parametrize(
    "state", ["", "scheduled", "queued", "running", "deferred", "up_for_retry", "up_for_reschedule"]
)
def test_a_task_that_has_not_ended_is_asked_about_again(state):
    assert view(record(state))["refresh_seconds"] > 0
    assert view(record(state))["headline"]


@pytest.mark.parametrize("state", ["success", "failed", "skipped", "upstream_failed", "removed"])
def test_a_task_that_has_ended_is_not(state):
    assert view(record(state))["refresh_seconds"] == 0
