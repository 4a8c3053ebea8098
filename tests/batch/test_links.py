"""Files of a batch that go as links, and images that are converted: what stands in the plan, and what is sent."""

from __future__ import annotations

import asyncio
import io

import pytest
from object_store import BUCKET
from PIL import Image
from support import PHOTOGRAPH, connect
from support_batch import deferred, fire, manifest, posts, run, set_fast_pace

VIDEO = f"s3://store@{BUCKET}/clip.mp4"
PICTURE = f"s3://store@{BUCKET}/fox.jpg"


@pytest.fixture(autouse=True)
def _fast_pace(monkeypatch):
    set_fast_pace(monkeypatch)


@pytest.fixture
def kling(kling_simulator, monkeypatch):
    connect(monkeypatch, kling_simulator, api_key=True)
    return kling_simulator


def motion(**kwargs) -> dict:
    items = [{"key": "dance", "video_url": VIDEO, "image_url": str(PHOTOGRAPH)}]
    defaults = {"character_orientation": "video", "mode": "std"}
    return {"endpoint": "motion-control", "items": items, "defaults": defaults, "validate": "warn", **kwargs}


def plan(folder) -> str:
    (found,) = folder.rglob("plan.jsonl")
    return found.read_text()


def test_a_plan_holds_no_link_and_one_is_created_when_the_item_is_submitted(kling, object_store, ti, tmp_path):
    object_store.write("clip.mp4", b"a video")
    trigger = deferred(ti, tmp_path, **motion(item_retries=0))
    assert "ignature" not in plan(tmp_path)
    assert "http" not in plan(tmp_path)
    before = len(object_store.actions)
    asyncio.run(fire(trigger))
    assert len(object_store.actions) > before, "the storage was asked when it was sent"
    (sent,) = posts(kling)
    assert "ignature=" in sent["body"]["video_url"]


def test_a_file_that_changed_since_it_was_checked_is_not_sent(kling, object_store, ti, tmp_path):
    object_store.write("clip.mp4", b"a video")
    trigger = deferred(ti, tmp_path, **motion())
    object_store.write("clip.mp4", b"another video")
    asyncio.run(fire(trigger))
    assert posts(kling) == []
    (line,) = manifest(tmp_path)
    assert "has changed since the batch was checked" in line["error"]["message"]


def test_images_go_as_links_when_that_is_asked_for(kling, object_store, ti, tmp_path):
    object_store.write("fox.jpg", PHOTOGRAPH.read_bytes())
    items = [{"key": "fox", "prompt": "It runs", "image": PICTURE}]
    assert run(ti, tmp_path, items=items, image_by="link")["summary"]["done"] == 1
    (sent,) = posts(kling)
    assert sent["body"]["image"].startswith("http")
    assert list(tmp_path.rglob("images/*")) == []
    ti.try_number = 2
    assert run(ti, tmp_path, items=items)["summary"]["done"] == 1
    assert len(posts(kling)) == 1, "the same request, however it is sent"


@pytest.mark.parametrize("stored", [True, False])
def test_an_image_is_converted_once_and_sent_as_it_was_checked(kling, object_store, ti, tmp_path, stored):
    stream = io.BytesIO()
    Image.new("RGB", (400, 400), "red").save(stream, "WEBP")
    object_store.write("fox.webp", stream.getvalue())
    (tmp_path / "fox.webp").write_bytes(stream.getvalue())
    image = f"s3://store@{BUCKET}/fox.webp" if stored else str(tmp_path / "fox.webp")
    trigger = deferred(ti, tmp_path, items=[{"key": "fox", "prompt": "It runs", "image": image}], fit="shrink")
    assert asyncio.run(fire(trigger))["summary"]["done"] == 1
    (kept,) = tmp_path.rglob("images/*")
    with Image.open(kept) as picture:
        assert (picture.format, picture.size) == ("JPEG", (400, 400))
