"""Results become files that last."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from support import PHOTOGRAPH

from airflow_provider_kling.exceptions import KlingResultError, KlingValidationError
from airflow_provider_kling.hooks import KlingHook
from airflow_provider_kling.results.targets import target_of
from airflow_provider_kling.transfers import KlingToObjectStorageOperator


@pytest.fixture
def finished(kling):
    task = KlingHook().create_task("image2video", {"image": str(PHOTOGRAPH), "duration": 3})
    kling.finish(task.task_id)
    return task


def transfer(folder: Path, **kwargs) -> KlingToObjectStorageOperator:
    return KlingToObjectStorageOperator(task_id="store", **{"output_uri": f"file://{folder}/", **kwargs})


@pytest.mark.parametrize(
    ("output_uri", "count", "expected"),
    [
        ("s3://b/videos/", 1, "s3://b/videos/7_0.mp4"),
        ("s3://b/{task_id}.{ext}", 1, "s3://b/7.mp4"),
        ("s3://b/final.mp4", 1, "s3://b/final.mp4"),
        ("s3://b/final.mp4", 2, "s3://b/final_0.mp4"),
        ("s3://b.c/final", 2, "s3://b.c/final_0"),
        ("s3://b/{other}/{index}.mp4", 2, "s3://b/{other}/0.mp4"),
    ],
)
def test_a_target_is_named(output_uri, count, expected):
    assert target_of(output_uri, task_id="7", index=0, count=count) == expected


def test_a_result_is_stored_whole_with_its_checksum(finished, tmp_path):
    manifest = transfer(tmp_path, kling_task_id=finished.task_id, duration="3").execute({})
    (file,) = manifest["files"]
    content = (tmp_path / f"{finished.task_id}_0.mp4").read_bytes()
    assert (file["bytes"], file["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())
    assert file["content_type"] == "video/mp4"
    assert manifest["task_id"] == finished.task_id


def test_a_manifest_is_as_good_as_an_id_and_keeps_its_model(finished, tmp_path):
    manifest = transfer(tmp_path, manifest=finished.manifest(model_name="kling-v3")).execute({})
    assert manifest["model_name"] == "kling-v3"
    assert manifest["files"]


@pytest.mark.parametrize("faststart", [True, False])
def test_a_video_that_lacks_its_end_is_not_taken_for_whole(tmp_path, faststart):
    import av
    from PIL import Image

    from airflow_provider_kling.results.mp4 import seconds_of_video

    whole, cut = tmp_path / "whole.mp4", tmp_path / "cut.mp4"
    with av.open(str(whole), "w", options={"movflags": "faststart"} if faststart else {}) as container:
        stream = container.add_stream("libx264", rate=24)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for _ in range(24):
            container.mux(stream.encode(av.VideoFrame.from_image(Image.new("RGB", (64, 64)))))
        container.mux(stream.encode())
    cut.write_bytes(whole.read_bytes()[:-100])
    assert seconds_of_video(whole) == pytest.approx(1, abs=0.1)
    with pytest.raises(KlingResultError, match="not a whole MP4 video"):
        seconds_of_video(cut)


def test_running_it_again_gives_the_same_file(finished, tmp_path):
    first = transfer(tmp_path, kling_task_id=finished.task_id).execute({})
    two = transfer(tmp_path, kling_task_id=finished.task_id).execute({})
    assert first["files"] == two["files"]
    assert len(list(tmp_path.iterdir())) == 1


def test_a_plain_path_and_a_folder_that_does_not_exist_yet_are_fine(finished, tmp_path):
    transfer(tmp_path, kling_task_id=finished.task_id, output_uri=f"{tmp_path}/a/b/video.mp4").execute({})
    assert (tmp_path / "a" / "b" / "video.mp4").exists()


def test_storage_that_is_not_a_disk_works_the_same(finished, monkeypatch):
    from airflow.sdk import ObjectStoragePath
    from airflow.sdk.io import attach
    from fsspec.implementations.memory import MemoryFileSystem

    # Airflow keeps one store for each scheme; a test before this one may have named it without a filesystem.
    monkeypatch.delitem(attach.__globals__["_STORE_CACHE"], "memory", raising=False)
    attach("memory", fs=MemoryFileSystem())
    uri = f"memory://videos/{finished.task_id}.mp4"
    manifest = transfer(Path(), kling_task_id=finished.task_id, output_uri=uri).execute({})
    stored = ObjectStoragePath(uri).read_bytes()
    assert hashlib.sha256(stored).hexdigest() == manifest["files"][0]["sha256"]


@pytest.mark.parametrize("fault", ["truncate", "truncate_video", "corrupt_video", "html"])
def test_a_broken_download_leaves_nothing_behind(kling, finished, tmp_path, no_waiting, fault):
    kling.fault(fault, operation="download", times=None)
    with pytest.raises(KlingResultError):
        transfer(tmp_path, kling_task_id=finished.task_id).execute({})
    assert list(tmp_path.iterdir()) == []
    kling.clear_faults()
    assert transfer(tmp_path, kling_task_id=finished.task_id).execute({})["files"]


@pytest.mark.parametrize("fault", ["truncate", "html", "cut_after"])
def test_a_host_that_fails_twice_costs_no_retry(kling, finished, tmp_path, no_waiting, fault):
    kling.fault(fault, operation="download", http_status=503, times=2)
    (file,) = transfer(tmp_path, kling_task_id=finished.task_id).execute({})["files"]
    content = (tmp_path / f"{finished.task_id}_0.mp4").read_bytes()
    assert (len(content), hashlib.sha256(content).hexdigest()) == (file["bytes"], file["sha256"])
    assert no_waiting == [2.0, 5.0]


def test_a_link_that_is_refused_is_not_asked_again(kling, finished, tmp_path, no_waiting):
    kling.fault("html", operation="download", http_status=403, times=None)
    with pytest.raises(KlingResultError, match="HTTP 403"):
        transfer(tmp_path, kling_task_id=finished.task_id).execute({})
    assert no_waiting == []


def test_a_broken_download_does_not_harm_the_file_that_is_there(kling, finished, tmp_path, no_waiting):
    target = tmp_path / f"{finished.task_id}_0.mp4"
    transfer(tmp_path, kling_task_id=finished.task_id).execute({})
    before = target.read_bytes()
    kling.fault("truncate", operation="download", times=None)
    with pytest.raises(KlingResultError):
        transfer(tmp_path, kling_task_id=finished.task_id).execute({})
    assert target.read_bytes() == before


def test_a_length_that_was_not_asked_for_is_an_error_that_keeps_the_file(finished, tmp_path):
    with pytest.raises(KlingResultError, match=r"plays 3\.\d+ s but 10 s were asked for. It is kept at file://"):
        transfer(tmp_path, kling_task_id=finished.task_id, duration="10s").execute({})
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.kling_simulator(seconds=60)
def test_an_unfinished_task_has_nothing_to_store(kling, tmp_path):
    task = KlingHook().create_task("image2video", {"image": str(PHOTOGRAPH), "duration": 3})
    with pytest.raises(KlingResultError, match="no result to store yet"):
        transfer(tmp_path, kling_task_id=task.task_id).execute({})


def test_it_requires_a_task(kling, tmp_path):
    with pytest.raises(KlingValidationError, match="neither names a task"):
        transfer(tmp_path).execute({})
