"""Every fault, tested over HTTP."""

import time
from email.utils import parsedate_to_datetime

import pytest
import requests

from airflow_provider_kling.simulator.envelope import CODES
from airflow_provider_kling.simulator.faults import ArmedFaults, Fault, Route

from .support import I2V, token

CREATE = Route("POST", I2V, "image2video", "create")
QUERY = Route("GET", f"{I2V}/1", "image2video", "query")


def kinds(book, call):
    return [fault.kind for fault in book.take(call)]


@pytest.mark.parametrize(
    ("match", "call", "hit"),
    [
        ({}, CREATE, True),
        ({"method": "GET"}, CREATE, False),
        ({"path": "/v1/videos/*"}, CREATE, True),
        ({"path": "/v1/images/*"}, CREATE, False),
        ({"product": "image2video", "operation": "query"}, QUERY, True),
        ({"product": "image2video", "operation": "query"}, CREATE, False),
        ({"product": "text2video"}, CREATE, False),
    ],
)
def test_a_fault_applies_only_to_what_it_matches(match, call, hit):
    book = ArmedFaults()
    book.add(Fault(kind="empty", **match))
    assert bool(book.take(call)) is hit


def test_nth_skips_the_first_and_times_limits_the_rest():
    book = ArmedFaults()
    book.add(Fault(kind="empty", nth=2, times=2))
    assert [bool(book.take(CREATE)) for _ in range(5)] == [False, True, True, False, False]
    assert book.armed() == []


def test_times_null_applies_forever_until_it_is_cleared():
    book = ArmedFaults()
    book.add(Fault.from_json({"code": 1303, "times": None}))
    assert all(book.take(CREATE) for _ in range(10))
    book.clear()
    assert book.take(CREATE) == []


def test_of_several_replacing_faults_one_is_used_per_request_while_altering_faults_combine():
    book = ArmedFaults()
    for kind in ("empty", "html", "delay", "http_200"):
        book.add(Fault(kind=kind))
    assert kinds(book, CREATE) == ["empty", "delay", "http_200"]
    assert kinds(book, CREATE) == ["html"]


@pytest.mark.parametrize(
    "values",
    [
        {"kind": "earthquake"},
        {"kind": "error"},
        {"code": 1303, "nht": 2},
        {"code": 1303, "times": 0},
        {"code": 1, "nth": 0},
    ],
)
def test_an_invalid_fault_is_refused_when_it_is_armed(kling, values):
    with pytest.raises(ValueError, match=r"fault|code|times"):
        kling.simulator.fault(**values)
    assert kling.send("POST", "/_simulator/faults", json=values).status_code == 400
    assert kling.simulator.faults() == []


def test_faults_are_armed_listed_and_cleared_over_http(kling):
    response = kling.send("POST", "/_simulator/faults", json={"code": 5000, "times": 2})
    assert (response.status_code, response.json()) == (201, {"id": 1})
    (armed,) = kling.get("/_simulator/faults").json()
    assert (armed["id"], armed["code"], armed["times"]) == (1, 5000, 2)
    assert kling.send("DELETE", "/_simulator/faults").json() == []
    assert kling.image2video().status_code == 200


@pytest.mark.parametrize("code", sorted(CODES))
def test_every_code_comes_with_its_status_and_creates_nothing(kling, code):
    kling.simulator.fault(code=code, operation="create")
    assert kling.refusal(kling.image2video()) == (CODES[code][0], code, CODES[code][1])
    assert kling.simulator.tasks() == []
    assert kling.image2video().status_code == 200


def test_message_status_and_an_unknown_code_can_be_chosen(kling):
    kling.simulator.fault(code=9999, message="new", http_status=418)
    assert kling.refusal(kling.image2video()) == (418, 9999, "new")


def test_an_accepted_error_leaves_a_task_behind(kling):
    kling.simulator.fault(code=5002, accepted=True)
    assert kling.image2video(external_task_id="a").status_code == 504
    assert kling.task("a")["task_status"] == "submitted"


def test_a_cut_before_leaves_no_task(kling):
    kling.simulator.fault("cut_before")
    with pytest.raises(requests.ConnectionError):
        kling.image2video(external_task_id="a")
    assert kling.simulator.tasks() == []
    assert kling.simulator.requests()[0]["status"] is None


def test_a_cut_after_leaves_a_task_and_no_response(kling):
    kling.simulator.fault("cut_after", operation="create")
    with pytest.raises(requests.ConnectionError):
        kling.image2video(external_task_id="a")
    assert [task["external_task_id"] for task in kling.simulator.tasks()] == ["a"]
    assert kling.refusal(kling.image2video(external_task_id="a"))[1] == 1201


def test_a_truncated_body_breaks_off_half_way(kling):
    kling.simulator.fault("truncate", operation="create")
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        kling.image2video(external_task_id="a")
    assert len(kling.simulator.tasks()) == 1


@pytest.mark.parametrize(("fields", "status"), [({}, 200), ({"http_status": 500}, 500)])
def test_an_empty_body(kling, fields, status):
    kling.simulator.fault("empty", **fields)
    response = kling.image2video()
    assert (response.status_code, response.content) == (status, b"")
    assert kling.simulator.tasks() == []


@pytest.mark.parametrize("accepted", [False, True])
def test_an_html_body_before_or_after_acceptance(kling, accepted):
    kling.simulator.fault("html", accepted=accepted)
    response = kling.image2video()
    assert (response.status_code, response.headers["Content-Type"]) == (502, "text/html")
    assert response.text.startswith("<html>")
    assert len(kling.simulator.tasks()) == accepted


def test_a_delay_holds_the_request_before_it_is_handled(kling):
    kling.simulator.fault("delay", seconds=0.5)
    with pytest.raises(requests.ReadTimeout):
        requests.post(kling.simulator.url + I2V, headers=kling.headers, json={}, timeout=0.1)
    began = time.monotonic()
    kling.simulator.fault("delay", seconds=0.2)
    assert kling.image2video().status_code == 200
    assert time.monotonic() - began >= 0.2


def test_a_dripping_body_arrives_whole_and_slowly(kling):
    kling.simulator.fault("drip", seconds=0.3)
    began = time.monotonic()
    assert kling.image2video().json()["code"] == 0
    assert 0.25 <= time.monotonic() - began < 2


def test_clock_skew_for_one_request_shows_in_date_and_refuses_the_token(kling):
    headers = {"Authorization": f"Bearer {token(kling.simulator)}"}
    kling.simulator.fault("clock_skew", seconds=-3600)
    response = kling.send("GET", f"{I2V}/x", headers=headers)
    assert kling.refusal(response)[1] == 1003
    assert time.time() - parsedate_to_datetime(response.headers["Date"]).timestamp() == pytest.approx(3600, abs=3)
    assert kling.refusal(kling.send("GET", f"{I2V}/x", headers=headers))[1] == 1201


def test_the_code_can_be_a_string(kling):
    kling.simulator.fault("code_as_string", times=2)
    assert kling.image2video().json()["code"] == "0"
    assert kling.get(f"{I2V}/x").json()["code"] == "1201"


def test_a_refusal_can_come_with_http_200(kling):
    kling.simulator.fault("http_200")
    response = kling.get(f"{I2V}/x")
    assert (response.status_code, response.json()["code"]) == (200, 1201)


def test_a_task_can_be_set_to_fail_later(kling):
    kling.simulator.fault("fail_task", message="Image pixel is invalid", operation="create")
    task_id = kling.create()
    assert kling.task(task_id)["task_status"] == "submitted"
    seen = kling.finished(task_id)
    assert (seen["task_status"], seen["task_status_msg"]) == ("failed", "Image pixel is invalid")


@pytest.mark.parametrize("kind", ["truncate_video", "corrupt_video", "truncate"])
def test_a_download_can_be_damaged_once(kling, kind):
    url = kling.finished(kling.create())["task_result"]["videos"][0]["url"]
    kling.simulator.fault(kind, operation="download")
    if kind == "truncate":
        with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
            requests.get(url, timeout=10)
        return
    damaged, whole = requests.get(url, timeout=10), requests.get(url, timeout=10)
    assert damaged.status_code == whole.status_code == 200
    assert int(damaged.headers["Content-Length"]) == len(damaged.content)
    if kind == "truncate_video":
        assert damaged.content == whole.content[: len(whole.content) // 2]
    else:
        assert len(damaged.content) == len(whole.content)
        assert damaged.content[:8] == whole.content[:8]
        assert damaged.content != whole.content
