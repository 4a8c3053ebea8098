"""The hook downloads results."""

from __future__ import annotations

import hashlib
import io

import pytest
from support import limit
from support_hooks import submit

from airflow_provider_kling import exceptions as errors
from airflow_provider_kling.hooks import KlingHook


def test_a_result_is_streamed_without_credentials(kling, hook):
    task = hook.wait(submit(hook).task_id, poll_interval=0.05)
    target = io.BytesIO()
    download = hook.download(task.videos[0].url, target)
    assert hashlib.sha256(target.getvalue()).hexdigest() == download.sha256
    assert (download.bytes, download.content_type) == (len(target.getvalue()), "video/mp4")
    assert target.getvalue()[4:8] == b"ftyp"


def test_a_dead_link_is_reported_without_its_signature(kling, hook):
    task = hook.wait(submit(hook).task_id, poll_interval=0.05)
    kling.advance(31 * 24 * 3600)
    with pytest.raises(errors.KlingResultError, match="die 30 days") as caught:
        hook.download(task.videos[0].url, io.BytesIO())
    assert "Signature" not in str(caught.value)


def test_a_cut_download_is_an_error(kling, hook):
    task = hook.wait(submit(hook).task_id, poll_interval=0.05)
    kling.fault("truncate", operation="download")
    with pytest.raises(errors.KlingResultError):
        hook.download(task.videos[0].url, io.BytesIO())


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/v.mp4",
        "https://127.0.0.1/v.mp4",
        "https://[::1]/v.mp4",
        "https://169.254.169.254/latest/meta-data",
        "https://10.0.0.1/v.mp4",
        "https://localhost/v.mp4",
        "file:///etc/passwd",
    ],
)
def test_a_foreign_link_cannot_make_a_worker_read_its_own_network(monkeypatch, url):
    monkeypatch.setenv("AIRFLOW_CONN_KLING_DEFAULT", "kling://:K@")
    with pytest.raises(errors.KlingResultError, match="not https|not a public address"):
        KlingHook().download(url, io.BytesIO())


def test_a_result_that_is_too_large_is_refused(kling, hook, monkeypatch):
    limit(monkeypatch, download_bytes=100)
    task = hook.wait(submit(hook).task_id, poll_interval=0.05)
    with pytest.raises(errors.KlingResultError, match="larger than"):
        KlingHook().download(task.videos[0].url, io.BytesIO())
