"""What an account has besides its tasks, against the simulator."""

from __future__ import annotations

import pytest

from airflow_provider_kling.api import billing
from airflow_provider_kling.api.billing import Billing
from airflow_provider_kling.api.envelope import Response
from airflow_provider_kling.api.selection import read_selection
from airflow_provider_kling.exceptions import KlingRequestError, KlingResponseError, KlingValidationError
from airflow_provider_kling.hooks import KlingHook

VOICES = "/v1/general/delete-voices"


def text2video(hook: KlingHook, count: int) -> list[str]:
    made = [hook.create_task("text2video", {"prompt": f"A paper boat {index}"}) for index in range(count)]
    return [hook.wait(task.task_id, "text2video", poll_interval=0.05).task_id for task in made]


def test_what_is_gone_is_not_an_error_and_the_call_is_repeated_when_its_response_is_lost(kling, no_waiting):
    hook = KlingHook()
    assert hook.voices.delete("829824295735410799") is False
    kling.fault("cut_after", path=VOICES)
    assert hook.voices.delete("829824295735410799") is False
    assert [entry["path"] for entry in kling.requests()] == [VOICES] * 3


def test_another_refusal_of_a_deletion_is_an_error(kling):
    kling.fault(code=1103, path=VOICES)
    with pytest.raises(Exception, match="1103"):
        KlingHook().voices.delete("829824295735410799")
    kling.fault(code=1201, message="voice_id value is invalid", path=VOICES)
    with pytest.raises(KlingRequestError):
        KlingHook().voices.delete("829824295735410799")


@pytest.mark.parametrize(
    ("call", "advice"),
    [
        (lambda hook: hook.voices.delete(""), "Give voice_id an id"),
        (lambda hook: hook.elements.delete("a b"), "Give element_id an id"),
        (lambda hook: hook.elements.delete(7, by="sounds"), "Give by as 'videos' or 'images'"),
        (lambda hook: hook.selections.open(), "Give video_id or video_url"),
        (lambda hook: hook.selections.open(video_id="1", video_url="https://h.example/a.mp4"), "Give video_id or"),
        (lambda hook: hook.selections.add("1", -1, [(0, 0)]), "Give frame_index as a whole number from 0"),
        (lambda hook: hook.selections.add("1", True, [(0, 0)]), "Give frame_index as a whole number from 0"),
        (lambda hook: hook.selections.add("1", 0, []), "Give points as a list of 1 to 10"),
        (lambda hook: hook.selections.add("1", 0, [(0, 0)] * 11), "Give points as a list of 1 to 10"),
        (lambda hook: hook.selections.remove("1", 0, [(0, 1.1)]), r"Give points\[0\] as \(x, y\) from 0 to 1"),
        (lambda hook: hook.selections.remove("1", 0, [(0, 1), {"x": 1}]), r"Give points\[1\] as \(x, y\) from 0"),
        (lambda hook: hook.selections.remove("1", 0, [(0, 1), 7]), r"Give points\[1\] as \(x, y\) from 0 to 1"),
    ],
)
def test_what_kling_would_refuse_is_not_sent(kling, call, advice):
    with pytest.raises(KlingValidationError, match=advice):
        call(KlingHook())
    assert kling.requests() == []


def test_points_are_pairs_or_objects(kling):
    hook = KlingHook()
    video = hook.get_task(text2video(hook, 1)[0], "text2video").videos[0].id
    session = hook.selections.open(video_id=video).session_id
    marked = hook.selections.add(session, 3, [(0, 1), {"x": "0.5", "y": 0.25}])
    assert marked["frame_index"] == 3
    assert marked["rle_mask_list"][0].keys() == {"object_id", "rle_mask", "png_mask"}
    assert kling.requests()[-1]["body"]["points"] == [{"x": 0.0, "y": 1.0}, {"x": 0.5, "y": 0.25}]
    assert hook.selections.preview(session).keys() == {"video", "video_cover", "tracking_output"}


@pytest.mark.parametrize("data", [None, [], {}, {"status": 0}, {"status": 3, "session_id": "1"}])
def test_a_session_that_is_invalid_is_an_error_that_nobody_repeats(data):
    with pytest.raises(KlingResponseError, match="Open another session") as caught:
        read_selection(Response(data, "r"))
    assert not caught.value.transient


def test_a_report_is_read_page_by_page(kling):
    hook = KlingHook()
    made = text2video(hook, 3)
    lines = list(Billing(hook.client.transport, page_size=1).units(1, 10**14, product_type=["video"]))
    assert sorted(line.task_id for line in lines) == sorted(made)
    assert {(line.unit, line.product_function, line.product_type) for line in lines} == {
        ("units", "text_to_video", "video")
    }
    assert all(float(line.before) - float(line.after) == float(line.amount) > 0 and line.at for line in lines)
    first, *others = [entry["body"] for entry in kling.requests(path="/account/billing/package")]
    assert first == {
        "start_time": 1,
        "end_time": 10**14,
        "limit": 1,
        "filters": [{"key": "product_type", "values": ["video"]}],
    }
    assert [set(body) for body in others] == [{"cursor"}] * 2


@pytest.mark.kling_simulator(report_amounts="number")
def test_a_report_with_amounts_as_numbers_and_times_as_text_is_read_the_same(kling):
    hook = KlingHook()
    text2video(hook, 1)
    (line,) = hook.billing.units(1, 10**14)
    assert float(line.before) - float(line.after) == float(line.amount) > 0
    assert line.at > 10**12


@pytest.mark.kling_simulator(charge="cash")
def test_money_has_its_currency(kling):
    hook = KlingHook()
    made = text2video(hook, 1)
    (line,) = hook.billing.money(1, 10**14)
    assert ([line.task_id], line.unit) == (made, "USD")
    assert list(hook.billing.units(1, 10**14)) == []


def test_a_report_that_is_invalid_is_an_error_and_an_amount_that_cannot_be_read_is_not_free():
    with pytest.raises(KlingResponseError, match="the response holds no report"):
        billing.read_deductions(Response([], "r"))
    lines = [{"task_id": "1", "deduction_amount": amount} for amount in ("2.4", "", None, "NaN", -1)]
    read = billing.read_deductions(Response({"result": {"detail": lines}}, "r"))
    assert [line.amount for line in read] == ["2.4"]


def test_a_cursor_that_leads_nowhere_ends_the_report(kling, monkeypatch):
    responses = iter([Response({"result": {"detail": []}, "has_more": True, "next_cursor": "a"}, "r")] * 5)
    hook = KlingHook()
    monkeypatch.setattr(hook.client.transport, "read", lambda _request: next(responses))
    assert list(hook.billing.units(1, 2)) == []
    assert len(list(responses)) == 3, "asked twice"


def test_cursors_in_a_circle_end_the_report(kling, monkeypatch):
    asked = []

    def read(_request):
        asked.append(1)
        return Response({"result": {"detail": []}, "has_more": True, "next_cursor": "abc"[len(asked) % 3]}, "r")

    hook = KlingHook()
    monkeypatch.setattr(hook.client.transport, "read", read)
    assert list(hook.billing.units(1, 2)) == []
    assert len(asked) == 4
