"""Google Cloud Storage: a real server, Airflow's filesystem for ``gs://``, and what operators do with them."""

from __future__ import annotations

import asyncio
import hashlib
import json

import pytest
from google_store import BUCKET
from support import PHOTOGRAPH

from airflow_provider_kling.exceptions import KlingValidationError
from airflow_provider_kling.hooks import KlingHook
from airflow_provider_kling.operators import KlingImageToVideoBatchOperator, KlingImageToVideoOperator
from airflow_provider_kling.results import object_files
from airflow_provider_kling.transfers import KlingToObjectStorageOperator
from airflow_provider_kling.utils._airflow.compat import TaskDeferred
from airflow_provider_kling.utils._airflow.object_storage import place_of

ROOT = f"gs://google@{BUCKET}"


def test_a_finished_video_is_stored_with_its_type_and_is_whole(kling, google_store):
    task = KlingHook().create_task("image2video", {"image": str(PHOTOGRAPH), "duration": 3})
    kling.finish(task.task_id)
    operator = KlingToObjectStorageOperator(task_id="s", kling_task_id=task.task_id, output_uri=f"{ROOT}/a/")
    (stored,) = operator.execute({})["files"]
    name = f"a/{task.task_id}_0.mp4"
    assert stored["uri"] == f"{ROOT}/{name}"
    assert hashlib.sha256(google_store.read(name)).hexdigest() == stored["sha256"]
    assert google_store.objects()[name]["contentType"] == "video/mp4"
    assert int(google_store.objects()[name]["size"]) == stored["bytes"]
    again = operator.execute({})["files"]
    assert (again[0]["uri"], len(google_store.objects())) == (stored["uri"], 1)


def test_the_connection_may_stand_beside_the_uri_and_the_image_come_from_there(kling, google_store, ti):
    google_store.write("in/rocket.jpg", PHOTOGRAPH.read_bytes())
    operator = KlingImageToVideoOperator(
        task_id="animate",
        image=f"gs://{BUCKET}/in/rocket.jpg",
        image_conn_id="google",
        prompt="a rocket",
        duration=3,
        deferrable=False,
        poll_interval=0.05,
        output_uri=f"gs://{BUCKET}/{{task_id}}.{{ext}}",
        output_conn_id="google",
    )
    manifest = operator.execute({"ti": ti})
    assert set(google_store.objects()) == {"in/rocket.jpg", f"{manifest['task_id']}.mp4"}


@pytest.mark.parametrize(
    "name",
    [
        "a*b.mp4",
        "a?b.mp4",
        "a[1].mp4",
        "100%.mp4",
        "50%20off.mp4",
        "a#1.mp4",
        "a b.mp4",
        "a&b=c+d.mp4",
        "Löwe 獅子.mp4",
    ],
)
def test_a_name_may_have_any_letter(google_store, name):
    object_files.put_bytes(b"content", place_of(f"{ROOT}/x/{name}"))
    assert list(google_store.objects()) == [f"x/{name}"]
    assert google_store.read(f"x/{name}") == b"content"


def test_a_missing_bucket_is_reported_before_anything_is_paid(kling, google_store, ti):
    operator = KlingImageToVideoOperator(
        task_id="animate", image=str(PHOTOGRAPH), prompt="a", duration=3, output_uri="gs://google@missing/a/"
    )
    with pytest.raises(KlingValidationError, match="Create the bucket 'missing' first"):
        operator.execute({"ti": ti})
    assert KlingHook().list_tasks("image2video") == []


@pytest.mark.kling_simulator(seconds=0.2)
def test_a_batch_reads_its_items_and_writes_its_videos_there(kling, google_store, ti):
    items = [{"key": f"k{number}", "image": str(PHOTOGRAPH), "prompt": "a", "duration": 3} for number in range(3)]
    google_store.write("items.jsonl", "".join(f"{json.dumps(item)}\n" for item in items).encode())
    operator = KlingImageToVideoBatchOperator(
        task_id="batch", items=f"{ROOT}/items.jsonl", output_uri=f"{ROOT}/out/", poll_interval=0.1, timeout=60
    )
    with pytest.raises(TaskDeferred) as deferred:
        operator.execute({"ti": ti})

    async def last_event():
        return [event async for event in deferred.value.trigger.run()][-1]

    assert asyncio.run(last_event()).payload["status"] == "success"
    names = {"out/k0.mp4", "out/k1.mp4", "out/k2.mp4", "out/manifest.jsonl"}
    assert names <= set(google_store.objects())
