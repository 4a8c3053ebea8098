"""Which results the tab offers, and where each is played from."""

from __future__ import annotations

import pytest
from support_task_view import NOW, manifest, record, view

from airflow_provider_kling.models import Audio, Element, Image, Video, Voice
from airflow_provider_kling.plugins.task_results import stored_uri


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
