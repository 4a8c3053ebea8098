"""A host that drops external_task_id: what was sent is looked for in the list of tasks, and nothing is paid twice."""

from __future__ import annotations

import dataclasses
import json
from types import SimpleNamespace

import pytest
from support import FakeTaskInstance, StateStore, advice_first, again, connect

from airflow_provider_kling import exceptions as errors
from airflow_provider_kling.hooks import KlingHook
from airflow_provider_kling.operators import KlingTextToVideoOperator
from airflow_provider_kling.simulator import KlingSimulator, Settings
from airflow_provider_kling.utils._airflow.compat import AirflowFailException, TaskDeferred

EXTRA = {"allow_private_urls": True, "timeout_seconds": 5, "external_ids": False}


@pytest.fixture
def relay(monkeypatch):
    with KlingSimulator(Settings(external_ids="drop", video_size="small", time_scale=0.001)) as running:
        connect(monkeypatch, running, extra=EXTRA)
        yield running


class Instance(FakeTaskInstance):
    def xcom_pull(self, task_ids, key, map_indexes=None):
        return siblings_ids if isinstance(task_ids, list) else super().xcom_pull(task_ids, key, map_indexes)


siblings_ids: list[str] = []


@pytest.fixture
def ti():
    siblings_ids.clear()
    return Instance()


def operator(**fields):
    return KlingTextToVideoOperator(**{"task_id": "animate", "model_name": "kling-v3", "prompt": "A boat", **fields})


def start(ti, store=None, **fields):
    context = {"ti": ti, "dag": SimpleNamespace(tasks=[])}
    return operator(**fields).execute(context if store is None else {**context, "task_state_store": store})


def posts(relay) -> int:
    return len([request for request in relay.requests(method="POST") if "text2video" in request["path"]])


def test_a_lost_response_is_found_in_the_list(relay, ti, no_waiting):
    relay.fault("cut_after", operation="create")
    manifest = start(ti)
    assert manifest["task_id"] == relay.tasks()[0]["task_id"]
    assert posts(relay) == 1


def test_tasks_of_other_airflow_tasks_are_not_taken(relay, ti, no_waiting):
    siblings_ids.append(start(FakeTaskInstance(task_id="other"))["task_id"])
    relay.fault("cut_after", operation="create")
    assert start(ti)["task_id"] == relay.tasks()[1]["task_id"]


def test_two_tasks_that_may_be_ours_are_an_error_that_names_them(relay, ti, no_waiting):
    start(FakeTaskInstance(task_id="other"))
    relay.fault("cut_after", operation="create")
    with pytest.raises(errors.KlingAnswerLostError, match="Several tasks without an id") as caught:
        start(ti)
    assert isinstance(caught.value, AirflowFailException)
    assert all(task["task_id"] in caught.value.message for task in relay.tasks())


def test_a_request_that_never_arrived_is_not_sent_again_by_itself(relay, ti, no_waiting):
    relay.fault("cut_before", operation="create")
    with pytest.raises(errors.KlingAnswerLostError, match="nothing is sent again by itself"):
        start(ti)
    assert (posts(relay), no_waiting) == (1, [2.0, 5.0])


def test_it_is_sent_again_with_on_doubt_resend(relay, ti, no_waiting):
    relay.fault("cut_before", operation="create")
    assert start(ti, on_doubt="resend")["task_id"]
    assert posts(relay) == 2


def test_with_a_store_a_retry_adopts_what_it_got_and_what_it_lost(relay, ti, no_waiting):
    store = StateStore()
    first = start(ti, store)
    assert start(again(ti), store)["task_id"] == first["task_id"]
    # A worker that died between POST and answer leaves the window only.
    store["sent"] = {**store["sent"], "task_id": ""}
    assert start(again(ti), store)["task_id"] == first["task_id"]
    assert posts(relay) == 1
    assert start(again(ti), store, prompt="Another boat")["task_id"] != first["task_id"]


def test_with_a_store_a_failed_task_is_followed_by_another(relay, ti, no_waiting):
    store = StateStore()
    relay.fault("fail_task", operation="create", message="no")
    with pytest.raises(errors.KlingTaskFailedError):
        start(ti, store, wait_for_completion=True, deferrable=False, poll_interval=0.05)
    manifest = start(again(ti), store, wait_for_completion=True, deferrable=False, poll_interval=0.05)
    assert manifest["status"] == "succeed"
    assert posts(relay) == 2


def test_with_a_store_what_kling_refused_is_sent_by_a_retry(relay, ti, no_waiting):
    store = StateStore()
    relay.fault(code=1102, operation="create")
    with pytest.raises(errors.KlingAccountError):
        start(ti, store)
    assert start(again(ti), store)["task_id"]


def test_a_refusal_of_a_second_request_does_not_forget_the_first(relay, ti, no_waiting):
    store = StateStore()
    relay.fault("cut_before", operation="create")
    with pytest.raises(errors.KlingAnswerLostError):
        start(ti, store)
    relay.fault(code=1102, operation="create")
    with pytest.raises(errors.KlingAccountError):
        start(again(ti), store, on_doubt="resend")
    with pytest.raises(errors.KlingAnswerLostError):
        start(again(ti), store)
    assert posts(relay) == 2


@pytest.mark.parametrize("since", ["yesterday", None])
def test_what_another_version_stored_is_doubt_and_not_nothing(relay, ti, no_waiting, since):
    store = StateStore()
    start(ti, store)
    store["sent"] = {"id": store["sent"]["id"], "since": since}
    with pytest.raises(errors.KlingAnswerLostError):
        start(again(ti), store)
    assert posts(relay) == 1


def test_without_a_store_a_retry_sends_nothing_that_may_be_paid(relay, ti, no_waiting):
    start(ti)
    with pytest.raises(errors.KlingAnswerLostError, match="an earlier try may have sent it"):
        start(again(ti))
    assert posts(relay) == 1
    assert start(again(ti), on_doubt="resend")["task_id"]


@pytest.fixture
def folder(relay, monkeypatch, tmp_path):
    """A connection with a folder that outlives a try, for Airflow without a task state store."""
    connect(monkeypatch, relay, extra={**EXTRA, "budget_uri": f"file://{tmp_path}/kling"})
    return tmp_path / "kling"


def test_without_a_store_a_folder_carries_it_over_the_tries(relay, ti, no_waiting, folder):
    first = start(ti)
    assert start(again(ti))["task_id"] == first["task_id"]
    (kept,) = (folder / "sent").iterdir()
    kept.write_text(json.dumps({**json.loads(kept.read_text()), "task_id": ""}))
    assert start(again(ti))["task_id"] == first["task_id"]
    assert posts(relay) == 1
    # Other runs and other mapped tasks have files of their own.
    siblings_ids.append(first["task_id"])
    assert start(dataclasses.replace(again(ti), map_index=1))["task_id"] != first["task_id"]


def test_without_a_store_a_folder_shows_that_nothing_was_sent(relay, ti, no_waiting, folder):
    relay.fault(code=1102, operation="create")
    with pytest.raises(errors.KlingAccountError):
        start(ti)
    assert start(again(ti))["task_id"]


def test_a_folder_that_is_away_is_a_reason_to_send_nothing(relay, ti, folder):
    folder.write_text("a file where the folder should be")
    with pytest.raises(errors.KlingStorageError, match="nothing was sent"):
        start(ti)
    assert posts(relay) == 0


def test_a_store_that_is_down_is_a_reason_to_send_nothing(relay, ti):
    class Broken:
        def get(self, key, default=None):
            raise OSError("the state store is down")

        set = delete = get

    with pytest.raises(errors.KlingStorageError, match="nothing was sent"):
        start(ti, Broken())
    assert posts(relay) == 0


def test_a_full_account_is_waited_for_and_is_not_doubt(relay, ti):
    relay.fault(code=1303, operation="create")
    with pytest.raises(TaskDeferred) as caught:
        start(ti)
    event = {"since": caught.value.trigger.since, "until": caught.value.trigger.until}
    assert operator().execute_with_slot({"ti": ti}, event)["task_id"]


def test_a_host_that_drops_ids_is_noticed(relay, ti, monkeypatch, logged):
    connect(monkeypatch, relay)
    lines = logged(KlingHook())
    start(ti)
    assert [line for line in lines if "Set external_ids to false" in line]


def test_a_host_that_keeps_ids_is_not_asked_twice(kling, ti, logged):
    lines = logged(KlingHook())
    start(ti)
    assert not [line for line in lines if "external_ids" in line]
    assert len(kling.requests()) == 1


def test_the_hook_searches_too(relay, no_waiting):
    relay.fault("cut_after", operation="create")
    task = KlingHook().create_task("text2video", {"prompt": "A boat", "model_name": "kling-v3"})
    assert task.task_id == relay.tasks()[0]["task_id"]


@pytest.mark.parametrize("value", ["perhaps", 3])
def test_the_setting_takes_true_or_false(kling, monkeypatch, value):
    connect(monkeypatch, kling, extra={**EXTRA, "external_ids": value})
    with pytest.raises(errors.KlingConfigurationError, match="true or false"):
        assert KlingHook().settings


DAMAGED = {
    "empty": b"",
    "cut": b'{"id": "af-1", "since": 17',
    "two lines": b"{}\n{}\n",
    "a list": b"[1, 2]",
    "another format": b"PK\x03\x04\x00\xff",
    "deep": b"[" * 100_000,
    "large": b'{"id": "' + b"x" * (17 << 20) + b'"}',
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_file_of_an_earlier_try_is_named_and_nothing_is_paid_twice(relay, ti, no_waiting, folder, content):
    start(ti)
    (kept,) = (folder / "sent").iterdir()
    kept.write_bytes(content)
    with pytest.raises(errors.KlingAnswerLostError) as caught:
        start(again(ti))
    advice = advice_first(caught.value.message)
    assert advice.startswith(f"Look in Kling's console before you remove sent/{kept.name[:11]}….sent.json: ")
    assert f"{kept}" in advice
    assert posts(relay) == 1
    # Who looked may say that it is sent again; the file is whole then.
    sent = start(again(ti), on_doubt="resend")
    assert start(again(ti))["task_id"] == sent["task_id"]
    assert posts(relay) == 2
