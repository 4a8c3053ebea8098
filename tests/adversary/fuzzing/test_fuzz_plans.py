"""What a batch reads again after a crash: its plan and its manifest, of any version, damaged anywhere."""

from __future__ import annotations

import contextlib
import json

import pytest
from adversary.fuzzing.fuzzer import damaged_bytes, damaged_json, fuzz, obeys
from hypothesis import strategies as st
from support import PHOTOGRAPH, FakeTaskInstance

from airflow_provider_kling.batch import files
from airflow_provider_kling.batch.actions import Desired, Policy
from airflow_provider_kling.batch.plan import Plan, read_plan
from airflow_provider_kling.batch.reconciler import Reconciler
from airflow_provider_kling.batch.records import read_record
from airflow_provider_kling.operators import KlingImageToVideoBatchOperator
from airflow_provider_kling.utils._airflow.compat import TaskDeferred

#: hypothesis warns that such values are large.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


LINES = [
    {
        "key": "rocket",
        "status": "succeed",
        "external_task_id": "af-1",
        "task_id": "179527409186300000",
        "units": "3",
        "videos": [{"id": "1", "url": "https://h.example/v.mp4", "duration": "5.041", "watermark_url": ""}],
        "files": [{"uri": "file:///v.mp4", "bytes": 7, "sha256": "ab", "content_type": "video/mp4", "duration": 5.0}],
        "error": None,
    },
    {
        "key": "cat",
        "status": "failed",
        "external_task_id": "af-2",
        "task_id": None,
        "units": "",
        "videos": [],
        "files": [],
        "error": {"error": "KlingRequestError", "code": 1201, "message": "bad", "permanent": True, "at": 1795274091.0},
    },
]
PLAN = [
    {
        "key": "rocket",
        "external_task_id": "af-1",
        "body": {"model_name": "kling-v3", "prompt": "a rocket", "dynamic_masks": [{"mask": "", "trajectories": []}]},
        "images": {"image": {"uri": "file:///rocket.jpg", "sha256": "ab", "conn_id": None}},
    },
    {"key": "cat", "external_task_id": "af-2", "body": {"prompt": "a cat"}, "images": {}},
]


def _bytes_of(lines):
    return "".join(json.dumps(line) + "\n" for line in lines).encode()


def _damaged(lines):
    return st.one_of(
        damaged_bytes(_bytes_of(lines)),
        damaged_json(lines).map(lambda whole: _bytes_of(whole if isinstance(whole, list) else [whole])),
    )


def test_a_damaged_plan_is_read_or_refused_and_its_items_can_be_sent(tmp_path):
    plan = tmp_path / "plan.jsonl"

    def check(content):
        plan.write_bytes(content)
        read = obeys(lambda: read_plan(str(plan), None))
        for item in read if isinstance(read, Plan) else ():
            obeys(item.full_body)

    fuzz(_damaged(PLAN), check)


def test_a_damaged_manifest_is_read_or_refused_and_a_batch_continues_from_it(tmp_path):
    manifest = tmp_path / "manifest.jsonl"
    items = [Desired(line["key"], line["external_task_id"]) for line in LINES]

    def check(content):
        manifest.write_bytes(content)
        try:
            lines = files.read_lines(str(manifest), None)
        except ValueError:  # the trigger says so and goes on without it
            return
        reconciler = Reconciler(items, Policy(1, 0.0, 100.0), jitter=lambda: 0.5)
        for line in lines:
            if record := read_record(line):
                reconciler.restore(record)
        reconciler.decide(1.0)
        assert len(json.dumps(reconciler.records(ended=True))) < 1_000_000

    fuzz(_damaged(LINES), check)


def test_items_in_a_damaged_file_are_planned_or_refused_before_anything_is_paid(kling, tmp_path):
    source = tmp_path / "items.jsonl"
    items = [{"key": "a", "prompt": "a rocket", "duration": 5}, {"prompt": "a cat", "image": str(PHOTOGRAPH)}]

    def check(content):
        source.write_bytes(content)
        batch = KlingImageToVideoBatchOperator(task_id="batch", items=str(source), output_uri=f"file://{tmp_path}/out/")
        with contextlib.suppress(TaskDeferred):
            obeys(lambda: batch.execute({"ti": FakeTaskInstance()}))
        assert not kling.tasks()

    fuzz(_damaged(items), check)
