"""Damaged state of an earlier try, or state of another version, never leads to paying twice."""

from __future__ import annotations

import pytest
from support import StateStore, again, connect

from airflow_provider_kling import exceptions as errors
from airflow_provider_kling.operators import KlingLipSyncOperator, KlingTextToSpeechOperator, KlingTextToVideoOperator
from airflow_provider_kling.operators.run_summary import KlingRunSummaryOperator
from airflow_provider_kling.simulator import KlingSimulator, Settings
from airflow_provider_kling.submission.budget import Reservation, ReservationState, ReservedByOthers

WORDS = {"text": "A paper boat leaves the harbour.", "voice_id": "oversea_male1", "voice_language": "en"}
FACE = {"audio_id": "1", "sound_start_time": 0, "sound_end_time": 3000, "sound_insert_time": 0}


def posts(kling) -> int:
    return len(kling.requests(method="POST"))


#: Values that no version of this package keeps, or only a later one.
FOREIGN = ["text", "", [], ["a"], 7, True, {"version": 2}, {"id": None, "when": 1}, {"id": ["x"]}]


@pytest.mark.parametrize("value", FOREIGN)
def test_a_sound_of_which_the_note_cannot_be_read_is_not_paid_again(kling, ti, value):
    store = StateStore()
    KlingTextToSpeechOperator(task_id="speak", **WORDS).execute({"ti": ti, "task_state_store": store})
    store["sent"] = value
    with pytest.raises(errors.KlingAnswerLostError, match="may have sent it"):
        KlingTextToSpeechOperator(task_id="speak", **WORDS).execute({"ti": again(ti), "task_state_store": store})
    assert posts(kling) == 1


@pytest.mark.parametrize("change", [{"answer": 7}, {"answer": {}}, {"answer": {"task_id": "../x"}}, {"answer": None}])
def test_a_response_that_cannot_be_read_is_lost_and_not_paid_again(kling, ti, change):
    store = StateStore()
    KlingTextToSpeechOperator(task_id="speak", **WORDS).execute({"ti": ti, "task_state_store": store})
    store["sent"] |= change
    with pytest.raises(errors.KlingAnswerLostError):
        KlingTextToSpeechOperator(task_id="speak", **WORDS).execute({"ti": again(ti), "task_state_store": store})
    assert posts(kling) == 1


@pytest.mark.parametrize("name", ["created_at", "updated_at", "units", "cash", "request_id", "status", "endpoint"])
@pytest.mark.parametrize("value", [None, "soon", [1], {"a": 1}, -1, 1e300, True])
def test_a_response_with_a_damaged_field_is_still_found(kling, ti, tmp_path, name, value):
    store = StateStore()
    KlingTextToSpeechOperator(task_id="speak", **WORDS).execute({"ti": ti, "task_state_store": store})
    store["sent"]["answer"][name] = value
    later = KlingTextToSpeechOperator(task_id="speak", **WORDS, output_uri=f"{tmp_path}/")
    assert later.execute({"ti": again(ti), "task_state_store": store})["files"]
    assert posts(kling) == 1


@pytest.fixture
def relay(monkeypatch):
    """A host that drops external_task_id."""
    with KlingSimulator(Settings(external_ids="drop", video_size="small", time_scale=0.001)) as started:
        connect(monkeypatch, started, extra={"allow_private_urls": True, "external_ids": False})
        yield started


@pytest.mark.parametrize("value", [*FOREIGN, "since", "until", "task_id"])
def test_a_video_without_an_id_of_which_the_note_cannot_be_read_is_not_paid_again(relay, ti, no_waiting, value):
    store = StateStore()

    def run(ti):
        made = KlingTextToVideoOperator(task_id="animate", prompt="A boat", model_name="kling-v3")
        return made.execute({"ti": ti, "task_state_store": store})

    run(ti)
    if value in ("since", "until", "task_id"):
        store["sent"][value] = {"of": "another version"}
    else:
        store["sent"] = value
    with pytest.raises(errors.KlingAnswerLostError):
        run(again(ti))
    assert posts(relay) == 1


@pytest.fixture
def faces(monkeypatch):
    with KlingSimulator(seconds=0.05, video_size="small", tls=True) as started:
        extra = {"allow_private_urls": True, "timeout_seconds": 20, "verify": str(started.certificate)}
        connect(monkeypatch, started, api_key=True, extra=extra)
        yield started


@pytest.mark.parametrize(
    "change",
    [
        {"at": "yesterday"},
        {"at": None},
        {"at": [1]},
        {"session": 7.5},
        {"session": "../x"},
        {"faces": None},
        {"faces": [7]},
        {"faces": [{"face_id": 1}]},
        {"id": None},
    ],
)
def test_a_session_that_cannot_be_read_is_not_paid_again(faces, ti, change):
    store = StateStore()
    made = {"task_id": "make", "deferrable": False, "wait_for_completion": True, "poll_interval": 0.05}
    video = KlingTextToVideoOperator(**made, prompt="A boat").execute({"ti": ti})["videos"][0]["id"]
    faces.fault(code=1103, path="/v1/videos/advanced-lip-sync", times=9)

    def dub(ti):
        operator = KlingLipSyncOperator(task_id="dub", video_id=video, face_choose=[FACE])
        return operator.execute({"ti": ti, "task_state_store": store})

    with pytest.raises(errors.KlingAccountError):
        dub(ti)
    store["session"] |= change
    with pytest.raises(errors.KlingAnswerLostError):
        dub(again(ti))
    assert len(faces.requests(method="POST", path="/v1/videos/identify-face")) == 1


@pytest.mark.parametrize("usd", ["9e999999", "1e400", "NaN", "-1", "Infinity", "x", [1], {}, True, 10**4000])
@pytest.mark.parametrize("map_index", [-1, float("inf"), float("nan"), "x", None, [1]])
def test_a_note_of_no_price_is_none_and_sums_have_an_end(usd, map_index):
    assert Reservation.from_dict({"task": "a", "map_index": map_index, "state": "spent", "usd": usd}) is None
    whole = {"task": "a", "map_index": 0, "state": "spent", "usd": "0.35"}
    notes = [Reservation.from_dict(whole), Reservation.from_dict({**whole, "usd": None})]
    assert ReservedByOthers.of(filter(None, notes), Reservation(("b", 0), ReservationState.ASKING, None)).unknown == 1
    assert Reservation.from_dict({**whole, "task": ["a"]}) is None


class Run:
    """A task instance of a run whose notes are these."""

    run_id = "run"

    def __init__(self, notes):
        self.notes = notes

    def xcom_pull(self, task_ids, key):
        return self.notes if key == "planned_cost" else []


@pytest.mark.parametrize("note", [{"task": []}, {"task": {}, "usd": "9e99999"}, [], "x", {"task": 1, "state": "spent"}])
def test_a_run_is_summed_up_whatever_its_notes_contain(note):
    from airflow.sdk import DAG

    with DAG("dag", schedule=None) as dag:
        KlingTextToVideoOperator(task_id="animate", prompt="A boat")
        count = KlingRunSummaryOperator(task_id="count")
    whole = {"task": "animate", "map_index": -1, "state": "spent", "usd": "0.35", "endpoint": "text2video"}
    summary = count.execute({"ti": Run([note, whole]), "dag": dag})
    assert summary["planned_usd"] == "0.35"
