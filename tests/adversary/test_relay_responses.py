"""Field names, codes and wrappers of relays, and amounts of the account."""

from __future__ import annotations

import json

import pytest
from adversary.scripted import TASK_ID
from support_responses import CLASSIC, COSTS, NEW, NOW, PACK, read, whole

from airflow_provider_kling.exceptions import (
    KlingConcurrencyError,
    KlingRequestError,
    KlingResponseError,
    KlingServerError,
)
from airflow_provider_kling.models import TaskStatus


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
