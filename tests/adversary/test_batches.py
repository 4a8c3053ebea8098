"""Batches with outages, foreign records and damaged files: paid videos are delivered, and nothing is paid twice."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
import threading

import pytest
from support import FakeTaskInstance, advice_first, connect
from support_batch import FAST, deferred, fire, manifest, operator, posts, run, set_fast_pace

from airflow_provider_kling.batch.actions import Desired, Policy
from airflow_provider_kling.batch.calls import BatchCalls
from airflow_provider_kling.batch.fence import SupersededError
from airflow_provider_kling.batch.outcome import error_of
from airflow_provider_kling.batch.reconciler import Reconciler
from airflow_provider_kling.batch.report import Reporter
from airflow_provider_kling.exceptions import KlingBatchError, KlingBatchFailedError, KlingTimeoutError
from airflow_provider_kling.hooks import KlingHook
from airflow_provider_kling.simulator import KlingSimulator
from airflow_provider_kling.triggers import base as trigger_base
from airflow_provider_kling.triggers import batch as trigger_module
from airflow_provider_kling.triggers.batch import KlingBatchTrigger
from airflow_provider_kling.utils._airflow.compat import AIRFLOW_V_3_2_PLUS


@pytest.fixture(autouse=True)
def _fast_pace(monkeypatch):
    set_fast_pace(monkeypatch)


@pytest.mark.kling_simulator(seconds=0.1)
def test_a_result_host_that_is_away_for_a_while_delays_the_batch_and_loses_nothing(kling, ti, tmp_path):
    kling.fault("html", operation="download", http_status=503, times=30)
    payload = run(ti, tmp_path, count=4)
    assert (payload["status"], payload["summary"]["done"], payload["summary"]["failed"]) == ("success", 4, 0)
    assert len(kling.tasks()) == 4
    assert all((tmp_path / f"{number}.mp4").stat().st_size for number in range(4))


@pytest.mark.kling_simulator(seconds=0.1)
def test_a_result_host_that_stays_away_ends_in_a_retry_that_does_only_what_is_missing(kling, ti, tmp_path):
    kling.fault("html", operation="download", http_status=503, nth=2, times=None)
    payload = run(ti, tmp_path, count=4, timeout=2.5)
    assert (payload["status"], payload["permanent"]) == ("timeout", False)
    assert payload["summary"]["failed"] == 0
    done = {line["key"] for line in manifest(tmp_path) if line["status"] == "succeed"}
    assert done != {"0", "1", "2", "3"}
    with pytest.raises(KlingTimeoutError):
        operator(tmp_path).execute_complete({"ti": ti}, payload)
    kling.clear_faults()
    before = len([request for request in kling.requests(method="GET") if not request["path"].startswith("/v1/")])
    payload = run(dataclasses.replace(ti, try_number=2), tmp_path, count=4)
    assert payload["summary"]["done"] == 4
    assert len(kling.tasks()) == len(posts(kling)) == 4
    after = len([request for request in kling.requests(method="GET") if not request["path"].startswith("/v1/")])
    assert after - before == 4 - len(done), "what is stored is not fetched again"


@pytest.mark.kling_simulator(seconds=0.6)
def test_a_storage_that_is_away_for_a_while_loses_nothing_not_even_the_manifest(kling, ti, tmp_path):
    folder = tmp_path / "videos"
    trigger = deferred(ti, folder, count=4)

    async def outage():
        batch = asyncio.create_task(fire(trigger))
        await asyncio.sleep(0.3)
        folder.rename(tmp_path / "elsewhere")
        folder.write_text("a file where the folder was")
        await asyncio.sleep(2)
        assert not batch.done()
        folder.unlink()
        (tmp_path / "elsewhere").rename(folder)
        return await batch

    payload = asyncio.run(outage())
    assert (payload["status"], payload["summary"]["done"]) == ("success", 4)
    assert {line["status"] for line in manifest(folder)} == {"succeed"}
    assert len(kling.tasks()) == 4


@pytest.mark.kling_simulator(seconds=0.1)
def test_a_deleted_stored_video_is_stored_again_by_a_retry(kling, ti, tmp_path):
    run(ti, tmp_path, count=2)
    (tmp_path / "1.mp4").unlink()
    assert run(ti, tmp_path, count=2)["summary"]["done"] == 2
    assert (tmp_path / "1.mp4").exists()
    assert len(posts(kling)) == 2


@pytest.mark.kling_simulator(seconds=0.3)
def test_an_error_page_for_one_submission_of_eight_ends_nothing(kling, ti, tmp_path, no_waiting):
    kling.fault("html", operation="create", http_status=403, nth=3)
    payload = run(ti, tmp_path, count=8)
    assert (payload["status"], payload["summary"]["done"]) == ("success", 8)
    assert len(kling.tasks()) == 8


@pytest.mark.kling_simulator(seconds=0.3)
def test_not_found_responses_about_running_tasks_end_nothing(kling, ti, tmp_path):
    kling.fault(code=1201, operation="list", message="data not found", nth=2, times=2)
    kling.fault(code=1201, operation="query", message="Task not found by id and user id", http_status=404, times=12)
    payload = run(ti, tmp_path, count=2)
    assert (payload["status"], payload["summary"]["done"]) == ("success", 2)
    assert len(kling.tasks()) == 2


@pytest.mark.kling_simulator(seconds=0.1)
def test_a_connection_that_cannot_be_found_for_a_moment_is_waited_for(kling, ti, tmp_path, monkeypatch):
    trigger = deferred(ti, tmp_path, count=3)
    connection = os.environ["AIRFLOW_CONN_KLING_DEFAULT"]

    async def run_through_outage():
        monkeypatch.delenv("AIRFLOW_CONN_KLING_DEFAULT")
        batch = asyncio.create_task(fire(trigger))
        await asyncio.sleep(1)
        monkeypatch.setenv("AIRFLOW_CONN_KLING_DEFAULT", connection)
        return await batch

    payload = asyncio.run(run_through_outage())
    assert (payload["status"], payload["summary"]["done"]) == ("success", 3)


def test_a_connection_that_only_workers_have_ends_in_a_retry_that_names_the_triggerer(kling, ti, tmp_path, monkeypatch):
    monkeypatch.setattr(KlingBatchTrigger, "pace", dataclasses.replace(FAST, patience=0.5))
    trigger = deferred(ti, tmp_path, count=3)
    monkeypatch.delenv("AIRFLOW_CONN_KLING_DEFAULT")
    payload = asyncio.run(fire(trigger))
    assert (payload["status"], payload["permanent"]) == ("failed", False)
    assert "known to the triggerer" in payload["message"]
    assert not isinstance(error_of(payload), KlingBatchFailedError)


@pytest.mark.kling_simulator(seconds=30)
def test_a_connection_that_names_another_host_now_pays_nothing_there_and_is_named(kling, ti, tmp_path, monkeypatch):
    run(ti, tmp_path, count=2, timeout=1.0)
    assert len(kling.tasks()) == 2
    monkeypatch.setattr(KlingBatchTrigger, "pace", dataclasses.replace(FAST, patience=0.5))
    trigger = deferred(dataclasses.replace(ti, try_number=2), tmp_path, count=2, timeout=5.0)
    with KlingSimulator() as elsewhere:
        connect(monkeypatch, elsewhere)
        payload = asyncio.run(fire(trigger))
        assert posts(elsewhere) == []
    assert payload["permanent"] is False
    assert payload["summary"]["running"] == 2
    assert kling.url in payload["message"]
    assert all(task["task_id"] in payload["message"] for task in kling.tasks())
    assert len(posts(kling)) == 2


def test_a_batch_that_was_planned_for_another_host_sends_nothing(kling, ti, tmp_path, monkeypatch):
    monkeypatch.setattr(KlingBatchTrigger, "pace", dataclasses.replace(FAST, patience=0.5))
    trigger = deferred(ti, tmp_path, count=2)
    with KlingSimulator(seconds=0.1) as elsewhere:
        connect(monkeypatch, elsewhere)
        payload = asyncio.run(fire(trigger))
        assert posts(elsewhere) == []
    assert (payload["status"], payload["permanent"]) == ("failed", False)
    assert kling.url in payload["message"]


@pytest.mark.kling_simulator(seconds=0.5)
def test_a_frozen_triggers_old_batch_submits_and_writes_nothing_after_a_clear(kling, ti, tmp_path):
    old = deferred(ti, tmp_path, items=[{"key": "old", "prompt": "old"}, {"key": "older", "prompt": "older"}])
    new = deferred(ti, tmp_path, items=[{"key": "new", "prompt": "new"}])
    assert asyncio.run(fire(new))["summary"]["done"] == 1
    payload = asyncio.run(fire(old))
    assert payload["status"] == "error"
    assert "Another run" in payload["message"]
    assert [line["key"] for line in manifest(tmp_path)] == ["new"]
    assert [request["body"]["prompt"] for request in posts(kling)] == ["new"]


@pytest.mark.kling_simulator(seconds=0.5, concurrency=1)
def test_a_clear_in_the_middle_stops_the_old_batch_soon(kling, ti, tmp_path):
    old = deferred(ti, tmp_path, count=20, concurrency=1)

    async def run_both():
        batch = asyncio.create_task(fire(old))
        await asyncio.sleep(0.7)
        new = await asyncio.to_thread(deferred, ti, tmp_path, items=[{"key": "new", "prompt": "new"}])
        payload = await batch
        return payload, await fire(new)

    stopped, ended = asyncio.run(run_both())
    assert (stopped["status"], ended["summary"]["done"]) == ("error", 1)
    assert len(posts(kling)) < 10
    assert [line["key"] for line in manifest(tmp_path)] == ["new"]


@pytest.mark.kling_simulator(seconds=0.1)
def test_another_dag_run_in_the_same_folder_stops_nobody(kling, ti, tmp_path):
    first = deferred(ti, tmp_path, items=[{"key": "a", "prompt": "a"}])
    deferred(dataclasses.replace(ti, run_id="another"), tmp_path, items=[{"key": "b", "prompt": "b"}])
    assert asyncio.run(fire(first))["status"] == "success"


@pytest.mark.skipif(not AIRFLOW_V_3_2_PLUS, reason="before Airflow 3.2 a trigger pushes no XCom")
@pytest.mark.kling_simulator(seconds=0.1)
def test_xcoms_that_cannot_be_pushed_do_not_end_a_batch(kling, ti, tmp_path, monkeypatch):
    def fail(*_args):
        raise RuntimeError("the API server is away")

    monkeypatch.setattr(trigger_base, "set_xcom", fail)
    for module in (trigger_base, trigger_module):
        monkeypatch.setattr(module, "is_still_deferred", lambda _ti: True)
    trigger = deferred(ti, tmp_path, count=2)
    trigger.task_instance = FakeTaskInstance()
    trigger.batch = dataclasses.replace(trigger.batch, started_at=0.0)
    payload = asyncio.run(fire(trigger))
    assert (payload["status"], payload["summary"]["done"]) == ("success", 2)


@pytest.mark.kling_simulator(seconds=0.1)
def test_a_thread_that_hangs_does_not_hold_the_end(kling, ti, tmp_path, monkeypatch):
    released = threading.Event()
    store = BatchCalls.store

    def hang(self, item, *args):
        if item.key == "0":
            released.wait(60)
        return store(self, item, *args)

    monkeypatch.setattr(BatchCalls, "store", hang)
    monkeypatch.setattr(KlingBatchTrigger, "pace", dataclasses.replace(FAST, grace_period=0.5))
    trigger = deferred(ti, tmp_path, count=2, timeout=1.5)

    async def timed():
        try:
            return await asyncio.wait_for(fire(trigger), 30)
        finally:
            released.set()

    payload = asyncio.run(timed())
    assert (payload["status"], payload["summary"]["done"], payload["summary"]["running"]) == ("timeout", 1, 1)


@pytest.mark.kling_simulator(seconds=0.1)
def test_an_unexpected_error_of_one_item_fails_that_item_only(kling, ti, tmp_path, monkeypatch):
    submit, met = KlingHook.submit, []

    def break_once(self, *args, **kwargs):
        if not met:
            met.append(1)
            raise KeyError("a bug")
        return submit(self, *args, **kwargs)

    monkeypatch.setattr(KlingHook, "submit", break_once)
    assert run(ti, tmp_path, count=3)["summary"]["done"] == 3


@pytest.mark.kling_simulator(seconds=0.1)
@pytest.mark.parametrize(
    "content", [b"{", b"\xff\xfe", b"[]\n", b'{"key": 1}\n7\n', b"\n\n", b'{"key": "0", "status": {}}\n']
)
def test_a_broken_manifest_is_as_good_as_none(kling, ti, tmp_path, content):
    trigger = deferred(ti, tmp_path, count=1)
    (tmp_path / "manifest.jsonl").write_bytes(content)
    assert asyncio.run(fire(trigger))["summary"]["done"] == 1


def test_a_manifest_with_more_and_fewer_fields_is_read(kling, ti, tmp_path):
    run(ti, tmp_path, count=2)
    lines = [{**line, "new_field": 1} for line in manifest(tmp_path)]
    del lines[1]["videos"], lines[1]["units"], lines[1]["error"]
    (tmp_path / "manifest.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    before = len(kling.requests())
    assert run(ti, tmp_path, count=2)["summary"]["done"] == 2
    assert len(kling.requests()) == before + 2, "the list and its end, no copy"


EVENTS = [None, "success", 7, [], {}, {"status": "success"}, {"status": "success", "summary": 1}, {"status": "new"}]
HUGE = {"status": "failed", "message": "x" * 10_000_000, "permanent": "maybe"}


@pytest.mark.parametrize("event", [*EVENTS, HUGE, {"message": "a\ud83d"}])
def test_an_event_of_another_shape_is_an_error_with_a_message(kling, ti, tmp_path, event):
    with pytest.raises(KlingBatchError) as caught:
        operator(tmp_path).execute_complete({"ti": ti}, event)
    assert len(str(caught.value)) < 3000
    str(caught.value).encode()


@pytest.mark.kling_simulator(seconds=0.1)
def test_videos_that_were_stored_in_another_folder_are_stored_in_this_one(kling, ti, tmp_path):
    where = {"manifest_uri": f"file://{tmp_path}/list.jsonl"}
    run(ti, tmp_path / "old", count=2, **where)
    payload = run(dataclasses.replace(ti, try_number=2), tmp_path / "new", count=2, **where)
    assert (payload["status"], payload["summary"]["done"]) == ("success", 2)
    assert {path.name for path in (tmp_path / "new").glob("*.mp4")} == {"0.mp4", "1.mp4"}
    assert len(posts(kling)) == 2
    before = len(kling.requests())
    run(dataclasses.replace(ti, try_number=3), tmp_path / "new", count=2, **where)
    assert len(kling.requests()) == before + 2, "what is in its place is not copied again"


@pytest.mark.kling_simulator(seconds=0.1)
def test_a_manifest_that_names_files_of_others_is_not_trusted(kling, ti, tmp_path):
    run(ti, tmp_path, count=2)
    secret = tmp_path / "secret.mp4"
    secret.write_bytes((tmp_path / "0.mp4").read_bytes())
    lines = manifest(tmp_path)
    lines[0]["files"][0]["uri"], lines[1]["files"] = f"file://{secret}", lines[0]["files"]
    (tmp_path / "manifest.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    run(ti, tmp_path, count=2)
    assert [line["files"][0]["uri"] for line in manifest(tmp_path)] == [f"file://{tmp_path}/{key}.mp4" for key in "01"]
    assert len(posts(kling)) == 2


@pytest.mark.kling_simulator(seconds=0.1)
@pytest.mark.parametrize("content", [b"{", b'{"task": "of another version"}\n'])
def test_after_a_manifest_that_cannot_be_read_each_item_is_looked_for_before_it_is_sent(
    kling, ti, tmp_path, monkeypatch, content
):
    sent_blindly = []
    submit = BatchCalls.submit

    def note(self, item, look_up_first):
        sent_blindly.append(not look_up_first)
        return submit(self, item, look_up_first)

    monkeypatch.setattr(BatchCalls, "submit", note)
    kling.fault("html", operation="list", http_status=404, times=None)
    trigger = deferred(ti, tmp_path, count=2)
    (tmp_path / "manifest.jsonl").write_bytes(content)
    assert asyncio.run(fire(trigger))["summary"]["done"] == 2
    assert sent_blindly == [False, False]


@pytest.mark.kling_simulator(seconds=0.1)
def test_each_log_line_begins_with_the_event_and_then_names_the_item_or_the_batch(kling, ti, tmp_path, logged, caplog):
    kling.fault("html", operation="download", http_status=503, times=2)
    trigger = deferred(ti, tmp_path, count=1)
    lines = logged(trigger)
    assert asyncio.run(fire(trigger))["status"] == "success"
    (trouble,) = [record.getMessage() for record in caplog.records if "was not stored" in record.getMessage()]
    assert not trouble.startswith("Item")
    advice_first(trouble.partition(" (Item '0' was not stored)")[0])
    assert all(trigger.batch.batch_id not in line[:77] for line in lines)
    assert lines[0].startswith("Making 1 video, ")
    assert lines[-1].startswith("The batch ended (success). 1 of 1 videos are done")
    assert len(lines) <= 6


def test_a_superseded_trigger_reports_that_first_and_no_storage_error(kling, ti, tmp_path, logged):
    old = deferred(ti, tmp_path)
    deferred(ti, tmp_path)
    lines = logged(old)
    asyncio.run(fire(old))
    assert lines[-1].startswith("Another run of this Airflow task works on the batch now")
    assert not [line for line in lines if "storage" in line]


def test_a_report_of_a_superseded_run_is_no_storage_error(tmp_path):
    complaints = []

    class Closed:
        async def check(self):
            raise SupersededError

    async def announce(_progress):
        return None

    async def report():
        reporter = Reporter(
            f"file://{tmp_path}/m.jsonl",
            None,
            Closed(),
            FAST,
            show_progress=announce,
            on_storage_error=complaints.append,
        )
        reporter.tick(Reconciler([Desired("k", "x")], Policy(1, 0.0, 10.0), jitter=lambda: 0.5))
        await reporter.wait_for_report()

    asyncio.run(report())
    assert complaints == []
