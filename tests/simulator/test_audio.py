"""Sounds: text to speech, which answers at once, and real files."""

import io

import av
import pytest
import requests

PATH = "/v1/audio/tts"
BODY = {"text": "A paper boat leaves the harbour.", "voice_id": "oversea_male1", "voice_language": "en"}


def speak(kling, **body):
    return kling.send("POST", PATH, json=BODY | body)


def test_text_to_speech_responds_with_its_result(kling):
    data = speak(kling).json()["data"]
    assert data.keys() == {
        "task_id", "task_status", "task_status_msg", "task_result", "final_unit_deduction", "final_balance_deduction",
        "created_at", "updated_at",
    }  # fmt: skip
    assert (data["task_status"], data["final_unit_deduction"]) == ("succeed", "0.05")
    (audio,) = data["task_result"]["audios"]
    assert audio.keys() == {"id", "url", "duration"}
    assert (kling.simulator.ledger()["units_used"], audio["duration"]) == ("0.05", "2.1")


def test_the_sound_is_a_real_mp3_of_the_reported_length(kling):
    (audio,) = speak(kling, voice_speed=0.8).json()["data"]["task_result"]["audios"]
    response = requests.get(audio["url"], timeout=20)
    assert (response.status_code, response.headers["Content-Type"]) == (200, "audio/mpeg")
    with av.open(io.BytesIO(response.content)) as container:
        assert container.streams.audio[0].codec_context.name in {"mp3", "mp3float"}
        samples = sum(frame.samples for frame in container.decode(audio=0))
    assert samples / 44_100 == pytest.approx(float(audio["duration"]), abs=0.1)


@pytest.mark.parametrize(("beyond", "edge"), [(0.5, 0.8), (3, 2.0)])
def test_a_speed_out_of_range_is_brought_to_the_nearer_edge(kling, beyond, edge):
    lengths = [
        speak(kling, voice_speed=speed).json()["data"]["task_result"]["audios"][0]["duration"]
        for speed in (beyond, edge, 1)
    ]
    assert lengths[0] == lengths[1] != lengths[2]


def test_an_account_that_pays_with_money_has_money_in_its_costs(start):
    data = speak(start(charge="cash")).json()["data"]
    paid = {"quota": "0.007", "list_price": "0.007"}
    assert (data["final_unit_deduction"], data["final_balance_deduction"]) == ("0", paid)


def test_a_task_that_is_synchronous_holds_no_slot_and_is_in_the_list_of_all_tasks(start):
    kling = start(concurrency=1)
    ids = [speak(kling).json()["data"]["task_id"] for _ in range(3)]
    seen = kling.get("/tasks", task_ids=",".join(ids)).json()["data"]
    assert [task["status"] for task in seen] == ["succeeded"] * 3
    assert seen[0]["outputs"][0].keys() == {"type", "id", "mp3_url", "mp3_duration"}


def test_a_lost_response_was_charged_and_an_external_id_means_nothing(kling):
    kling.simulator.fault("cut_after", operation="create")
    with pytest.raises(requests.ConnectionError):
        speak(kling, external_task_id="a")
    assert speak(kling, external_task_id="a").json()["code"] == 0
    assert kling.simulator.ledger()["units_used"] == "0.1"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"text": ""}, "text can not be null"),
        ({"text": "x" * 1001}, "text length must be less than or equal to 1000"),
        ({"voice_id": None}, "voice_id can not be null"),
        ({"voice_id": "829824295735410756"}, "Voice id not found"),
        ({"voice_language": "de"}, "voice_language value 'de' is invalid, allowed values: zh, en"),
        ({"voice_speed": "fast"}, "voice_speed value type is invalid, expected number"),
    ],
)
def test_a_bad_body_is_refused_and_costs_nothing(kling, body, message):
    assert kling.refusal(speak(kling, **body)) == (400, 1201, message)
    assert kling.simulator.ledger()["units_used"] == "0"


def test_a_task_of_text_to_speech_cannot_be_read_or_listed(kling):
    task_id = speak(kling).json()["data"]["task_id"]
    assert kling.refusal(kling.get(PATH))[:2] == (404, 1202)
    assert kling.get(f"{PATH}/{task_id}").json()["error"] == "Not Found"
