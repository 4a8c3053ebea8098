"""Object storage as people use it: a real S3 server, Airflow's filesystem, and rights that are missing."""

from __future__ import annotations

import asyncio
import functools
import hashlib
import json
import time

import pytest
from object_store import BUCKET
from support import PHOTOGRAPH

from airflow_provider_kling.exceptions import KlingStorageError, KlingValidationError
from airflow_provider_kling.hooks import KlingHook
from airflow_provider_kling.operators import KlingImageToVideoBatchOperator, KlingImageToVideoOperator
from airflow_provider_kling.results import object_files
from airflow_provider_kling.results.targets import check_target
from airflow_provider_kling.sensors import KlingTaskSensor
from airflow_provider_kling.transfers import KlingToObjectStorageOperator
from airflow_provider_kling.utils._airflow.compat import TaskDeferred
from airflow_provider_kling.utils._airflow.object_storage import place_of

ODD_NAMES = [
    *("a*b.mp4", "a?b.mp4", "a[1].mp4", "100%.mp4", "50%20off.mp4", "a#1.mp4", "a b.mp4", "a&b=c+d.mp4"),
    "ein Löwe 獅子.mp4",
]


@pytest.fixture
def finished(kling):
    task = KlingHook().create_task("image2video", {"image": str(PHOTOGRAPH), "duration": 3})
    kling.finish(task.task_id)
    return task


def transfer(task, output_uri, **kwargs) -> list[dict]:
    operator = KlingToObjectStorageOperator(
        task_id="store", kling_task_id=task.task_id, output_uri=output_uri, **kwargs
    )
    return operator.execute({})["files"]


def put(key: str, content: bytes = b"content") -> None:
    object_files.put_bytes(content, place_of(f"s3://store@{BUCKET}/{key}"))


def test_the_connection_is_in_the_uri_or_beside_it(finished, object_store):
    (stored,) = transfer(finished, f"s3://store@{BUCKET}/a/")
    (two,) = transfer(finished, f"s3://{BUCKET}/b/", output_conn_id="store")
    assert stored["uri"] == f"s3://store@{BUCKET}/a/{finished.task_id}_0.mp4"
    assert two["uri"] == f"s3://store@{BUCKET}/b/{finished.task_id}_0.mp4"
    content = object_store.read(f"b/{finished.task_id}_0.mp4")
    assert hashlib.sha256(content).hexdigest() == stored["sha256"] == two["sha256"]
    assert (
        object_store.client.head_object(Bucket=BUCKET, Key=f"a/{finished.task_id}_0.mp4")["ContentType"] == "video/mp4"
    )


def test_the_operator_stores_its_result(kling, object_store, ti):
    operator = KlingImageToVideoOperator(
        task_id="animate",
        image=str(PHOTOGRAPH),
        prompt="a rocket",
        duration=3,
        deferrable=False,
        poll_interval=0.05,
        output_uri=f"s3://store@{BUCKET}/{{task_id}}.{{ext}}",
    )
    manifest = operator.execute({"ti": ti})
    assert object_store.keys() == [f"{manifest['task_id']}.mp4"]


def test_sensor_then_transfer(finished, object_store, ti):
    manifest = KlingTaskSensor(task_id="wait", kling_task_id=finished.task_id).execute({"ti": ti})
    operator = KlingToObjectStorageOperator(
        task_id="store", manifest=manifest, output_uri=f"s3://store@{BUCKET}/hero.mp4"
    )
    operator.execute({})
    assert object_store.keys() == ["hero.mp4"]


def test_an_image_comes_from_there(kling, object_store, ti):
    object_store.write("in/rocket.jpg", PHOTOGRAPH.read_bytes())
    operator = KlingImageToVideoOperator(
        task_id="animate",
        image=f"s3://store@{BUCKET}/in/rocket.jpg",
        prompt="a rocket",
        duration=3,
        deferrable=False,
        poll_interval=0.05,
        output_uri=f"s3://store@{BUCKET}/out/",
    )
    assert operator.execute({"ti": ti})["files"]


@pytest.mark.kling_simulator(seconds=0.2)
def test_a_batch_reads_its_items_and_writes_its_videos_there(kling, object_store, ti):
    items = [
        {"key": f"k{number}", "image": str(PHOTOGRAPH), "prompt": "a\u2028b", "duration": 3} for number in range(3)
    ]
    object_store.write("items.jsonl", "".join(json.dumps(item, ensure_ascii=False) + "\n" for item in items).encode())
    operator = KlingImageToVideoBatchOperator(
        task_id="batch",
        items=f"s3://store@{BUCKET}/items.jsonl",
        output_uri=f"s3://store@{BUCKET}/out/",
        poll_interval=0.1,
        timeout=60,
    )
    with pytest.raises(TaskDeferred) as deferred:
        operator.execute({"ti": ti})

    async def last_event():
        return [event async for event in deferred.value.trigger.run()][-1]

    event = asyncio.run(last_event())
    assert event.payload["status"] == "success", event.payload
    assert {"out/k0.mp4", "out/k1.mp4", "out/k2.mp4", "out/manifest.jsonl"} <= set(object_store.keys())


@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_name_is_not_a_pattern(object_store, name):
    put(f"in/{name}")
    put("in/aXb.mp4", b"another")
    assert object_store.read(f"in/{name}") == b"content"
    assert sorted(object_store.keys()) == sorted([f"in/{name}", "in/aXb.mp4"])


def test_a_file_that_is_there_is_replaced(object_store):
    put("a.mp4", b"first, and longer")
    put("a.mp4", b"second")
    assert object_store.read("a.mp4") == b"second"


def test_the_right_to_create_is_enough(finished, object_store):
    object_store.refused = {"list", "get", "copy", "delete"}
    assert transfer(finished, f"s3://store@{BUCKET}/new.mp4")
    object_store.refused = set()
    assert object_store.keys() == ["new.mp4"]


def test_storing_asks_for_no_list_copy_or_delete(object_store):
    put("a/b.mp4")
    assert not {"list", "copy", "delete", "create_bucket"} & set(object_store.actions)


def test_an_upload_in_parts_that_fails_leaves_nothing(object_store, tmp_path, monkeypatch):
    import s3fs

    large = tmp_path / "large.mp4"
    large.write_bytes(bytes(12 << 20))
    place = place_of(f"s3://store@{BUCKET}/large.mp4")
    # S3 takes parts of 5 MB; the default of 50 MB would make the test slow.
    in_parts = functools.partial(place.filesystem.put_file, chunksize=5 << 20)
    monkeypatch.setattr(place.filesystem, "put_file", in_parts, raising=False)
    object_files.put_file(large, place)
    object_store.write("large.mp4", b"what was there")
    object_store.broken = lambda environ: "partNumber=2" in environ["QUERY_STRING"]
    with pytest.raises(KlingStorageError, match="could not be written"):
        object_files.put_file(large, place)
    assert object_store.read("large.mp4") == b"what was there"
    if s3fs.__version__ >= "2026":
        assert object_store.uploads() == [], "parts are paid for as long as they lie about"


def test_a_missing_bucket_is_reported_before_paying_and_never_created(kling, object_store, ti):
    operator = KlingImageToVideoOperator(
        task_id="animate", image=str(PHOTOGRAPH), prompt="x", duration=3, output_uri="s3://store@no-such-bucket/v/"
    )
    with pytest.raises(KlingValidationError, match="Create the bucket 'no-such-bucket' first"):
        operator.execute({"ti": ti})
    with pytest.raises(KlingStorageError, match=r"^Create the bucket or folder first") as caught:
        object_files.put_bytes(b"x", place_of("s3://store@no-such-bucket/v/x.mp4"))
    assert caught.value.transient
    assert object_store.buckets() == [BUCKET]
    assert KlingHook().list_tasks("image2video") == []


def test_a_prefix_without_a_slash_is_refused(object_store):
    put("videos/a.mp4")
    with pytest.raises(KlingValidationError, match="Add a slash to output_uri"):
        check_target(f"s3://store@{BUCKET}/videos")
    assert check_target(f"s3://store@{BUCKET}/videos/")
    assert check_target(f"s3://store@{BUCKET}/videos/a.mp4")


def test_a_missing_permission_to_check_is_not_an_error(object_store):
    object_store.refused = {"list", "get"}
    assert check_target(f"s3://store@{BUCKET}/videos")


def test_the_message_of_a_refusal_names_the_missing_permission(object_store):
    object_store.refused = {"put"}
    with pytest.raises(KlingStorageError, match=r"^Give the storage's connection the right"):
        put("a.mp4")


def test_a_connection_that_was_edited_is_read_again(object_store, monkeypatch):
    right = object_store.connection
    wrong = json.loads(right)
    wrong["extra"]["endpoint_url"] = "http://127.0.0.1:9"
    monkeypatch.setenv("AIRFLOW_CONN_STORE", json.dumps(wrong))
    with pytest.raises(KlingStorageError):
        put("a.mp4")
    monkeypatch.setenv("AIRFLOW_CONN_STORE", right)
    put("a.mp4")
    assert object_store.keys() == ["a.mp4"]


def test_a_file_of_another_size_is_not_success(object_store, monkeypatch):
    from s3fs import S3FileSystem

    def half(self, lpath, rpath, **kwargs):
        self.pipe_file(rpath, b"half")

    monkeypatch.setattr(S3FileSystem, "put_file", half)
    with pytest.raises(KlingStorageError, match="it has 4 bytes, and 7 were written"):
        put("a.mp4")


def test_after_thirty_days_the_stored_file_is_the_result(kling, object_store):
    kling.advance(-40 * 86_400)
    old = KlingHook().create_task("image2video", {"image": str(PHOTOGRAPH), "duration": 3})
    kling.finish(old.task_id)
    first = transfer(old, f"s3://store@{BUCKET}/v/")
    kling.advance(40 * 86_400 + time.time() % 1)
    assert transfer(old, f"s3://store@{BUCKET}/v/") == first
