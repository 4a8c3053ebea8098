"""A storage that hangs takes a few threads of its own, however often it is asked, and no other storage waits for it."""

from __future__ import annotations

import asyncio
import threading

import pytest

from airflow_provider_kling.plugins import run_items, storage_threads
from airflow_provider_kling.plugins.storage_threads import GROUPS, THREADS, _group_of, in_thread
from airflow_provider_kling.utils._airflow.object_storage import place_of

HUNG = place_of("s3://hung/a.mp4")


def other_group() -> object:
    """A storage whose files are read by another group of threads."""
    others = (place_of(f"s3://other-{index}/a.mp4") for index in range(1000))
    return next(place for place in others if _group_of(place) is not _group_of(HUNG))


@pytest.fixture
def hung():
    """What never ends while the test runs; the numbers of the threads that are in it."""
    release, inside = threading.Event(), set()

    def work() -> None:
        inside.add(threading.get_ident())
        release.wait(60)

    work.inside, work.release = inside, release
    yield work
    release.set()


async def asked_often(work, times: int) -> list[BaseException]:
    asked = [in_thread(HUNG, 0.2, work) for _ in range(times)]
    return await asyncio.gather(*asked, return_exceptions=True)


def test_a_storage_that_hangs_takes_few_threads_however_often_it_is_asked(hung):
    before = threading.active_count()
    for _ in range(3):
        responses = asyncio.run(asked_often(hung, 20))
        assert [type(response) for response in responses] == [TimeoutError] * 20
    assert len(hung.inside) == THREADS
    assert threading.active_count() <= before + THREADS


def test_another_storage_is_read_meanwhile(hung):
    async def both() -> str:
        await asked_often(hung, 20)
        return await in_thread(other_group(), 5, str.upper, "read")

    assert asyncio.run(both()) == "READ"


def test_what_waited_too_long_is_never_begun(hung):
    begun = []

    async def late() -> None:
        await asked_often(hung, THREADS)
        with pytest.raises(TimeoutError):
            await in_thread(HUNG, 0.1, begun.append, "late")
        hung.release.set()
        await in_thread(HUNG, 5, begun.append, "in time")

    asyncio.run(late())
    assert begun == ["in time"]


def test_an_error_is_raised_to_its_caller():
    with pytest.raises(FileNotFoundError, match="none"):
        asyncio.run(in_thread(place_of("s3://e/x"), 5, _raise))
    assert asyncio.run(in_thread(place_of("s3://e/x"), 5, str.upper, "and the thread goes on")).startswith("AND")


def _raise() -> None:
    raise FileNotFoundError("none")


def test_a_manifest_that_hangs_does_not_block_another_one(tmp_path, monkeypatch, hung):
    (tmp_path / "m.jsonl").write_text('{"key": "a"}\n')
    real = run_items._version
    monkeypatch.setattr(run_items, "_version", lambda place: hung() if "hung" in place.rest else real(place))
    (tmp_path / "hung.jsonl").touch()
    threading.Thread(target=run_items.read_items, args=(str(tmp_path / "hung.jsonl"),), daemon=True).start()
    while not hung.inside:
        pass
    read = asyncio.run(in_thread(place_of("s3://e/x"), 5, run_items.read_items, str(tmp_path / "m.jsonl")))
    assert [item.key for item in read.items] == ["a"]


@pytest.fixture(autouse=True)
def _own_groups(monkeypatch):
    monkeypatch.setattr(storage_threads, "_groups", [storage_threads._Group() for _ in range(GROUPS)])
