"""Text to speech is synchronous and has no id: there is no wait, and nothing is paid twice automatically."""

from __future__ import annotations

import pytest
from support import StateStore, advice_first, again, connect

from airflow_provider_kling import exceptions as errors
from airflow_provider_kling.hooks import KlingHook
from airflow_provider_kling.operators import KlingTextToSpeechOperator
from airflow_provider_kling.utils._airflow.compat import AirflowFailException, TaskDeferred

WORDS = {"text": "A paper boat leaves the harbour.", "voice_id": "oversea_male1", "voice_language": "en"}


def speech(**kwargs) -> KlingTextToSpeechOperator:
    return KlingTextToSpeechOperator(**{"task_id": "speak", **WORDS, **kwargs})


class Broken:
    def get(self, key, default=None):
        raise OSError("the state store is down")

    set = delete = get


def posts(kling) -> int:
    return len(kling.requests(method="POST"))


def test_the_sound_is_there_at_once_and_stored(kling, ti, tmp_path):
    made = speech(voice_speed="1.2", output_uri=f"{tmp_path}/hello.mp3")
    manifest = made.execute({"ti": ti})
    assert (manifest["endpoint"], manifest["status"], manifest["units"]) == ("tts", "succeed", "0.05")
    assert manifest["files"][0]["duration"] == pytest.approx(float(manifest["audios"][0]["duration"]), abs=0.1)
    assert (tmp_path / "hello.mp3").stat().st_size == manifest["files"][0]["bytes"]
    assert ti.xcoms["task_id"] == manifest["task_id"]
    (request,) = kling.requests(method="POST")
    assert request["body"] == {**WORDS, "voice_speed": 1.2}
    (button,) = made.operator_extra_links
    assert (button.name, button.get_link(made, ti_key=None)) == ("Kling sound", manifest["audios"][0]["url"])


def test_nothing_waits_whatever_is_asked(kling, ti):
    assert speech(wait_for_completion=True, deferrable=True).execute({"ti": ti})["audios"]


def test_a_lost_response_is_not_sent_again_and_no_retry_does(kling, ti, no_waiting):
    kling.fault("cut_after", operation="create")
    with pytest.raises(errors.KlingAnswerLostError) as caught:
        speech().execute({"ti": ti})
    assert isinstance(caught.value, AirflowFailException)
    assert ti.xcoms["failure"]["error"] == "KlingAnswerLostError"
    assert posts(kling) == 1
    with pytest.raises(errors.KlingAnswerLostError, match="an earlier try may have sent it"):
        speech().execute({"ti": again(ti)})
    assert posts(kling) == 1


def test_on_doubt_resend_pays_again(kling, ti, no_waiting):
    kling.fault("cut_after", operation="create")
    assert speech(on_doubt="resend").execute({"ti": ti})["audios"]
    assert (posts(kling), no_waiting) == (2, [2.0])
    assert kling.ledger()["units_used"] == "0.1"


def test_with_a_state_store_a_retry_finds_what_was_paid_for(kling, ti, tmp_path):
    store = StateStore()
    first = speech().execute({"ti": ti, "task_state_store": store})
    later = speech(output_uri=f"{tmp_path}/").execute({"ti": again(ti), "task_state_store": store})
    assert posts(kling) == 1
    assert later["audios"] == first["audios"]
    assert {**later, "files": 0} == {**first, "files": 0}
    assert later["files"]


def test_with_a_state_store_a_try_that_died_while_it_sent_is_doubt(kling, ti):
    store = StateStore()
    kling.fault("cut_after", operation="create")
    with pytest.raises(errors.KlingAnswerLostError):
        speech().execute({"ti": ti, "task_state_store": store})
    with pytest.raises(errors.KlingAnswerLostError, match="an earlier try may have sent it"):
        speech().execute({"ti": again(ti), "task_state_store": store})
    assert posts(kling) == 1
    # Other words are another sound.
    assert speech(text="Another").execute({"ti": again(ti), "task_state_store": store})["audios"]


def test_a_refusal_of_a_second_request_does_not_forget_the_first(kling, ti, no_waiting):
    store = StateStore()
    kling.fault("cut_after", operation="create")
    with pytest.raises(errors.KlingAnswerLostError):
        speech().execute({"ti": ti, "task_state_store": store})
    kling.fault(code=1102, operation="create")
    with pytest.raises(errors.KlingAccountError):
        speech(on_doubt="resend").execute({"ti": again(ti), "task_state_store": store})
    with pytest.raises(errors.KlingAnswerLostError):
        speech().execute({"ti": again(ti), "task_state_store": store})
    assert posts(kling) == 2


@pytest.mark.parametrize("fault", [{"code": 1201}, {"kind": "fail_task"}])
def test_other_words_that_cost_nothing_do_not_forget_what_was_paid(kling, ti, no_waiting, fault):
    store = StateStore()
    first = speech().execute({"ti": ti, "task_state_store": store})
    kling.fault(**fault, operation="create")
    with pytest.raises((errors.KlingRequestError, errors.KlingTaskFailedError)):
        speech(text="Another").execute({"ti": again(ti), "task_state_store": store})
    later = speech().execute({"ti": again(ti), "task_state_store": store})
    assert (later["audios"], posts(kling)) == (first["audios"], 2)


def test_what_another_version_kept_is_found(kling, ti):
    store = StateStore()
    first = speech().execute({"ti": ti, "task_state_store": store})
    store["sent"]["answer"] = {**store["sent"]["answer"], "status": "delivered", "units": 5, "created_at": None}
    assert speech().execute({"ti": again(ti), "task_state_store": store})["audios"] == first["audios"]


def test_before_there_is_a_state_store_a_folder_keeps_the_response(kling, ti, monkeypatch, tmp_path):
    connect(monkeypatch, kling, extra={"allow_private_urls": True, "budget_uri": f"{tmp_path}/kling/"})
    first = speech().execute({"ti": ti})
    assert speech().execute({"ti": again(ti)})["audios"] == first["audios"]
    assert posts(kling) == 1


@pytest.mark.parametrize("code", [1102, 1201])
def test_with_a_state_store_what_kling_refused_may_be_sent_again(kling, ti, code):
    store = StateStore()
    kling.fault(code=code, operation="create")
    with pytest.raises(errors.KlingApiError):
        speech().execute({"ti": ti, "task_state_store": store})
    assert speech().execute({"ti": again(ti), "task_state_store": store})["audios"]


def test_a_try_that_sent_nothing_leaves_no_doubt(kling, ti):
    store = StateStore()
    with pytest.raises(errors.KlingValidationError):
        speech(text="").execute({"ti": ti, "task_state_store": store})
    assert speech().execute({"ti": again(ti), "task_state_store": store})["audios"]


def test_a_state_store_that_is_down_is_a_reason_to_send_nothing(kling, ti):
    with pytest.raises(errors.KlingStorageError, match="nothing was sent"):
        speech().execute({"ti": ti, "task_state_store": Broken()})
    assert posts(kling) == 0


@pytest.mark.parametrize("store", [None, StateStore()])
def test_a_full_account_is_waited_for_and_is_not_doubt(kling, ti, no_waiting, store):
    context = {"ti": ti} if store is None else {"ti": ti, "task_state_store": store}
    kling.fault(code=1303, operation="create")
    with pytest.raises(TaskDeferred) as caught:
        speech().execute(context)
    event = {"since": caught.value.trigger.since, "until": caught.value.trigger.until}
    assert speech().execute_with_slot(context, event)["audios"]
    kling.fault(code=1303, operation="create")
    assert speech(text="On the worker", deferrable=False).execute(context)["audios"]


@pytest.mark.parametrize(
    ("fields", "advice"),
    [
        ({"text": None}, "Give text: it is missing"),
        ({"text": "x" * 1001}, "Shorten text to 1000 characters"),
        ({"voice_id": None}, "Give voice_id: it is missing"),
        ({"voice_language": "de"}, "Give voice_language as 'zh' or 'en'"),
        ({"voice_speed": 2.1}, "Give voice_speed as a number from 0.8 to 2"),
        ({"external_task_id": "mine"}, "Leave external_task_id out: 'external_task_id' is not a field of tts"),
        ({"callback_url": "https://x.example"}, "Leave callback_url out: 'callback_url' is not a field of tts"),
        ({"on_doubt": "pray"}, "Give on_doubt as 'fail' or 'resend'"),
    ],
)
def test_what_kling_would_refuse_is_refused_before_it_is_sent(kling, ti, fields, advice):
    with pytest.raises(errors.KlingValidationError) as caught:
        speech(**fields).execute({"ti": ti})
    assert [advice_first(problem)[: len(advice)] for problem in caught.value.problems] == [advice]
    assert posts(kling) == 0


def test_the_hook_has_the_same(kling, no_waiting):
    kling.fault("cut_after", operation="create")
    with pytest.raises(errors.KlingAnswerLostError):
        KlingHook().create_task("tts", WORDS)
    kling.fault("cut_after", operation="create")
    assert KlingHook().create_task("tts", WORDS, on_doubt="resend").results
    assert KlingHook().estimate("tts", WORDS).units is not None


@pytest.mark.parametrize("content", [b"", b'{"id": "af-1', b"[]", b"\xff\xfe"])
def test_a_damaged_file_of_a_response_is_named_and_nothing_is_paid_twice(kling, ti, monkeypatch, tmp_path, content):
    connect(monkeypatch, kling, extra={"allow_private_urls": True, "budget_uri": f"{tmp_path}/kling/"})
    speech().execute({"ti": ti})
    (kept,) = (tmp_path / "kling" / "sent").iterdir()
    kept.write_bytes(content)
    with pytest.raises(errors.KlingAnswerLostError) as caught:
        speech().execute({"ti": again(ti)})
    assert f"before you remove sent/{kept.name[:11]}….sent.json: " in advice_first(caught.value.message)
    with pytest.raises(errors.KlingAnswerLostError):
        speech().execute({"ti": again(ti)})
    assert posts(kling) == 1
    assert speech(on_doubt="resend").execute({"ti": again(ti)})["audios"]
    assert speech().execute({"ti": again(ti)})["audios"]
    assert posts(kling) == 2
