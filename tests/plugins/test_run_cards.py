"""Conversion of task instances and manifests to the cards of a gallery."""

from __future__ import annotations

import dataclasses
import json

import pytest

from airflow_provider_kling.plugins.run_cards import MAX_FILES, MESSAGE_CHARACTERS, cards_of, item_of_line, progress_of
from airflow_provider_kling.utils._airflow.run_reader import RunTask

MANIFEST = {
    "task_id": "875",
    "status": "succeed",
    "endpoint": "image2video",
    "units": "1.8",
    "videos": [{"id": "v", "url": "https://host.example/v.mp4?sig=x", "duration": "5.0"}],
    "files": [{"uri": "file:///data/cat.mp4", "bytes": 5, "poster": "file:///data/cat.poster.jpg"}],
}


def made(**changes) -> RunTask:
    ours = RunTask("animate", operator="KlingImageToVideoOperator", state="success", start=10, end=70)
    return dataclasses.replace(ours, **changes)


def only(*tasks, items=None):
    (card,) = cards_of(tasks, items or {})
    return card


def test_a_finished_task_is_a_card_with_poster_units_and_no_place_of_a_file():
    shown = only(made(xcoms={"return_value": MANIFEST, "task_id": "875"})).to_dict()
    assert (shown["name"], shown["state"], shown["units"], shown["kind"]) == ("animate", "done", "1.8", "videos")
    assert (shown["poster"], shown["files"], shown["kling_task_id"]) == (True, 1, "875")
    assert "data" not in json.dumps(shown), "a place goes to nobody"


@pytest.mark.parametrize(
    ("task", "state"),
    [
        (made(state=""), "waiting"),
        (made(state="scheduled"), "waiting"),
        (made(state="up_for_retry"), "waiting"),
        (made(state="deferred", trigger="KlingSlotTrigger"), "slot"),
        (made(state="deferred", trigger="KlingTaskTrigger"), "making"),
        (made(state="running"), "making"),
        (made(state="skipped"), "stopped"),
        (made(state="upstream_failed"), "failed"),
        (made(xcoms={"return_value": {**MANIFEST, "status": "submitted", "videos": [], "files": []}}), "making"),
        (made(xcoms={}), "done"),
    ],
)
def test_the_state_is_the_tasks_and_a_wait_for_a_slot_differs_from_the_generation(task, state):
    assert only(task).item.state == state


@pytest.mark.parametrize(
    ("group", "result", "shown"),
    [
        ("images", {"url": "https://h.example/a.png"}, ("image", "https://h.example/a.png", "")),
        ("audios", {"url": "https://h.example/a.mp3"}, ("audio", "https://h.example/a.mp3", "")),
        (
            "voices",
            {"voice_id": "9", "trial_url": "https://h.example/a.mp3"},
            ("audio", "https://h.example/a.mp3", "9"),
        ),
        ("elements", {"element_id": "7"}, ("", "", "7")),
        ("faces", {"face_id": "f", "image_url": "https://h.example/f.png"}, ("image", "https://h.example/f.png", "f")),
    ],
)
def test_each_kind_of_result_has_how_a_browser_shows_it(group, result, shown):
    manifest = {**{name: MANIFEST[name] for name in ("task_id", "status")}, group: [result]}
    card = only(made(xcoms={"return_value": manifest})).to_dict()
    assert (card["kind"], (card["shows"], card["link"], card["result_id"])) == (group, shown)


def test_a_mapped_task_has_its_label_or_its_number():
    assert only(made(map_index=3, label="cat.jpg")).name == "cat.jpg"
    assert only(made(map_index=3, label="cat.jpg: waits for a slot")).name == "cat.jpg"
    assert only(made(map_index=3)).name == "animate 3"
    assert only(made(label="cat.jpg")).name == "animate", "a task that is not mapped is known by its id"


def test_submit_wait_and_store_are_one_card_with_the_stored_file():
    submitted = {**MANIFEST, "status": "submitted", "videos": [], "files": [], "units": ""}
    waited = {**MANIFEST, "files": []}
    tasks = [
        made(xcoms={"return_value": submitted, "task_id": "875"}),
        made(task_id="store", operator="KlingToObjectStorageOperator", xcoms={"return_value": MANIFEST}),
        made(task_id="wait", operator="KlingTaskSensor", xcoms={"return_value": waited}),
    ]
    for order in (tasks, tasks[::-1]):
        card = only(*order)
        assert (card.name, card.item.state, card.item.units) == ("animate", "done", "1.8")
        assert card.item.files == ("file:///data/cat.mp4",)
        assert card.task.task_id == "animate"
        assert card.to_dict()["holder"] == ["store", -1], "whose manifest names the file"


def test_what_only_counts_has_no_card():
    assert cards_of([made(task_id="sum_up", operator="KlingRunSummaryOperator")], {}) == []


def test_a_failed_sensor_is_shown_on_the_card_of_the_submission():
    submitted = {**MANIFEST, "status": "submitted", "videos": [], "files": []}
    failure = {"error": "KlingContentPolicyError", "message": "Change the prompt", "task_id": "875"}
    card = only(
        made(xcoms={"return_value": submitted}),
        made(task_id="wait", operator="KlingTaskSensor", state="failed", xcoms={"failure": failure}),
    )
    assert (card.item.state, card.item.message) == ("failed", "Change the prompt")


def test_a_transfer_that_failed_takes_no_result_away():
    store = made(task_id="store", operator="KlingToObjectStorageOperator", state="failed")
    store = dataclasses.replace(store, xcoms={"return_value": MANIFEST, "failure": {"message": "The disk is full"}})
    assert only(made(xcoms={"return_value": {**MANIFEST, "files": []}}), store).item.state == "done"


def test_a_sensor_of_another_runs_task_has_a_card_once_it_knows_it():
    waiting = made(task_id="wait", operator="KlingTaskSensor", state="deferred", trigger="KlingTaskTrigger")
    assert cards_of([waiting], {}) == []
    done = dataclasses.replace(waiting, state="success", trigger="", xcoms={"return_value": MANIFEST})
    assert only(done).name == "wait"


def test_a_batch_is_a_card_for_each_line_and_one_without_lines_is_one():
    batch = made(task_id="all", operator="KlingImageToVideoBatchOperator", state="deferred")
    lines = [
        {
            "key": "cat",
            "status": "succeed",
            **{name: MANIFEST[name] for name in ("task_id", "units", "videos", "files")},
        },
        {"key": "dog", "status": "running", "task_id": "876", "error": None},
        {"key": "fox", "status": "failed", "error": {"message": "Change the prompt"}},
        {"key": "owl", "status": "waiting"},
    ]
    cards = cards_of([batch], {("all", -1): [item_of_line(line) for line in lines]})
    assert [(card.name, card.item.state, card.number) for card in cards] == [
        ("cat", "done", 0),
        ("dog", "making", 1),
        ("fox", "failed", 2),
        ("owl", "waiting", 3),
    ]
    assert cards[2].item.message == "Change the prompt"
    assert only(batch).number == -1


def test_what_is_counted():
    cards = [only(made(xcoms={"return_value": MANIFEST}))] * 3 + [only(made(state="deferred", end=0))]
    cards.append(only(made(state="failed", xcoms={"return_value": MANIFEST})))  # what failed is not charged
    progress = progress_of(cards)
    assert (progress.counts, progress.total, progress.left) == ({"done": 3, "making": 1, "failed": 1}, 5, 1)
    assert (str(progress.units), progress.priced, progress.started) == ("5.4", 3, 10)


JUNK = [None, 5, "x", [], {}, [None], {"url": 5}, float("inf"), "\ud800", "<script>alert(1)</script>"]


@pytest.mark.parametrize("junk", JUNK, ids=repr)
def test_xcoms_and_lines_may_hold_anything(junk):
    names = ("task_id", "units", "videos", "files", "error", "status", "key", "images")
    for value in (dict.fromkeys(names, junk), {**MANIFEST, "files": [{"uri": junk, "poster": junk}]}, junk):
        card = only(made(xcoms=dict.fromkeys(("return_value", "failure", "task_id", "manifest_uri"), value)))
        json.dumps(card.to_dict()).encode()
        progress_of([card]).sentence(5)
        if isinstance(value, dict):
            json.dumps(only(made(), items={("animate", -1): [item_of_line(value)]}).to_dict()).encode()


def test_what_others_wrote_is_bounded_on_a_card():
    files = [{"uri": f"/{number}.mp4"} for number in range(10_000)]
    card = only(made(xcoms={"return_value": {**MANIFEST, "files": files}}))
    assert card.to_dict()["files"] == MAX_FILES
    failed = only(made(state="failed", xcoms={"failure": {"message": "\x1b[31mred " + "words " * 10_000}}))
    assert len(failed.item.message) == MESSAGE_CHARACTERS
    assert "\x1b" not in failed.item.message


def test_a_link_that_would_run_is_not_a_link():
    videos = [{"url": "javascript:alert(1)"}]
    assert only(made(xcoms={"return_value": {**MANIFEST, "videos": videos}})).item.link == ""
