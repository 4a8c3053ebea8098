"""Batches with models for which it is unknown whether Kling rejects a repeated id: earlier tasks are found."""

from __future__ import annotations

import asyncio
import contextlib
import time
from urllib.parse import parse_qsl, urlsplit

import pytest
from adversary.scripted import Reply, kling
from support import FakeTaskInstance
from support_batch import deferred, fire, set_fast_pace


class Host:
    """
    Finds tasks by their ids, in the words of both generations, and makes another task for an id that exists.

    :param lost: how many answers to POSTs are lost; the tasks are made.
    """

    def __init__(self, lost=0):
        self.tasks = []
        self._lost = lost

    def __call__(self, request):
        where = urlsplit(request.path)
        if request.method == "POST" and where.path != "/tasks":
            return self._create(request.json)
        if where.path == "/tasks":
            return kling([task for task in self.tasks if task["id"] in where.query or self._named(task, where.query)])
        if not where.path.endswith("text2video"):
            found = [task for task in self.tasks if where.path.endswith((task["id"], task["external_id"]))]
            return kling(found[0]) if found else kling(code=1201, message="Task not found by id: x", status=400)
        return kling([])

    def _named(self, task, query):
        return dict(parse_qsl(query)).get("external_task_ids") == task["external_id"]

    def _create(self, body):
        name = body.get("options", body)["external_task_id"]
        number, now = str(880000000000000001 + len(self.tasks)), int(time.time() * 1000)
        self.tasks.append(
            {"id": number, "status": "submitted", "create_time": now, "external_id": name, "task_id": number}
        )
        if self._lost:
            self._lost -= 1
            return Reply(cut=True)
        return kling(self.tasks[-1])


def run_until(host, trigger, seconds, enough):
    """Run a trigger until enough tasks are made, then kill it, as with its triggerer."""

    async def live():
        running = asyncio.ensure_future(fire(trigger))
        until = time.monotonic() + seconds
        while time.monotonic() < until and len(host.tasks) < enough:
            await asyncio.wait([running], timeout=0.05)
        running.cancel()
        with contextlib.suppress(BaseException):
            await running

    asyncio.run(live())


@pytest.mark.parametrize("model", ["kling-4.0", "kling-v9"])
@pytest.mark.parametrize("is_kept", [True, False])
def test_a_later_run_sends_only_what_is_not_there(scripted, monkeypatch, tmp_path, model, is_kept):
    set_fast_pace(monkeypatch)
    host = Host()
    scripted(host)
    ti = FakeTaskInstance()
    items = [{"prompt": "One"}, {"prompt": "Two"}]
    words = {"endpoint": "text2video", "defaults": {"model_name": model, "duration": 5}}
    run_until(host, deferred(ti, tmp_path, items=items, **words), 20, 2)
    if not is_kept:
        (tmp_path / "manifest.jsonl").unlink(missing_ok=True)
    items.append({"prompt": "Three"})
    run_until(host, deferred(ti, tmp_path, items=items, **words), 20, 3)
    assert len({task["external_id"] for task in host.tasks}) == len(host.tasks) == 3


def test_a_lost_response_is_looked_up_and_nothing_is_sent_again(scripted, monkeypatch, tmp_path):
    set_fast_pace(monkeypatch)
    host = Host(lost=1)
    scripted(host)
    words = {"endpoint": "text2video", "defaults": {"model_name": "kling-4.0", "duration": 5}}
    trigger = deferred(FakeTaskInstance(), tmp_path, items=[{"prompt": "One"}], **words)
    run_until(host, trigger, 4, 2)
    assert len(host.tasks) == 1
