"""The items of a batch are checked on the worker; files and images beside the plan."""

from __future__ import annotations

import asyncio
import json
import re

import pytest
from support import PHOTOGRAPH, connect
from support_batch import deferred, fire, operator, posts, run, set_fast_pace

from airflow_provider_kling.exceptions import KlingValidationError
from airflow_provider_kling.utils._airflow.compat import TaskDeferred


@pytest.fixture(autouse=True)
def _fast_pace(monkeypatch):
    set_fast_pace(monkeypatch)


def test_every_problem_of_every_item_is_reported_before_anything_is_paid(kling, ti, tmp_path):
    items = [{"prompt": "x" * 3000}, {"duration": 99}, {"key": "a/b"}, {"key": "good"}, {"prompt": "x" * 3000}]
    with pytest.raises(KlingValidationError) as caught:
        operator(tmp_path, items=items).execute({"ti": ti})
    said = "\n".join(caught.value.problems)
    assert "(item '0', '4')" in said
    assert re.search(r"^Give duration.*\(item '1'\)$", said, re.MULTILINE)
    assert "'a/b'" in said
    assert "good" not in said
    assert kling.requests() == []
    assert ti.xcoms["failure"]["error"] == "KlingValidationError"


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"items": "file:///nowhere/items.jsonl"}, "no such file"),
        ({"items": [{"key": "a", "prompt": "1"}, {"key": "a", "prompt": "2"}]}, "Give each item its own key"),
        ({"items": [1]}, "list of dicts"),
        ({"on_item_failure": "ignore"}, "on_item_failure"),
        ({"concurrency": 0}, "concurrency"),
        ({"max_units": 0}, "max_units"),
    ],
)
def test_a_batch_that_is_invalid_is_refused(kling, ti, tmp_path, change, word):
    with pytest.raises(KlingValidationError, match=word):
        operator(tmp_path, **change).execute({"ti": ti})


def test_items_can_be_in_a_file(kling, ti, tmp_path):
    lines = [{"key": name, "prompt": name} for name in ("cat", "dog")]
    (tmp_path / "items.jsonl").write_text("\n".join(map(json.dumps, lines)))
    payload = run(ti, tmp_path, items=f"file://{tmp_path}/items.jsonl")
    assert payload["summary"]["done"] == 2
    assert (tmp_path / "cat.mp4").exists()


def test_a_bad_line_of_that_file_is_named(kling, ti, tmp_path):
    (tmp_path / "items.jsonl").write_text('{"prompt": "x"}\n{"prompt"\n')
    with pytest.raises(KlingValidationError, match="line 2"):
        run(ti, tmp_path, items=f"file://{tmp_path}/items.jsonl")


def test_inline_images_are_in_a_file_and_nowhere_else(kling, ti, tmp_path):
    content = PHOTOGRAPH.read_bytes()
    task = operator(tmp_path, items=[{"image": content}, {"image": content, "prompt": "x"}])
    assert "inline image" in repr(task.items)
    with pytest.raises(TaskDeferred) as caught:
        task.execute({"ti": ti})
    (plan,) = tmp_path.glob(".*/plan.jsonl")
    assert plan.stat().st_size < 3000
    assert len(list(tmp_path.glob(".*/images/*"))) == 1
    assert asyncio.run(fire(caught.value.trigger))["summary"]["done"] == 2


def test_a_local_image_is_kept_as_it_was_checked(kling, ti, tmp_path):
    picture = tmp_path / "picture.jpg"
    picture.write_bytes(PHOTOGRAPH.read_bytes())
    trigger = deferred(ti, tmp_path, count=1, defaults={"image": str(picture)})
    picture.unlink()
    assert asyncio.run(fire(trigger))["summary"]["done"] == 1


def test_an_image_that_changed_after_the_check_is_not_sent(kling, ti, tmp_path):
    trigger = deferred(ti, tmp_path, count=2)
    (kept,) = tmp_path.glob(".*/images/*")
    kept.write_bytes(PHOTOGRAPH.read_bytes() + b"\0")
    payload = asyncio.run(fire(trigger))
    assert (payload["status"], payload["summary"]["failed"]) == ("failed", 2)
    assert "has changed since" in payload["message"]
    assert posts(kling) == []


def test_a_host_that_drops_ids_is_none_for_a_batch(kling, ti, tmp_path, monkeypatch):
    connect(monkeypatch, kling, extra={"allow_private_urls": True, "external_ids": False})
    with pytest.raises(KlingValidationError, match="Map the operator instead"):
        deferred(ti, tmp_path)
    assert kling.requests(method="POST") == []
