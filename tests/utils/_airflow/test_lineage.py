"""Plugins that read lineage learn which files a task read and stored; without one it costs nothing."""

from __future__ import annotations

import logging
import subprocess
import sys

import fsspec
import pytest
from airflow.sdk.io import attach
from support import PHOTOGRAPH

from airflow_provider_kling.hooks import KlingHook
from airflow_provider_kling.preparation.files import load_image
from airflow_provider_kling.products.media import FileLoadError
from airflow_provider_kling.transfers import KlingToObjectStorageOperator
from airflow_provider_kling.utils._airflow import lineage

PICTURE = "memory://bucket/rocket.jpg"


class Collector:
    def __init__(self):
        self.inputs, self.outputs = [], []

    def add_input_asset(self, context, uri):
        self.inputs.append(uri)

    def add_output_asset(self, context, uri):
        self.outputs.append(uri)


@pytest.fixture(autouse=True)
def picture(monkeypatch):
    filesystem = fsspec.filesystem("memory")
    filesystem.pipe_file("/bucket/rocket.jpg", PHOTOGRAPH.read_bytes())
    # Airflow keeps what was attached before, by another test.
    monkeypatch.delitem(attach.__globals__["_STORE_CACHE"], "memory", raising=False)
    attach("memory", fs=filesystem)


@pytest.fixture
def collector(monkeypatch):
    """What Airflow has when a plugin reads lineage."""
    collector = Collector()
    monkeypatch.setattr(lineage, "_has_readers", lambda: True)
    monkeypatch.setattr(lineage, "_collector", lambda: collector)
    return collector


def test_an_image_that_is_read_is_an_input(collector):
    load_image(PICTURE, field="image")
    assert (collector.inputs, collector.outputs) == ([PICTURE], [])


def test_an_image_that_is_not_there_is_none(collector):
    with pytest.raises(FileLoadError, match="there is no such file"):
        load_image("memory://bucket/none.jpg", field="image")
    assert collector.inputs == []


def test_a_stored_video_is_an_output_without_its_connection(kling, collector, tmp_path, monkeypatch):
    task = KlingHook().create_task("image2video", {"image": str(PHOTOGRAPH), "duration": 3})
    kling.finish(task.task_id)
    monkeypatch.setenv("AIRFLOW_CONN_TEAM", '{"conn_type": "generic"}')
    target = f"file://team@{tmp_path}/"
    KlingToObjectStorageOperator(task_id="store", kling_task_id=task.task_id, output_uri=target).execute({})
    assert collector.outputs == [f"file://{tmp_path}/{task.task_id}_0.mp4"]


def test_a_plugin_that_breaks_fails_nothing(monkeypatch, caplog):
    monkeypatch.setattr(lineage, "_has_readers", lambda: True)
    monkeypatch.setattr(lineage, "_collector", object)
    with caplog.at_level(logging.WARNING):
        load_image(PICTURE, field="image")
    assert "Lineage does not know of memory://bucket/rocket.jpg" in caplog.text


def test_airflows_own_collector_takes_it(monkeypatch):
    """The names that are imported are there in each Airflow, and so are the arguments."""
    assert lineage._has_readers() is False
    reported = []
    monkeypatch.setattr(type(lineage._collector()), "add_input_asset", lambda self, **asset: reported.append(asset))
    monkeypatch.setattr(lineage, "_has_readers", lambda: True)
    load_image(PICTURE, field="image")
    assert [asset["uri"] for asset in reported] == [PICTURE]


def test_without_a_reader_no_process_imports_the_providers_handlers():
    """Airflow's collector that does nothing took 0.4 s of CPU in each task process that read a picture."""
    script = f"""
import sys
import fsspec
from airflow.sdk.io import attach
fsspec.filesystem("memory").pipe_file("/bucket/rocket.jpg", open({str(PHOTOGRAPH)!r}, "rb").read())
attach("memory", fs=fsspec.filesystem("memory"))
from airflow_provider_kling.preparation.files import load_image
load_image({PICTURE!r}, field="image")
print([name for name in sys.modules if name.endswith(("sdk.lineage", "lineage.hook", "amazon.assets.s3"))])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.splitlines()[-1] == "[]"
