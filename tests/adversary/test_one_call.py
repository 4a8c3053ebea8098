"""Synchronous calls, whose response holds the result: they are never sent again."""

from __future__ import annotations

import io
import json
import wave

import pytest
from adversary.scripted import Reply, kling
from support import StateStore

from airflow_provider_kling import exceptions as errors
from airflow_provider_kling.operators import (
    KlingIdentifyFaceOperator,
    KlingImageRecognitionOperator,
    KlingLipSyncOperator,
    KlingTextToSpeechOperator,
)

WORDS = {"text": "A paper boat leaves the harbour.", "voice_id": "oversea_male1", "voice_language": "en"}
FACES = [{"face_id": "0", "face_image": "https://host.example/f.png", "start_time": 0, "end_time": 4000}]


def sound() -> bytes:
    target = io.BytesIO()
    with wave.open(target, "wb") as written:
        written.setnchannels(1)
        written.setsampwidth(2)
        written.setframerate(8000)
        written.writeframes(b"\0\0" * 8000)
    return target.getvalue()


@pytest.fixture
def spoken(scripted):
    """Start a server that says this to a POST, with ``LINK`` for the sound that it has."""

    def start(said):
        def response(request):
            if request.method == "GET":
                return Reply(sound(), headers={"Content-Type": "audio/wav"})
            return Reply(json.dumps(said).replace("LINK", f"{server.url}/a.wav"))

        server = scripted(response)
        return server

    return start


def speak(ti, folder, **context):
    made = KlingTextToSpeechOperator(task_id="speak", **WORDS, output_uri=f"{folder}/")
    return made.execute({"ti": ti, **context})


AUDIOS = {"audios": [{"id": "1", "url": "LINK", "duration": "1"}]}


@pytest.mark.parametrize("request_id", ["r-1", "", None, "../../x", "req:1.2", "ü", "x" * 300, 7, [1], "None", "."])
def test_a_sound_without_a_task_id_is_stored_whatever_the_request_is_called(spoken, ti, tmp_path, request_id):
    server = spoken({"code": 0, "request_id": request_id, "data": {"task_status": "succeed", "task_result": AUDIOS}})
    manifest = speak(ti, tmp_path, task_state_store=(store := StateStore()))
    (file,) = tmp_path.iterdir()
    assert manifest["files"][0]["uri"].endswith(file.name)
    assert store["sent"]["answer"]["task_id"] == manifest["task_id"] == ti.xcoms["task_id"]
    assert len(server.posts()) == 1


@pytest.mark.parametrize(
    "said",
    [
        {"code": 0, "task_result": AUDIOS},
        {"task_result": AUDIOS},
        {"code": "yes", "data": {"data": {"task_result": AUDIOS}}},
        {"code": 200, "data": {"output": {"task_result": AUDIOS}}},
        {"code": 0, "data": [{"task_id": "../x", "task_result": AUDIOS}]},
    ],
)
def test_it_is_found_where_relays_put_it(spoken, ti, tmp_path, said):
    server = spoken(said)
    assert speak(ti, tmp_path)["files"]
    assert len(server.posts()) == 1


@pytest.mark.parametrize(
    "data", [{}, [], None, {"audios": []}, {"task_result": {"audios": [{"url": "javascript:alert(1)"}]}}, "success"]
)
def test_what_holds_no_result_is_doubt_and_not_sent_again(spoken, ti, tmp_path, data):
    server = spoken({"code": 0, "request_id": "r", "data": data})
    with pytest.raises(errors.KlingAnswerLostError):
        speak(ti, tmp_path)
    assert len(server.posts()) == 1


@pytest.mark.parametrize("session", [None, "", "../x", "a b", 1.5, {"id": "1"}])
def test_faces_without_their_session_are_no_response(scripted, ti, session):
    """A lip sync in a session that is none would be refused, again with each retry."""
    server = scripted(kling({"session_id": session, "face_data": FACES}))
    with pytest.raises(errors.KlingAnswerLostError, match="holds no session"):
        KlingIdentifyFaceOperator(task_id="find", video_id="1").execute({"ti": ti})
    face = {"audio_id": "1", "sound_start_time": 0, "sound_end_time": 3000, "sound_insert_time": 0}
    with pytest.raises(errors.KlingAnswerLostError, match="holds no session"):
        KlingLipSyncOperator(task_id="dub", video_id="1", face_choose=[face]).execute({"ti": ti})
    assert [request.path for request in server.posts()] == ["/v1/videos/identify-face"] * 2


def test_segments_have_no_session(scripted, ti):
    scripted(kling({"task_result": {"images": [{"type": "head_seg", "is_contain": False}]}}))
    made = KlingImageRecognitionOperator(task_id="look", image="https://host.example/a.png")
    assert made.execute({"ti": ti})["segments"] == [{"type": "head_seg", "url": ""}]
