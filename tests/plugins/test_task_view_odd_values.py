"""XComs, manifests, trigger arguments and fields of any shape give a page."""

from __future__ import annotations

import json

import pytest
from support_task_view import NOW, SUBMISSION, manifest, record, rows, view

from airflow_provider_kling.plugins.task_view import view_of

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
