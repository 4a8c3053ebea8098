"""What the events of a task's outlets say, and that a task is never failed by them."""

from __future__ import annotations

import logging

import pytest
from airflow.sdk import Asset, AssetAlias
from airflow.sdk.execution_time.context import OutletEventAccessors
from support import PHOTOGRAPH, FakeTaskInstance

from airflow_provider_kling.hooks import KlingHook
from airflow_provider_kling.operators import KlingImageToVideoBatchOperator, KlingImageToVideoOperator
from airflow_provider_kling.sensors import KlingTaskSensor
from airflow_provider_kling.transfers import KlingToObjectStorageOperator
from airflow_provider_kling.utils._airflow.asset_events import describe_outlets, extra_of, stored
from airflow_provider_kling.utils._airflow.object_storage import place_of

VIDEOS, ALIAS = Asset("videos"), AssetAlias("stored")
FILE = {"uri": "s3://team@bucket/a.mp4", "bytes": 7, "sha256": "ab", "content_type": "video/mp4", "duration": 5.0}
MANIFEST = {
    "task_id": "7",
    "status": "succeed",
    "units": "1.8",
    "cash": "",
    "videos": [{"id": "1", "url": "https://kling.example.com/a.mp4?signature=s"}],
    "files": [FILE],
}
SUMMARY = {"batch_id": "b", "manifest_uri": "s3://bucket/manifest.jsonl", "items": 3, "done": 3, "stopped_by": None}


class Outlets:
    def __init__(self, *outlets):
        self.outlets = list(outlets)


@pytest.fixture
def context():
    return {"outlet_events": OutletEventAccessors(), "ti": FakeTaskInstance()}


def events_of_alias(context):
    return {event.dest_asset_key.uri: event.extra for event in context["outlet_events"][ALIAS].asset_alias_events}


def test_an_asset_gets_ids_cost_and_files_and_no_link_of_kling(context):
    describe_outlets(Outlets(VIDEOS), context, MANIFEST)
    assert context["outlet_events"][VIDEOS].extra == {"task_id": "7", "units": "1.8", "files": [FILE]}


def test_what_the_dag_wrote_into_an_event_stays(context):
    context["outlet_events"][VIDEOS].extra = {"units": "mine", "take": 2}
    describe_outlets(Outlets(VIDEOS), context, MANIFEST)
    extra = context["outlet_events"][VIDEOS].extra
    assert (extra["units"], extra["take"], extra["task_id"]) == ("mine", 2, "7")


def test_an_alias_gets_an_event_for_each_file_without_its_connection(context):
    describe_outlets(Outlets(ALIAS), context, MANIFEST)
    assert events_of_alias(context) == {"s3://bucket/a.mp4": {"task_id": "7", "units": "1.8", **FILE}}


def test_of_a_batch_the_manifest_is_the_asset(context):
    describe_outlets(Outlets(VIDEOS, ALIAS), context, SUMMARY)
    said = {name: value for name, value in SUMMARY.items() if value is not None}
    assert context["outlet_events"][VIDEOS].extra == said
    assert events_of_alias(context) == {"s3://bucket/manifest.jsonl": said}


def test_each_outlet_has_values_of_its_own(context):
    other = Asset("other")
    describe_outlets(Outlets(VIDEOS, other), context, MANIFEST)
    context["outlet_events"][VIDEOS].extra["files"].clear()
    assert MANIFEST["files"] == [FILE]
    assert context["outlet_events"][other].extra["files"] == [FILE]


@pytest.mark.parametrize("result", [None, "text", [], 7])
def test_a_result_that_is_not_a_manifest_gives_no_label(context, result):
    describe_outlets(Outlets(VIDEOS), context, result)
    assert context["outlet_events"][VIDEOS].extra == {}


def test_an_event_that_cannot_be_described_fails_nothing(caplog):
    with caplog.at_level(logging.WARNING):
        describe_outlets(Outlets(VIDEOS, ALIAS), {}, MANIFEST)
    assert caplog.text.count("does not say what was made") == 2


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("s3://team@bucket/a b.mp4", "s3://bucket/a b.mp4"),
        ("file:///tmp/a.mp4", "file:///tmp/a.mp4"),
        ("/tmp/a.mp4", "file:///tmp/a.mp4"),
        ("gs://bucket/a@2.mp4", "gs://bucket/a@2.mp4"),
    ],
)
def test_an_assets_uri_names_no_connection(uri, expected):
    assert place_of(uri).asset_uri == expected


def test_a_manifest_without_files_is_not_an_asset():
    assert list(stored({"task_id": "7"})) == []
    assert extra_of({"task_id": "7", "units": None}) == {"task_id": "7"}


@pytest.fixture
def finished(kling):
    task = KlingHook().create_task("image2video", {"image": str(PHOTOGRAPH), "duration": 3})
    kling.finish(task.task_id)
    return task.task_id


def test_the_operator_that_only_submits_emits_the_task(kling, context):
    KlingImageToVideoOperator(task_id="animate", image=str(PHOTOGRAPH), outlets=[VIDEOS]).execute(context)
    (task,) = kling.tasks()
    assert context["outlet_events"][VIDEOS].extra["task_id"] == task["task_id"]


def test_the_operator_that_stores_emits_the_path(kling, context, tmp_path):
    kling.seconds = 0
    operator = KlingImageToVideoOperator(
        task_id="animate",
        image=str(PHOTOGRAPH),
        duration=5,
        output_uri=f"{tmp_path}/",
        deferrable=False,
        poll_interval=0.1,
        outlets=[ALIAS],
    )
    (file,) = operator.execute(context)["files"]
    assert events_of_alias(context)[file["uri"]]["sha256"] == file["sha256"]


def test_sensor_and_transfer_emit_it_too(finished, context, tmp_path):
    KlingTaskSensor(task_id="wait", kling_task_id=finished, outlets=[VIDEOS]).execute(context)
    assert context["outlet_events"][VIDEOS].extra["task_id"] == finished
    operator = KlingToObjectStorageOperator(
        task_id="store", kling_task_id=finished, output_uri=f"{tmp_path}/", outlets=[ALIAS]
    )
    (file,) = operator.execute(context)["files"]
    assert list(events_of_alias(context)) == [file["uri"]]


def test_a_batch_emits_the_path_of_its_manifest(kling, context, tmp_path):
    operator = KlingImageToVideoBatchOperator(
        task_id="animate_all", items=[{"image": str(PHOTOGRAPH)}], output_uri=f"{tmp_path}/", outlets=[ALIAS]
    )
    event = {"status": "success", "summary": SUMMARY}
    operator.execute_complete(context, event)
    assert list(events_of_alias(context)) == [SUMMARY["manifest_uri"]]
