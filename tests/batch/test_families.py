"""A batch of each family and generation against the simulator: whole, after a lost response, after a restart."""

from __future__ import annotations

import asyncio

import pytest
from support import PHOTOGRAPH, connect
from support_batch import again, deferred, fire, manifest, posts, run, set_fast_pace

IMAGE = str(PHOTOGRAPH)


def of(endpoint: str, count: int = 3, **fields) -> list[dict]:
    return [
        {"key": f"k{number}", "endpoint": endpoint, "prompt": f"A boat {number}", **fields} for number in range(count)
    ]


BATCHES = {
    "words": of("text2video", model_name="kling-v3", duration=3),
    "images": of("images/generations", n=2),
    "sounds": of("text-to-audio", duration=5),
    "omni": of("omni-video", image_list=[IMAGE], aspect_ratio="1:1", duration=3),
    "words of the second generation": of("text2video", model_name="kling-3.0-turbo", duration=3),
    "images of the second generation": of("image2video", model_name="kling-3.0", image=IMAGE, duration=3),
    "omni of the second generation": of(
        "omni-video", model_name="kling-3.0-omni", image_list=[IMAGE], aspect_ratio="1:1", duration=3
    ),
    "mix": [
        {"key": "old", "endpoint": "text2video", "model_name": "kling-v3", "prompt": "A boat", "duration": 3},
        {"key": "new", "endpoint": "text2video", "model_name": "kling-3.0-turbo", "prompt": "A boat", "duration": 3},
        {"key": "frame", "endpoint": "image2video", "model_name": "kling-3.0-turbo", "image": IMAGE, "duration": 3},
        {"key": "harbour", "endpoint": "images/generations", "prompt": "A harbour"},
        {"key": "rain", "endpoint": "text-to-audio", "prompt": "Rain", "duration": 5},
    ],
}
families = pytest.mark.parametrize("items", BATCHES.values(), ids=BATCHES)


@pytest.fixture(autouse=True)
def _fast_pace(monkeypatch):
    set_fast_pace(monkeypatch)


@pytest.fixture
def account(kling_simulator, monkeypatch):
    """A simulator and an API key, which both generations take."""
    connect(monkeypatch, kling_simulator, api_key=True)
    return kling_simulator


def created(simulator) -> list[dict]:
    """The POSTs that pay: lists of the second generation are read by POST too."""
    return [request for request in posts(simulator) if request["path"] != "/tasks"]


def stored(folder, items) -> None:
    lines = {line["key"]: line for line in manifest(folder)}
    assert {key: line["status"] for key, line in lines.items()} == {item["key"]: "succeed" for item in items}
    assert all(line["files"] for line in lines.values())


@families
@pytest.mark.kling_simulator(seconds=0.2)
def test_it_is_generated_and_stored(account, ti, tmp_path, items):
    payload = run(ti, tmp_path, items=items, defaults=None)
    assert (payload["summary"]["done"], payload["summary"]["failed"]) == (len(items), 0)
    stored(tmp_path, items)
    assert len(created(account)) == len(account.tasks()) == len(items)


@families
@pytest.mark.kling_simulator(seconds=0.2)
def test_a_lost_response_is_paid_once(account, ti, tmp_path, items):
    account.fault("cut_after", operation="create")
    assert run(ti, tmp_path, items=items, defaults=None)["summary"]["done"] == len(items)
    stored(tmp_path, items)
    assert len(account.tasks()) == len(items)


@families
@pytest.mark.kling_simulator(seconds=1.5)
def test_another_triggerer_continues_from_kling_s_lists_alone(account, ti, tmp_path, items):
    trigger = deferred(ti, tmp_path, items=items, defaults=None)

    async def restarted() -> dict:
        first = asyncio.create_task(fire(trigger))
        while len(account.tasks()) < len(items):  # noqa: ASYNC110 - it is another thread's list
            await asyncio.sleep(0.02)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        (tmp_path / "manifest.jsonl").unlink(missing_ok=True)
        return await fire(again(trigger))

    assert asyncio.run(restarted())["summary"]["done"] == len(items)
    stored(tmp_path, items)
    assert len(created(account)) == len(account.tasks()) == len(items), "nothing was sent again"


@pytest.mark.kling_simulator(seconds=0.2)
def test_what_the_second_generation_has_is_found_with_one_list(account, ti, tmp_path):
    items = BATCHES["words of the second generation"]
    run(ti, tmp_path, items=items, defaults=None)
    (tmp_path / "manifest.jsonl").unlink()
    before = len(account.requests())
    ti.try_number = 2
    assert run(ti, tmp_path, items=items, defaults=None)["summary"]["done"] == len(items)
    later = [(request["method"], request["path"]) for request in account.requests()[before:]]
    assert [call for call in later if call[1] == "/tasks"] == [("POST", "/tasks")]


@pytest.mark.kling_simulator(seconds=3.0, concurrency=1, image_concurrency=1)
def test_each_model_of_a_mix_uses_the_slots_that_are_its_own(account, ti, tmp_path):
    items = [
        *of("text2video", 2, model_name="kling-v3", duration=3),
        *of("text2video", 2, model_name="kling-3.0-turbo", duration=3),
        *of("images/generations", 2),
    ]
    items = [{**item, "key": f"k{number}"} for number, item in enumerate(items)]
    payload = run(ti, tmp_path, items=items, defaults=None, concurrency=6, submit_concurrency=1)
    assert payload["summary"]["done"] == 6
    tasks = account.tasks()
    first_end = min(task["updated_at"] for task in tasks)
    begun = {(task["model"], task["product"]) for task in tasks if task["created_at"] < first_end}
    assert len(begun) == 3, "no model waits for a slot of another"
    assert len({(task["model"], task["product"]) for task in tasks}) == 3
