"""What the tab shows of a task: whose it is, facts, ids, failures and inputs."""

from __future__ import annotations

import pytest
from support_task_view import SUBMISSION, manifest, record, rows, view

from airflow_provider_kling.models import TaskStatus, Video
from airflow_provider_kling.plugins.task_results import frames_shown, input_image_uri


@pytest.mark.parametrize("state", ["success", "failed", "running", "", "deferred"])
def test_a_task_of_others_is_not_klings_and_is_not_asked_about_again(state):
    shown = view(record(state, operator="BashOperator", xcoms={"return_value": {"task_id": "x"}, "failure": {}}))
    assert shown["is_kling"] is False
    assert shown["refresh_seconds"] == 0


def test_nothing_of_a_task_of_others_is_disclosed():
    given = record(
        operator="BashOperator", fields={"bash_command": "x", "prompt": "p"}, xcoms={"return_value": {"a": 1}}
    )
    shown = view(given)
    assert not any(shown[name] for name in ("prompt", "parameters", "facts", "ids", "results", "frames", "time_line"))


@pytest.mark.parametrize(
    "given",
    [
        record("running"),
        record("success", operator="MyVideo", xcoms={"return_value": manifest()}),
        record("failed", operator="MyVideo", xcoms={"submission": SUBMISSION}),
        record("deferred", operator="MyVideo", trigger="KlingSlotTrigger"),
    ],
)
def test_a_subclass_with_another_name_is_klings_too(given):
    assert view(given)["is_kling"] is True


def test_a_result_in_another_xcom_backend_is_reported_with_what_to_do():
    shown = view(record(xcoms={"return_value": "s3://xcoms/d/r/animate/1.json"}))
    assert (shown["headline"], shown["results"]) == ("Done", [])
    assert shown["sentence"].startswith("Let the XCom backend leave values of a few kB in Airflow's database")
    assert "not in Airflow's database" in view(record())["sentence"]


def test_the_facts_of_a_finished_task_include_the_usual_time():
    assert rows(view(record(xcoms={"return_value": manifest()}))["facts"])["Usual time"].startswith("about ")


@pytest.mark.parametrize(("cash", "shown"), [("0", None), ("0.42", "0.42"), (None, None)])
def test_cash_is_named_where_some_was_charged(cash, shown):
    facts = rows(view(record(xcoms={"return_value": manifest(cash=cash)}))["facts"])
    assert facts.get("Cash charged") == shown


def test_a_task_that_only_submits_names_the_task_with_the_result():
    given = record(xcoms={"return_value": manifest(status=TaskStatus.SUBMITTED, videos=[])})
    assert view(given)["headline"] == "Submitted"
    assert "task that waits" in view(given)["sentence"]


def test_an_adopted_task_is_shown_as_not_paid_again():
    given = record(xcoms={"submission": {**SUBMISSION, "adopted": True}})
    (accepted,) = [step for step in view(given)["time_line"] if step["label"] == "Accepted by Kling"]
    assert "not paid again" in accepted["note"]


def test_what_a_batch_did_is_counted():
    summary = {"batch_id": "b", "manifest_uri": "s3://v/m.jsonl", "items": 9, "done": 8, "failed": 1, "units": 24.0}
    summary |= {"running": 0, "stopped": 0, "cash": 0.0}
    fields = {"items": [{"key": "a"}], "output_uri": "s3://v/"}
    shown = view(record(operator="KlingImageToVideoBatchOperator", xcoms={"return_value": summary}, fields=fields))
    assert rows(shown["parameters"]) == {"output_uri": "s3://v/"}
    assert rows(shown["facts"]) == {"Units charged": "24.0", "Items": "9", "Done": "8", "Failed": "1"}
    assert rows(shown["ids"])["Batch manifest"] == "s3://v/m.jsonl"


def test_a_failure_shows_what_to_do_and_klings_code():
    failure = {
        "error": "KlingBalanceError",
        "code": 1102,
        "message": "Top up the account: it is empty.",
        "task_id": "5",
    }
    shown = view(record("failed", xcoms={"failure": failure}))
    assert shown["failure"] == {"sentence": "Top up the account: it is empty.", "code": "1102", "http_status": ""}
    assert shown["tone"] == "bad"
    assert rows(shown["ids"])["Kling's task id"] == "5"


def test_the_ids_of_a_failure_stand_once_where_they_can_be_copied():
    message = "Wait and clear the task: Kling is busy. task 179589, code 5001, HTTP 502, request_id eef3a5a7-6a50"
    shown = view(record("failed", xcoms={"failure": {"code": 5001, "message": message, "task_id": "179589"}}))
    assert shown["failure"] == {
        "sentence": "Wait and clear the task: Kling is busy.",
        "code": "5001",
        "http_status": "502",
    }
    assert rows(shown["ids"]) == {"Kling's task id": "179589", "Kling's request id": "eef3a5a7-6a50"}


def test_a_request_of_a_try_before_is_not_named_beside_a_result():
    failure = {"message": "It failed. request_id of-an-old-try", "task_id": "5"}
    shown = view(record(xcoms={"failure": failure, "return_value": manifest(request_id="")}))
    assert "Kling's request id" not in rows(shown["ids"])


@pytest.mark.parametrize("code", ["1102", "<b>" * 999, [1102], 1.5, None])
def test_what_is_not_a_number_is_not_a_code(code):
    assert view(record("failed", xcoms={"failure": {"message": "Top up.", "code": code}}))["failure"]["code"] == ""


def test_a_failure_that_a_later_try_corrected_is_not_shown():
    assert view(record(xcoms={"failure": {"message": "old"}, "return_value": manifest()}))["failure"] is None


def test_frames_that_a_browser_may_load_are_shown_and_others_are_named():
    fields = {"image": "https://h.example/a.png", "image_tail": "/data/b.png", "prompt": "It moves"}
    first, last = view(record(fields=fields))["frames"]
    link = "https://h.example/a.png"
    assert first == {"label": "First frame", "link": link, "stored": None, "text": link}
    assert last == {"label": "Last frame", "link": "", "stored": 1, "text": "/data/b.png"}
    assert input_image_uri(fields, 1) == "/data/b.png"
    assert [input_image_uri(fields, number) for number in (-1, 0, 2, 99)] == [None] * 4


@pytest.mark.parametrize("value", ["/a.jpg", "file:///a.jpg", "s3://c@b/a.png", "gs://b/a.jpeg"])
def test_a_path_and_a_storage_uri_can_be_asked_for_by_number(value):
    assert frames_shown({"image_list": [{"image": "https://h.example/a.png"}, value]})[1]["stored"] == 1
    assert input_image_uri({"image_list": [{"image": "https://h.example/a.png"}, value]}, 1) == value


@pytest.mark.parametrize(
    "value",
    ["a.jpg", "../a.jpg", "<inline image: image/jpeg>", "data:image/png;base64,iVBORw0K", "iVBORw0K" * 99, "/a\n.jpg",
     "/" + "a" * 5000, "Truncated. You can remove this behaviour", "javascript:alert(1)", "//h.example\u202e.jpg", 7],
)  # fmt: skip
def test_what_is_not_a_place_cannot_be_asked_for(value):
    assert all(frame["stored"] is None for frame in frames_shown({"image": value}))
    assert input_image_uri({"image": value}, 0) is None


@pytest.mark.parametrize(
    "link", ["javascript:alert(1)", "data:text/html,<script>", "file:///etc/passwd", "//h.example"]
)
def test_an_address_that_is_not_a_web_link_is_never_an_address(link):
    assert view(record(fields={"image": link}))["frames"][0]["link"] == ""
    foreign = manifest(Video("v", link))
    assert view(record(xcoms={"return_value": foreign}))["results"][0]["link"] == ""


def test_parameters_that_were_given_are_listed_once():
    fields = {"prompt": "It moves", "duration": 5, "mode": None, "cfg_scale": "None", "sound": "on", "image": "/a.png"}
    shown = view(record(fields={**fields, "camera_control": {"type": "simple", "config": {"zoom": 5}}}))
    camera = '{"type": "simple", "config": {"zoom": 5}}'
    assert rows(shown["parameters"]) == {"duration": "5", "sound": "on", "camera_control": camera}
    assert shown["prompt"] == "It moves"
