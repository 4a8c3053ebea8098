"""The content of the tab of a task."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from airflow_provider_kling.models import Audio, Element, Image, Task, TaskStatus, Video, Voice
from airflow_provider_kling.plugins.task_results import frames_shown, input_image_uri, stored_uri
from airflow_provider_kling.plugins.task_view import view_of
from airflow_provider_kling.triggers import KlingSlotTrigger, KlingSubmitTrigger, KlingTaskTrigger
from airflow_provider_kling.utils._airflow.api_server import TaskKey, TaskRecord
from airflow_provider_kling.utils.ours import our_trigger

NOW = 1_800_000_000.0
KEY = TaskKey("d", "r", "animate", -1)
SUBMISSION = {
    "endpoint": "image2video",
    "model_name": "kling-v3",
    "slot_since": None,
    "submitted_at": int((NOW - 200) * 1000),
    "accepted_at": int((NOW - 199) * 1000),
    "adopted": False,
    "estimate": "about 3 units, $0.42 (price list of 2026-09)",
}


def manifest(*results, status=TaskStatus.SUCCEED, ended=NOW - 60, **more):
    task = Task(
        task_id="179",
        external_task_id="af-1",
        status=status,
        endpoint="image2video",
        created_at=int((NOW - 199) * 1000),
        updated_at=int(ended * 1000),
        units="3",
        results=results or (Video("v1", "https://cdn.example.com/v.mp4?Signature=s", "5.041"),),
        request_id="q1",
    )
    return {**task.manifest(model_name="kling-v3"), **more}


def record(state="success", operator="KlingImageToVideoOperator", **more) -> TaskRecord:
    return TaskRecord(key=KEY, state=state, operator=operator, **more)


def view(given: TaskRecord):
    """What the page gets; it goes through JSON."""
    return json.loads(json.dumps(view_of(given, NOW)))


def rows(shown):
    return {row["label"]: row["value"] for row in shown}


def waiting(trigger, **more) -> TaskRecord:
    """A task in the triggerer, with the arguments that the real trigger serializes."""
    path, arguments = trigger.serialize()
    return record("deferred", trigger=path.rpartition(".")[2], trigger_arguments=arguments, **more)


# Whose task it is.


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


# A finished task.


def test_a_stored_video_is_played_from_its_copy_with_klings_link_behind_it():
    files = [{"uri": "s3://conn@videos/a.mp4", "bytes": 3_000_000, "sha256": "0", "duration": 5.041}]
    (result,) = view(record(xcoms={"return_value": manifest(files=files)}))["results"]
    assert result == {
        "kind": "video",
        "title": "a.mp4",
        "file": 0,
        "link": "https://cdn.example.com/v.mp4?Signature=s",
        "place": "s3://videos/a.mp4",
        "id": "",
        "notes": ["5.0 s", "3.0 MB"],
    }


@pytest.mark.parametrize(("index", "uri"), [(-1, None), (0, "/a.mp4"), (1, "/b.mp4"), (2, None)])
def test_a_stored_file_has_a_number_from_0(index, uri):
    assert stored_uri(manifest(files=[{"uri": "/a.mp4"}, {"uri": "/b.mp4"}]), index) == uri


def test_a_video_that_was_not_stored_is_played_from_kling():
    (result,) = view(record(xcoms={"return_value": manifest()}))["results"]
    assert (result["file"], result["link"]) == (None, "https://cdn.example.com/v.mp4?Signature=s")


def test_what_kling_has_deleted_is_not_offered():
    old = manifest(ended=NOW - 31 * 86_400)
    (result,) = view(record(xcoms={"return_value": old}))["results"]
    assert result["link"] == ""
    assert "Kling has deleted it" in result["notes"][0]
    (stored,) = view(record(xcoms={"return_value": {**old, "files": [{"uri": "/a.mp4"}]}}))["results"]
    assert (stored["file"], stored["link"]) == (0, "")


def test_a_watermarked_copy_follows_with_a_label():
    video = Video("v1", "https://h.example/a.mp4", "5", watermark_url="https://h.example/w.mp4")
    files = [{"uri": "/a.mp4"}, {"uri": "/a_watermark.mp4", "watermark": True}]
    plain, twin = view(record(xcoms={"return_value": manifest(video, files=files)}))["results"]
    assert (plain["link"], twin["link"]) == ("https://h.example/a.mp4", "https://h.example/w.mp4")
    assert "with watermark" in twin["notes"]
    assert "with watermark" not in plain["notes"]


@pytest.mark.parametrize(
    ("result", "kinds", "name"),
    [
        (Image(0, "https://h.example/a.png"), ["image"], ""),
        (Audio("1", "https://h.example/a.mp3", "3", "https://h.example/a.wav"), ["audio", "audio"], ""),
        (Voice("9", "Ann", "https://h.example/a.mp3"), ["audio", "voice"], "9"),
        (Element("7", "A cup"), ["element"], "7"),
    ],
)
def test_each_kind_of_result_has_its_own_view_and_its_id_to_copy(result, kinds, name):
    shown = view(record(xcoms={"return_value": manifest(result)}))["results"]
    assert [found["kind"] for found in shown] == kinds
    assert shown[-1]["id"] == name


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


def test_a_task_that_stored_nothing_has_ended_and_not_stored():
    end = datetime.fromtimestamp(NOW, UTC)
    steps = view(record(end=end, xcoms={"return_value": manifest()}))["time_line"]
    assert (steps[-1]["label"], steps[-1]["note"]) == ("Ended in Airflow", "success")


@pytest.mark.parametrize("moment", [10**20, -5, True, "yesterday", 1e300])
def test_what_is_not_a_time_is_not_a_step(moment):
    shown = view(record(xcoms={"return_value": manifest(updated_at=moment)}))["time_line"]
    assert [step["label"] for step in shown] == ["Accepted by Kling"]


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


# A task that waits.


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


# A failure.


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


# What the task was given.


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


# Whatever stands there.

ANYTHING = [None, "", "x", 7, -1, True, [], [None], {}, {"a": 1}, 1e300, "9" * 9, [[[]]], {"task_id": [], "files": {}}]


@pytest.mark.parametrize("value", ANYTHING)
@pytest.mark.parametrize("key", ["return_value", "submission", "failure", "progress", "task_id"])
def test_an_xcom_of_any_shape_gives_a_page(key, value):
    for state in ("success", "failed", "running"):
        assert view(record(state, xcoms={key: value}))["headline"]


@pytest.mark.parametrize("value", ANYTHING)
@pytest.mark.parametrize(
    "name", ["endpoint", "model_name", "created_at", "updated_at", "units", "videos", "files", "status"]
)
def test_a_manifest_of_any_shape_gives_a_page(name, value):
    assert view(record(xcoms={"return_value": {**manifest(), name: value}}))["headline"]
    assert view(record("deferred", xcoms={"submission": {**SUBMISSION, name: value}}))["headline"]


def test_what_is_not_a_measure_and_no_product_is_passed_over():
    files = [{"uri": "/a.mp4", "bytes": "<b>", "duration": [5], "width": "<b>", "height": {"a": 1}}]
    returned = {**manifest(files=files), "endpoint": 7}
    shown = view(record(xcoms={"return_value": returned, "submission": {**SUBMISSION, "endpoint": "image2video"}}))
    assert shown["results"][0]["notes"] == []
    assert rows(shown["facts"])["Product"] == "image2video"


@pytest.mark.parametrize("value", ANYTHING)
@pytest.mark.parametrize("trigger", ["KlingTaskTrigger", "KlingSlotTrigger", "KlingBatchTrigger"])
def test_trigger_arguments_of_another_version_make_a_page(trigger, value):
    names = ("since", "until", "end_time", "first_poll_at", "poll_interval", "deferred_at", "endpoint", "kling_task_id")
    given = record("deferred", trigger=trigger, trigger_arguments=dict.fromkeys(names, value))
    assert view(given)["headline"]


def test_what_is_read_aloud_stands_beside_the_result_and_not_among_the_parameters():
    shown = view(record(operator="KlingTextToSpeechOperator", fields={"text": "A boat\nleaves", "voice_id": "v"}))
    assert (shown["text"], rows(shown["parameters"])) == ("A boat leaves", {"voice_id": "v"})


@pytest.mark.parametrize("value", ANYTHING)
def test_rendered_fields_of_any_shape_make_a_page(value):
    names = ("prompt", "negative_prompt", "text", "image", "image_tail", "image_list", "model_name", "duration")
    assert view(record(fields=dict.fromkeys(names, value)))["headline"]


def test_what_others_wrote_is_bounded():
    long = "<b>" * 100_000
    fields = {f"field{number}": long for number in range(1000)} | {"prompt": long, "image": long}
    files = [{"uri": long}] * 10_000
    given = record(fields=fields, xcoms={"return_value": manifest(files=files), "failure": {"message": long}})
    assert len(json.dumps(view_of(given, NOW))) < 100_000
