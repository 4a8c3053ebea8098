"""Whatever is answered in Kling's name is read, or refused in words."""

from __future__ import annotations

import json

import pytest
from adversary.fuzzing.fuzzer import damaged_bytes, damaged_json, fuzz, obeys, odd_json
from hypothesis import strategies as st

from airflow_provider_kling.api import account, classic, envelope, v2
from airflow_provider_kling.products.catalogue import product_of

IMAGE2VIDEO = product_of("image2video")

TASK = {
    "task_id": "179527409186300000",
    "task_status": "succeed",
    "task_status_msg": "",
    "task_info": {"external_task_id": "af-1"},
    "task_result": {"videos": [{"id": "1", "url": "https://h.example/v.mp4?Expires=1", "duration": "5.041"}]},
    "final_unit_deduction": "3",
    "final_balance_deduction": "0.42",
    "created_at": 1795274091863,
    "updated_at": 1795274191863,
}
NEW_TASK = {
    "id": "179527409186300000",
    "external_id": "af-1",
    "status": "succeeded",
    "message": "",
    "create_time": 1795274091863,
    "update_time": 1795274191863,
    "outputs": [{"type": "video", "id": "1", "url": "https://h.example/v.mp4", "duration": "5.041"}],
    "billing": [{"charge_type": "unit", "amount": "3"}, {"charge_type": "cash", "amount": "0.42"}],
}
COSTS = {
    "code": 0,
    "msg": "",
    "resource_pack_subscribe_infos": [
        {
            "resource_pack_name": "Trial-Video-100Units-5Con-1Months",
            "status": "online",
            "total_quantity": 100.0,
            "remaining_quantity": 97.5,
            "invalid_time": 1795274191863,
        }
    ],
}

READERS = {
    "task": (TASK, lambda response: classic.read_task(response, IMAGE2VIDEO)),
    "page": ([TASK, TASK], lambda response: classic.read_page(response, IMAGE2VIDEO)),
    "tasks": ([NEW_TASK, NEW_TASK], lambda response: v2.read_tasks(response, {"179527409186300000": "image2video"})),
    "costs": (COSTS, account.read_costs),
}


@pytest.mark.parametrize("kind", READERS)
def test_a_damaged_response(kind):
    data, read = READERS[kind]
    whole = {"code": 0, "message": "SUCCEED", "request_id": "r-1", "data": data}

    def check(response):
        body = json.dumps(response).encode()
        result = obeys(lambda: read(envelope.read(200, body)))
        assert len(repr(result)) < 100_000

    fuzz(damaged_json(whole), check, share=0.75)


def test_any_bytes_with_any_status():
    body = json.dumps({"code": 1201, "message": "bad", "request_id": "r-1", "data": TASK}).encode()
    bodies = st.one_of(
        st.binary(max_size=300), damaged_bytes(body), odd_json.map(lambda value: json.dumps(value).encode())
    )

    def check(response):
        obeys(lambda: classic.read_task(envelope.read(*response), IMAGE2VIDEO))

    fuzz(st.tuples(st.sampled_from([200, 201, 204, 301, 400, 401, 404, 429, 500, 503]), bodies), check)
