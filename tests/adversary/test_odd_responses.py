"""Any JSON and any bytes as a response: it is read, or is an error of the package."""

from __future__ import annotations

import json
import logging
import time
from types import SimpleNamespace
from typing import Any

import pytest
from adversary.fuzzing.fuzzer import places, replaced
from adversary.scripted import TASK_ID, kling, task
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support_responses import CLASSIC, KINDS, NEW, VIDEO, read, whole

from airflow_provider_kling.api import classic, envelope, task_record
from airflow_provider_kling.exceptions import KlingError, KlingRequestError, KlingResponseError
from airflow_provider_kling.hooks import KlingHook
from airflow_provider_kling.models import Task, TaskStatus
from airflow_provider_kling.plugins import links
from airflow_provider_kling.products.video import IMAGE2VIDEO

#: Values that programs have sent in place of others.
NUMBERS = [None, True, False, 0, -1, 0.5, 7, 10**30, 10**400, float("nan"), float("inf"), 1e308]
TEXTS = ["", "0", "NaN", "null", "2026-03-29T17:24:36Z", "succeeded", "../../x", "javascript:alert(1)", "half \ud83d"]
SHAPES = [[], {}, [[]], [{}], {"": {}}, [None], ["a"], "word " * 5000, "A" * 5000]
ODD = st.sampled_from([*NUMBERS, *TEXTS, *SHAPES])
ANY_JSON = st.recursive(
    ODD | st.text(max_size=20) | st.integers() | st.floats(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


PLACES = [(kind, path) for kind, (_, skeleton) in KINDS.items() for path in places(skeleton)]


def check(result: Any) -> None:
    """Check the types that the rest of the package relies on."""
    for found in result if isinstance(result, list) else [result]:
        if isinstance(found, Task):
            assert isinstance(found.status, TaskStatus)
            assert found.task_id.replace("-", "").replace("_", "").isalnum()
            assert len(json.dumps(found.manifest(), allow_nan=False)) < 20_000
            json.dumps(found.manifest(), ensure_ascii=False).encode()
            assert all(video.url.startswith("http") for video in found.videos)
            assert all(float(value or 0) >= 0 for value in (found.units, found.cash))
            assert found.created_at >= 0


@settings(max_examples=600, deadline=None, suppress_health_check=list(HealthCheck))
@given(place=st.sampled_from(PLACES), value=ANY_JSON, status=st.sampled_from([200, 200, 200, 400, 429, 502]))
def test_any_json_at_any_place_is_read_or_is_an_error_of_the_package(place, value, status):
    kind, path = place
    message = ""
    try:
        check(read(kind, json.dumps(replaced(KINDS[kind][1], path, value)).encode(), status))
    except KlingError as error:
        message = error.message
    assert len(message.encode()) < 4000


@pytest.mark.parametrize("kind", KINDS)
def test_each_odd_value_at_each_place(kind):
    odd = [None, True, -1, 10**400, float("nan"), "", "NaN", "../../x", [], {}, [[]], [None], {"a": {}}]
    for path in places(KINDS[kind][1]):
        for value in odd:
            try:
                check(read(kind, json.dumps(replaced(KINDS[kind][1], path, value)).encode()))
            except KlingError:
                continue


@settings(max_examples=300, deadline=None)
@given(body=st.binary(max_size=200), status=st.sampled_from([200, 404, 502]))
def test_any_bytes_are_an_error_of_the_package(body, status):
    for kind in KINDS:
        with pytest.raises(KlingError):
            read(kind, body, status)


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 200_000,
        b'{"code":' * 100_000,
        b'{"code": 0, "data": ' + b'{"data":' * 400 + b"1" + b"}" * 401,
        b'{"code": 0, "data": {"task_id": ' + b"7" * 10_000 + b"}}",
        json.dumps(whole({"data": {"data": {"data": {"data": {"data": CLASSIC}}}}})).encode(),
        b'{"code": 0, "data": {"task_id": "7"',
    ],
)
@pytest.mark.parametrize("kind", ["create", "query", "list", "tasks"])
def test_what_is_too_deep_too_long_or_cut_is_a_response_error(kind, body):
    with pytest.raises(KlingResponseError):
        read(kind, body)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_and_other_encodings_are_read(encoding):
    assert read("query", json.dumps(whole(CLASSIC)).encode(encoding)).task_id == TASK_ID


def test_a_reader_that_raises_is_a_response_error_nevertheless(monkeypatch):
    def broken(*_arguments: object, **_more: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(task_record, "_status", broken)
    with pytest.raises(KlingResponseError, match="ZeroDivisionError") as caught:
        read("create", json.dumps(whole(CLASSIC)).encode())
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("name", ["created_at", "updated_at", "final_unit_deduction", "task_info", "task_result"])
@pytest.mark.parametrize("value", ["2026-03-29 17:24", [[]], {"a": []}, True, "soon", 10**400, float("nan")])
def test_only_the_id_and_the_status_are_essential(name, value):
    body = json.dumps(whole({**CLASSIC, name: value})).encode()
    found = read("query", body)
    assert (found.task_id, found.status) == (TASK_ID, TaskStatus.SUCCEED)


@pytest.mark.parametrize(
    "bad", [None, 7, "x", [], {}, {"task_id": "../../x", "task_status": "succeed"}, {"task_id": "8"}]
)
def test_an_unreadable_record_of_another_task_has_no_effect(bad, caplog):
    with caplog.at_level(logging.DEBUG, "airflow_provider_kling.api.task_record"):
        found = read("list", json.dumps(whole([bad, CLASSIC, bad])).encode())
    assert [kling_task.task_id for kling_task in found] == [TASK_ID]
    assert "2 of 3 records" in caplog.text
    new = read("tasks", json.dumps(whole([bad, NEW, bad])).encode())
    assert [kling_task.task_id for kling_task in new] == [TASK_ID]


@pytest.mark.parametrize("data", [{}, "no", 7, {"a": 1}, True])
@pytest.mark.parametrize("kind", ["list", "tasks"])
def test_a_list_that_is_invalid_is_not_asked_for_again(kind, data):
    with pytest.raises(KlingResponseError, match="no list") as caught:
        read(kind, json.dumps(whole(data)).encode())
    assert not caught.value.transient


@pytest.mark.parametrize("task_id", ["../../../../x/PWNED", "a/b", "7\n", "x" * 129, [], {"a": 1}, 1.5, "."])
@pytest.mark.parametrize("kind", ["create", "query"])
def test_an_id_that_could_be_a_path_is_refused(kind, task_id):
    with pytest.raises(KlingResponseError):
        read(kind, json.dumps(whole({**CLASSIC, "task_id": task_id})).encode())


def test_external_ids_and_ids_of_videos_have_a_form_or_are_dropped():
    changed = {**CLASSIC, "task_info": {"external_task_id": "../x"}, "task_result": {"videos": [{**VIDEO, "id": "/x"}]}}
    found = read("query", json.dumps(whole(changed)).encode())
    assert (found.external_task_id, found.videos[0].id) == ("", "")


@pytest.mark.parametrize(
    "url",
    [
        *("javascript:alert(1)", "file:///etc/passwd", "data:text/html,x", "ftp://h/x", "//h/x", "https:///x"),
        *("https://[::1", "https://h:99999/x", "https://h\\@x", "https://h/a b", "https://h/\n", "https://h/\ud83d"),
        *("", 7, None),
    ],
)
def test_a_video_without_a_link_that_can_be_opened_is_left_out(url):
    changed = {**CLASSIC, "task_result": {"videos": [{**VIDEO, "url": url}, VIDEO]}}
    found = read("query", json.dumps(whole(changed)).encode())
    assert [video.url for video in found.videos] == [VIDEO["url"]]
    assert links.link_of({"videos": [{"url": url}]}) == ""


@pytest.mark.parametrize("manifest", [None, "text", [], {}, {"videos": 7}, {"videos": [7]}, {"videos": [{}]}])
def test_the_button_has_no_link_rather_than_an_error(manifest):
    assert links.KlingResultLink().get_link(SimpleNamespace(kling_result=manifest), ti_key=None) == ""
    assert links.KlingResultLink().get_link(object(), ti_key=None) == ""


def test_a_printed_task_shows_no_link():
    found = read("query", json.dumps(whole(CLASSIC)).encode())
    assert "h.example" not in f"{found!r} {found} {found.videos}"


def test_three_megabytes_of_message_become_a_short_error():
    began = time.perf_counter()
    with pytest.raises(KlingRequestError) as caught:
        read("create", json.dumps({"code": 1201, "message": "data:image/png;base64," + "A" * 3_000_000}).encode())
    assert len(caught.value.message) < 500
    assert time.perf_counter() - began < 2


def test_a_post_whose_response_has_odd_fields_is_a_task_and_not_a_crash(scripted):
    odd = task(created_at="2026-03-29 17:24", task_info=[[]], task_result="none", task_status="QUEUED")
    server = scripted(kling(odd))
    found = KlingHook().create_task("image2video", {"prompt": "a dog"}, external_task_id="af-1", validate="off")
    assert found.task_id == TASK_ID
    assert len(server.posts()) == 1


def test_a_task_of_very_many_results_has_a_bounded_manifest(caplog):
    many = [{"id": str(number), "url": f"https://host.example/{number}.mp4"} for number in range(1, 60_000)]
    for said in ({"task_result": {"videos": many}}, {"outputs": [{"type": "video", **video} for video in many]}):
        caplog.clear()
        read = classic.read_task(envelope.Response({**task("succeed"), **said}, "r"), IMAGE2VIDEO)
        assert [video.id for video in read.videos] == [str(number) for number in range(1, 1001)]
        assert "more than 1000 results" in caplog.text
    few = {**task("succeed"), "task_result": {"videos": many[:1000]}}
    caplog.clear()
    assert len(classic.read_task(envelope.Response(few, "r"), IMAGE2VIDEO).videos) == 1000
    assert not caplog.text
