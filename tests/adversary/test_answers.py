"""Any JSON value at any position of a response is either read or raises an error of this package."""

from __future__ import annotations

import copy
import json
import logging
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from adversary.scripted import TASK_ID, kling, task
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_provider_kling.api import account, classic, envelope, task_record, v2
from airflow_provider_kling.exceptions import (
    KlingConcurrencyError,
    KlingError,
    KlingRequestError,
    KlingResponseError,
    KlingServerError,
)
from airflow_provider_kling.hooks import KlingHook
from airflow_provider_kling.models import Task, TaskStatus
from airflow_provider_kling.plugins import links
from airflow_provider_kling.products.video import IMAGE2VIDEO

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NOW = 1774805076166
VIDEO = {"id": "867283741759111203", "url": "https://h.example/v.mp4?Signature=secret", "duration": "5.041"}
CLASSIC = {
    "task_id": TASK_ID,
    "task_status": "succeed",
    "task_status_msg": "",
    "task_info": {"external_task_id": "af-1"},
    "task_result": {"videos": [VIDEO]},
    "final_unit_deduction": "3",
    "final_balance_deduction": {"quota": "0.5", "list_price": "0.6"},
    "created_at": NOW,
    "updated_at": NOW,
}
NEW = {
    "id": TASK_ID,
    "status": "succeeded",
    "message": "",
    "create_time": NOW,
    "update_time": NOW,
    "external_id": "af-1",
    "outputs": [{"type": "video", **VIDEO}],
    "billing": [{"charge_type": "unit", "amount": "5", "package_type": "video"}],
}
PACK = {
    "resource_pack_name": "Trial",
    "total_quantity": 100.0,
    "remaining_quantity": 91.2,
    "invalid_time": NOW,
    "status": "online",
}
COSTS = {"code": 0, "msg": "success", "resource_pack_subscribe_infos": [PACK]}


def whole(data: Any) -> dict[str, Any]:
    return {"code": 0, "message": "SUCCEED", "request_id": "r-1", "data": data}


#: Reader and a valid answer of each kind.
KINDS: dict[str, tuple[Callable[[envelope.Response], Any], dict[str, Any]]] = {
    "create": (lambda response: classic.read_created(response, IMAGE2VIDEO), whole(CLASSIC)),
    "query": (lambda response: classic.read_task(response, IMAGE2VIDEO), whole(CLASSIC)),
    "list": (lambda response: classic.read_page(response, IMAGE2VIDEO), whole([CLASSIC, CLASSIC])),
    "tasks": (lambda response: v2.read_tasks(response, {TASK_ID: "image2video"}), whole([NEW, NEW])),
    "costs": (account.read_costs, whole(COSTS)),
}

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


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value in a JSON document, including the root."""
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inner:
        yield from places(item, (*path, key))


def with_value(skeleton: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    changed = copy.deepcopy(skeleton)
    at = changed
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    return changed


PLACES = [(kind, path) for kind, (_, skeleton) in KINDS.items() for path in places(skeleton)]


def read(kind: str, body: bytes, status: int = 200) -> Any:
    return KINDS[kind][0](envelope.read(status, body))


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
        check(read(kind, json.dumps(with_value(KINDS[kind][1], path, value)).encode(), status))
    except KlingError as error:
        message = error.message
    assert len(message.encode()) < 4000


@pytest.mark.parametrize("kind", KINDS)
def test_each_odd_value_at_each_place(kind):
    odd = [None, True, -1, 10**400, float("nan"), "", "NaN", "../../x", [], {}, [[]], [None], {"a": {}}]
    for path in places(KINDS[kind][1]):
        for value in odd:
            try:
                check(read(kind, json.dumps(with_value(KINDS[kind][1], path, value)).encode()))
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


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("NOT_START", TaskStatus.SUBMITTED),
        ("queued", TaskStatus.SUBMITTED),
        ("pending", TaskStatus.SUBMITTED),
        ("IN_QUEUE", TaskStatus.SUBMITTED),
        ("IN_PROGRESS", TaskStatus.PROCESSING),
        ("in-progress", TaskStatus.PROCESSING),
        ("Running", TaskStatus.PROCESSING),
        ("SUCCESS", TaskStatus.SUCCEED),
        ("succeeded", TaskStatus.SUCCEED),
        ("completed", TaskStatus.SUCCEED),
        ("FAILURE", TaskStatus.FAILED),
        ("error", TaskStatus.FAILED),
    ],
)
def test_field_names_of_relays_are_understood(word, status):
    assert read("query", json.dumps(whole({**CLASSIC, "task_status": word})).encode()).status is status
    (found,) = read("tasks", json.dumps(whole([{**NEW, "status": word}])).encode())
    assert found.status is status


@pytest.mark.parametrize("word", ["resting", "cancelled", "UNKNOWN", "99", "", None, 99, True, [], {}])
def test_an_unknown_status_does_not_end_the_wait(word):
    with pytest.raises(KlingResponseError, match="no end") as caught:
        read("query", json.dumps(whole({**CLASSIC, "task_status": word})).encode())
    assert caught.value.transient
    assert caught.value.kling_task_id == TASK_ID


@pytest.mark.parametrize("code", [0, "0", 0.0, "0.0", 200, "200", True, "success", "SUCCESS", "ok", 201])
def test_success_codes_of_relays_count_as_success(code):
    assert read("create", json.dumps({**whole(CLASSIC), "code": code}).encode()).task_id == TASK_ID


@pytest.mark.parametrize("code", [None, "", 1, -1, 777, 40001, "what", [], {}, False, 5999])
def test_an_unknown_code_around_a_task_is_not_an_error(code):
    assert read("create", json.dumps({**whole(CLASSIC), "code": code}).encode()).task_id == TASK_ID


@pytest.mark.parametrize("code", [None, "", 1, -1, 777, 40001, "quota_not_enough", [], False, 5999, 200, True])
@pytest.mark.parametrize("data", [None, {}, [], {"id": 7, "object": "error"}])
def test_an_unknown_code_without_a_task_leaves_doubt(code, data):
    body = {**whole(data), "code": code, "id": "request-7"}
    if code in (200, True) and data:
        return  # said to be accepted, and it names something: that is the task
    with pytest.raises(KlingResponseError) as caught:
        read("create", json.dumps(body).encode())
    assert not caught.value.refused_for_sure
    assert caught.value.http_status == 200


def test_klings_own_codes_are_errors_whatever_else_the_body_has():
    with pytest.raises(KlingConcurrencyError) as caught:
        read("create", json.dumps({**whole(CLASSIC), "code": "1303"}).encode())
    assert caught.value.refused_for_sure


@pytest.mark.parametrize(
    ("status", "error"), [(400, KlingRequestError), (429, KlingServerError), (503, KlingServerError)]
)
def test_an_unknown_code_in_an_http_error_leaves_doubt(status, error):
    with pytest.raises(error) as caught:
        read("create", b'{"code": 40001, "message": "text"}', status)
    assert not caught.value.refused_for_sure
    assert caught.value.transient is (error is KlingServerError)


@pytest.mark.parametrize(
    "body",
    [
        {"code": 0, "data": {"id": TASK_ID}},
        {"code": 0, "data": {"taskId": TASK_ID}},
        {"code": 0, "data": {"task": {"task_id": TASK_ID}}},
        {"code": 0, "data": {"data": {"task_id": TASK_ID}}},
        {"code": 0, "data": [{"task_id": TASK_ID}]},
        {"code": 0, "data": TASK_ID},
        {"code": 0, "data": None, "task_id": TASK_ID},
        {"code": 0, "output": {"task_id": TASK_ID, "task_status": "PENDING"}},
        {"task_id": TASK_ID},
        {"id": TASK_ID, "object": "video", "status": "queued"},
        {"id": "request-7", "code": "what", "data": {"task_id": TASK_ID}},
        {"code": 0, "data": {"task_id": int(TASK_ID)}},
        {"code": 0, "data": {"task_id": TASK_ID, "task_status": "resting"}},
        {"code": "success", "data": {"task_id": TASK_ID, "status": "QUEUED", "data": whole({"task_id": "8"})}},
    ],
)
def test_the_id_of_a_created_task_is_found_where_relays_put_it(body):
    created = read("create", json.dumps(body).encode())
    assert created.task_id == TASK_ID
    assert created.status is TaskStatus.SUBMITTED


@pytest.mark.parametrize("data", ["success", "ok", "", [], [1], {"ok": True}, {"message": "queued"}, 7, None])
def test_a_response_to_a_post_that_names_no_task_leaves_doubt(data):
    with pytest.raises(KlingResponseError, match="holds no task"):
        read("create", json.dumps(whole(data)).encode())


def test_a_relays_response_around_klings_is_read_with_its_result():
    wrapped = {"task_id": "task_1", "status": "SUCCESS", "submit_time": NOW // 1000, "data": whole(CLASSIC)}
    found = read("query", json.dumps({"code": "success", "message": "", "data": wrapped}).encode())
    assert (found.task_id, found.status, found.created_at) == ("task_1", TaskStatus.SUCCEED, NOW // 1000 * 1000)
    assert found.videos[0].duration == "5.041"


def test_the_cash_of_a_post_paid_account_is_listed_with_the_units():
    assert read("query", json.dumps(whole(CLASSIC)).encode()).cash == "0.5"
    billing = [{"charge_type": "cash", "amount": "0.336"}, {"charge_type": "unit", "amount": "1"}, {"amount": "9"}]
    (found,) = read("tasks", json.dumps(whole([{**NEW, "billing": billing}])).encode())
    assert (found.units, found.cash) == ("1", "0.336")
    assert (found.manifest()["units"], found.manifest()["cash"]) == ("1", "0.336")


@pytest.mark.parametrize("units", ["NaN", "Infinity", "-3", "1e400", float("nan"), True, [3], "three"])
def test_units_are_a_finite_amount_or_empty(units):
    assert read("query", json.dumps(whole({**CLASSIC, "final_unit_deduction": units})).encode()).units == ""


def test_a_pack_whose_quantity_cannot_be_read_is_not_taken_for_a_used_up_one():
    packs = [PACK, {**PACK, "remaining_quantity": "NaN"}, {**PACK, "remaining_quantity": True}, 7]
    read_packs = read("costs", json.dumps(whole({**COSTS, "resource_pack_subscribe_infos": packs})).encode())
    assert [pack.remaining_quantity for pack in read_packs] == [91.2]


@pytest.mark.parametrize("code", ["what", [], None, "NaN"])
def test_an_inner_code_of_the_account_that_is_not_a_number_is_a_response_error(code):
    with pytest.raises(KlingResponseError):
        read("costs", json.dumps(whole({**COSTS, "code": code})).encode())


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
