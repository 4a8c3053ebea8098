"""A lip sync that finds the faces itself: two calls that cost, each of which is paid once."""

from __future__ import annotations

import json
import time

import pytest
from support import FakeTaskInstance, StateStore, again, connect

from airflow_provider_kling import exceptions as errors
from airflow_provider_kling.operators import KlingLipSyncOperator, KlingTextToAudioOperator, KlingTextToVideoOperator
from airflow_provider_kling.simulator import KlingSimulator
from airflow_provider_kling.utils._airflow.compat import TaskDeferred

FACES, SYNC = "/v1/videos/identify-face", "/v1/videos/advanced-lip-sync"


@pytest.fixture
def kling(monkeypatch):
    """A simulator whose results are links that Kling takes."""
    with KlingSimulator(seconds=0.05, video_size="small", tls=True, concurrency=20) as started:
        extra = {"allow_private_urls": True, "timeout_seconds": 20, "verify": str(started.certificate)}
        connect(monkeypatch, started, api_key=True, extra=extra)
        yield started


def run(cls, **fields):
    where = {"deferrable": False, "wait_for_completion": True, "poll_interval": 0.05}
    return cls(task_id="make", **where, **fields).execute({"ti": FakeTaskInstance(run_id=cls.__name__)})


@pytest.fixture
def video(kling):
    return run(KlingTextToVideoOperator, prompt="Somebody speaks", duration=5)["videos"][0]


@pytest.fixture
def face(kling):
    sound = run(KlingTextToAudioOperator, prompt="Words", duration=4)["audios"][0]["id"]
    return {"audio_id": sound, "sound_start_time": 0, "sound_end_time": 3000, "sound_insert_time": 0}


def lip_sync(**fields):
    where = {"deferrable": False, "wait_for_completion": True, "poll_interval": 0.05}
    return KlingLipSyncOperator(**{"task_id": "dub", **where, **fields})


def posts(kling):
    """The paid calls of a lip sync, by their paths."""
    return [entry["path"] for entry in kling.requests(method="POST") if entry["path"] in (FACES, SYNC)]


@pytest.mark.parametrize("source", ["video_id", "video_url"])
def test_one_operator_finds_the_face_and_moves_its_lips(kling, ti, tmp_path, video, face, source):
    value = video["id"] if source == "video_id" else video["url"]
    made = lip_sync(face_choose=[face], output_uri=f"{tmp_path}/", **{source: value})
    manifest = made.execute({"ti": ti})
    assert (manifest["endpoint"], manifest["files"][0]["content_type"]) == ("advanced-lip-sync", "video/mp4")
    assert posts(kling) == [FACES, SYNC]
    assert kling.requests(method="POST", path=FACES)[0]["body"] == {source: value}
    (chosen,) = kling.requests(method="POST", path=SYNC)[0]["body"]["face_choose"]
    assert chosen == {"face_id": "0", **face}


def test_the_search_counts_with_the_lip_sync(kling, ti, video, face):
    made = lip_sync(video_id=video["id"], face_choose=[face])
    assert str(made.estimate()).startswith("at most 6.05 units, $0.85 ")
    assert str(lip_sync(session_id="1", face_choose=[{"face_id": "0", **face}]).estimate()).startswith(
        "at most 6 units"
    )
    with pytest.raises(errors.KlingValidationError, match="this request costs at most 6.05 units"):
        lip_sync(video_id=video["id"], face_choose=[face], max_units=6).execute({"ti": ti})
    assert posts(kling) == []
    made.execute({"ti": ti})
    assert ti.xcoms["submission"]["estimate"].startswith("at most 6.05 units")


def test_a_retry_pays_for_neither_again(kling, ti, video, face):
    store = StateStore()
    kling.fault("cut_after", path=SYNC, times=1)
    first = lip_sync(video_id=video["id"], face_choose=json.dumps([face]), wait_for_completion=False)
    submitted = first.execute({"ti": ti, "task_state_store": store})
    later = lip_sync(video_id=video["id"], face_choose=[face]).execute({"ti": again(ti), "task_state_store": store})
    assert later["task_id"] == submitted["task_id"]
    assert posts(kling) == [FACES, SYNC]


def test_a_session_that_is_open_is_used_by_the_next_try(kling, ti, video, face):
    store = StateStore()
    kling.fault(code=5000, path=SYNC, times=20)
    with pytest.raises(errors.KlingError):
        lip_sync(video_id=video["id"], face_choose=[face]).execute({"ti": ti, "task_state_store": store})
    kling.clear_faults()
    lip_sync(video_id=video["id"], face_choose=[face]).execute({"ti": again(ti), "task_state_store": store})
    assert posts(kling).count(FACES) == 1


def test_a_session_that_is_too_old_is_opened_again(kling, ti, video, face):
    store = StateStore()
    kling.fault(code=1103, path=SYNC)
    with pytest.raises(errors.KlingError, match="1103"):
        lip_sync(video_id=video["id"], face_choose=[face]).execute({"ti": ti, "task_state_store": store})
    store["session"]["at"] -= 86_000
    lip_sync(video_id=video["id"], face_choose=[face]).execute({"ti": again(ti), "task_state_store": store})
    assert posts(kling) == [FACES, SYNC, FACES, SYNC]


def test_a_session_outlives_a_refused_search_in_another_video(kling, ti, video, face):
    store = StateStore()
    kling.fault(code=1103, path=SYNC)
    kling.fault(code=1201, path=FACES, nth=2)
    other = run(KlingTextToVideoOperator, prompt="Somebody else speaks", duration=5)["videos"][0]
    with pytest.raises(errors.KlingAccountError):
        lip_sync(video_id=video["id"], face_choose=[face]).execute({"ti": ti, "task_state_store": store})
    with pytest.raises(errors.KlingRequestError):
        lip_sync(video_id=other["id"], face_choose=[face]).execute({"ti": again(ti), "task_state_store": store})
    lip_sync(video_id=video["id"], face_choose=[face]).execute({"ti": again(ti), "task_state_store": store})
    assert posts(kling) == [FACES, SYNC, FACES, SYNC]


def test_a_lost_response_of_the_search_is_not_paid_twice_unless_asked(kling, ti, video, face):
    kling.fault("cut_after", path=FACES)
    store = StateStore()
    with pytest.raises(errors.KlingAnswerLostError, match="Look in Kling's console"):
        lip_sync(video_id=video["id"], face_choose=[face]).execute({"ti": ti, "task_state_store": store})
    with pytest.raises(errors.KlingAnswerLostError):
        lip_sync(video_id=video["id"], face_choose=[face]).execute({"ti": again(ti), "task_state_store": store})
    assert posts(kling) == [FACES]
    resent = lip_sync(video_id=video["id"], face_choose=[face], on_doubt="resend")
    assert resent.execute({"ti": again(ti), "task_state_store": store})["videos"]
    assert posts(kling) == [FACES, FACES, SYNC]


def test_a_full_account_does_not_discard_a_lost_search(kling, ti, video, face, no_waiting):
    store = StateStore()
    kling.fault("cut_after", path=FACES)
    kling.fault(code=1303, path=FACES)
    resent = lip_sync(video_id=video["id"], face_choose=[face], on_doubt="resend", deferrable=True)
    with pytest.raises(TaskDeferred):
        resent.execute({"ti": ti, "task_state_store": store})
    assert posts(kling) == [FACES, FACES]
    with pytest.raises(errors.KlingAnswerLostError):
        lip_sync(video_id=video["id"], face_choose=[face]).execute({"ti": again(ti), "task_state_store": store})
    assert posts(kling) == [FACES, FACES]


def test_a_refused_search_is_free_and_may_be_repeated(kling, ti, video, face):
    store = StateStore()
    kling.fault(code=1303, path=FACES)
    made = lip_sync(video_id=video["id"], face_choose=[face], deferrable=True)
    with pytest.raises(TaskDeferred) as caught:
        made.execute({"ti": ti, "task_state_store": store})
    assert caught.value.method_name == "execute_with_slot"
    assert "session" not in store
    resumed = lip_sync(video_id=video["id"], face_choose=[face])
    assert resumed.execute_with_slot({"ti": ti, "task_state_store": store})["videos"]


def test_the_wait_for_a_slot_keeps_the_session_without_a_store(kling, ti, video, face):
    kling.fault(code=1303, path=SYNC)
    with pytest.raises(TaskDeferred):
        lip_sync(video_id=video["id"], face_choose=[face], deferrable=True).execute({"ti": ti})
    lip_sync(video_id=video["id"], face_choose=[face]).execute_with_slot({"ti": ti})
    assert posts(kling) == [FACES, SYNC, SYNC]


def test_another_video_is_another_task(kling, ti, video, face):
    other = run(KlingTextToVideoOperator, prompt="Somebody else speaks", duration=5)["videos"][0]
    tasks = [lip_sync(video_id=one["id"], face_choose=[face]).execute({"ti": ti})["task_id"] for one in (video, other)]
    assert len(set(tasks)) == 2
    assert lip_sync(video_id=video["id"], face_choose=[face]).execute({"ti": again(ti)})["task_id"] == tasks[0]
    assert posts(kling).count(SYNC) == 2


def test_a_video_without_a_face_ends_the_task_for_good(kling, ti, video, face, monkeypatch):
    monkeypatch.setattr("airflow_provider_kling.api.outputs._LISTS", {})
    with pytest.raises(errors.KlingNoFaceError, match="Give a video that shows a face"):
        lip_sync(video_id=video["id"], face_choose=[face]).execute({"ti": ti})
    assert posts(kling) == [FACES]


@pytest.mark.parametrize(
    ("fields", "advice"),
    [
        ({"session_id": "1", "video_id": "2"}, "Keep session_id or the video"),
        ({"video_id": "2", "video_url": "https://h.example/a.mp4"}, "Keep one of video_id or video_url"),
        ({"video_url": "/tmp/a.mp4"}, "Copy video_url to object storage"),
        ({"session_id": "1"}, "Give face_choose as a list of 1"),
        ({}, "Give session_id: it is missing"),
        ({"video_id": "2", "face_choose": "x"}, "Give face_choose as a list or dict"),
        ({"video_id": "2", "face_choose": [7]}, "Give face_choose as a list of 1"),
    ],
)
def test_what_cannot_be_done_is_reported_before_anything_is_paid(kling, ti, fields, advice):
    times = {"sound_start_time": 0, "sound_end_time": 3000, "sound_insert_time": 0}
    face = {"sound_file": "https://h.example/a.mp3", **times}
    with pytest.raises(errors.KlingValidationError, match=advice):
        lip_sync(**{"face_choose": [face], **fields}).execute({"ti": ti})
    assert kling.requests() == []


class Alone(FakeTaskInstance):
    """The only Kling task of its Dag run."""

    def xcom_pull(self, task_ids, key, map_indexes=None):
        return [] if isinstance(task_ids, list) else super().xcom_pull(task_ids, key, map_indexes)


@pytest.fixture
def capped(kling, monkeypatch, tmp_path, face, video):
    """Start a lip sync below both caps; the result is what counts afterwards, for the run and for the day."""
    extra = {"allow_private_urls": True, "timeout_seconds": 20, "verify": str(kling.certificate)}
    budget = {"max_usd_per_day": 5, "budget_uri": f"{tmp_path}/budget"}
    connect(monkeypatch, kling, api_key=True, extra={**extra, **budget})

    def start(ti, error, resume=None, **fields):
        made = lip_sync(**{"video_id": video["id"], "face_choose": [face], "max_run_usd": 5, **fields})
        with pytest.raises(error):
            made.execute({"ti": ti}) if resume is None else resume(made)
        cost = ti.xcoms["planned_cost"]
        day = [file.name.split("~")[1:] for file in (tmp_path / "budget").glob("2*/*")]
        return (cost["state"], cost["usd"]), day

    return start


SEARCH = "0.0070"


@pytest.mark.parametrize("code", [1102, 1201, 1301])
def test_a_refused_lip_sync_leaves_the_search_counted_and_nothing_else(kling, capped, code):
    kling.fault(code=code, path=SYNC)
    run_cost, day = capped(Alone(), errors.KlingApiError)
    assert (run_cost, day) == (("spent", SEARCH), [["spent", SEARCH]])


def test_a_refused_search_leaves_nothing_counted(kling, capped):
    kling.fault(code=1102, path=FACES)
    (state, _), day = capped(Alone(), errors.KlingAccountError)
    assert (state, day) == ("free", [])


def test_after_a_retry_a_refused_search_leaves_nothing_counted_either(kling, capped):
    for try_number in (1, 2, 3):
        kling.fault(code=1102, path=FACES)
        (state, _), day = capped(Alone(try_number=try_number), errors.KlingAccountError)
        assert (state, day) == ("free", [])


def test_after_a_wait_for_a_slot_a_refused_search_leaves_nothing_counted_either(kling, capped):
    ti = Alone()
    kling.fault(code=1303, path=FACES)
    capped(ti, TaskDeferred, deferrable=True)
    kling.fault(code=1102, path=FACES)
    (state, _), day = capped(ti, errors.KlingAccountError, lambda made: made.execute_with_slot({"ti": ti}))
    assert (state, day) == ("free", [])


def test_a_search_that_was_paid_counts_however_often_the_next_ones_are_refused(kling, capped, tmp_path):
    kling.fault(code=1102, path=SYNC)
    capped(Alone(), errors.KlingAccountError)
    (stored,) = (tmp_path / "budget" / "sent").glob("*.session.json")
    stored.write_text(json.dumps({**json.loads(stored.read_text()), "at": 1.0}))
    for try_number in (2, 3):
        kling.fault(code=1102, path=FACES)
        counted = capped(Alone(try_number=try_number), errors.KlingAccountError)
        assert counted == (("spent", SEARCH), [["spent", SEARCH]])
    assert posts(kling) == [FACES, SYNC, FACES, FACES]


def test_a_lost_search_counts_after_a_refused_one(kling, capped):
    kling.fault("cut_after", path=FACES)
    capped(Alone(), errors.KlingAnswerLostError)
    kling.fault(code=1102, path=FACES)
    run_cost, day = capped(Alone(try_number=2), errors.KlingAccountError, on_doubt="resend")
    assert run_cost == ("spent", "0.8470")
    assert ["spent", "0.8470"] in day


def test_a_search_without_a_face_is_all_that_counts(capped, monkeypatch):
    monkeypatch.setattr("airflow_provider_kling.api.outputs._LISTS", {})
    assert capped(Alone(), errors.KlingNoFaceError) == (("spent", SEARCH), [["spent", SEARCH]])


def test_after_a_clear_a_search_without_a_face_is_still_all_that_counts(kling, capped, monkeypatch):
    monkeypatch.setattr("airflow_provider_kling.api.outputs._LISTS", {})
    capped(Alone(), errors.KlingNoFaceError)
    assert capped(Alone(try_number=2), errors.KlingNoFaceError) == (("spent", SEARCH), [["spent", SEARCH]])
    assert posts(kling) == [FACES]


def test_a_lip_sync_that_kling_failed_leaves_the_search_counted(kling, capped):
    ti = Alone()
    kling.fault("fail_task", path=SYNC)
    capped(ti, TaskDeferred, deferrable=True)
    time.sleep(0.5)
    event = {"status": "failed", "task_id": ti.xcoms["task_id"]}
    resumed = capped(ti, errors.KlingTaskFailedError, lambda made: made.execute_complete({"ti": ti}, event))
    assert resumed == (("spent", SEARCH), [["spent", SEARCH]])


def test_a_lip_sync_in_a_session_of_another_task_is_free_again(kling, capped, face):
    kling.fault(code=1102, path=SYNC)
    chosen = [{"face_id": "0", **face}]
    (state, _), day = capped(Alone(), errors.KlingAccountError, session_id="1", video_id=None, face_choose=chosen)
    assert (state, day) == ("free", [])
