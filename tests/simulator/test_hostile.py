"""Invalid requests: each gets a response, and the next request is served normally."""

import gzip
import json
import math
import socket
import time

import pytest
import requests

from .support import MODEL, T2V

DEEP = 100_000
GOOD = json.dumps({"model_name": MODEL, "prompt": "a cat"}).encode()


def deep(depth):
    return b'{"prompt":' + b"[" * depth + b"]" * depth + b"}"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"hello", 1200), (b"[]", 1200), (b"null", 1200), (b'"x"', 1200), (b'{"prompt": "\xff"}', 1200),
        (b"[" * DEEP + b"]" * DEEP, 1200), (deep(DEEP), 1200), (deep(900), 1201),
        (b'{"prompt": "a", "cfg_scale": NaN}', 1201), (b'{"prompt": "a", "cfg_scale": ' + b"9" * 5000 + b"}", 1200),
        (b"", 1201),
    ],
)  # fmt: skip
def test_a_body_that_is_not_a_request_is_refused(start, body, code):
    kling = start(retired="accept")
    assert kling.refusal(kling.send("POST", T2V, data=body))[:2] == (400, code)
    assert kling.text2video().json()["code"] == 0
    assert len(kling.simulator.requests()) == 2


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({"Content-Type": "text/plain"}, GOOD, 200),
        ({"Content-Type": ""}, GOOD, 200),
        ({"Content-Encoding": "gzip"}, gzip.compress(GOOD, mtime=0), 200),
        ({"Content-Encoding": "gzip"}, GOOD, 400),
        ({"Content-Type": "application/x-www-form-urlencoded"}, b"prompt=x", 400),
        ({}, iter([GOOD[:9], GOOD[9:]]), 200),
    ],
)
def test_a_body_is_read_however_it_is_packed(kling, headers, body, status):
    response = kling.send("POST", T2V, data=body, headers=kling.headers | headers)
    assert response.status_code == status
    assert response.json()["code"] == (0 if status == 200 else 1200)


@pytest.mark.parametrize("token", [b"\xff\xfe", b"api-key-\xc3\xa9", b"\xff.\xff.\xff", b"x." * 3000])
def test_a_credential_of_any_bytes_is_refused(kling, token):
    response = kling.send("GET", f"{T2V}/1", headers={"Authorization": b"Bearer " + token})
    assert kling.refusal(response)[:2] == (401, 1002)


@pytest.mark.parametrize("method", ["OPTIONS", "PUT", "PATCH", "DELETE", "TRACE"])
def test_another_method_is_invalid_on_a_known_path_and_nothing_on_an_unknown_one(kling, method):
    assert kling.refusal(kling.send(method, T2V)) == (404, 1202, "method invalid")
    unknown = kling.send(method, "/v1/videos/swap").json()
    assert (unknown["status"], unknown["error"], unknown["path"]) == (404, "Not Found", "/v1/videos/swap")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        *(("advance", value) for value in ([], {}, {"seconds": "x"}, {"seconds": math.inf}, {"seconds": 1e300})),
        *(
            ("faults", value)
            for value in ([], {"code": "x"}, {"code": 1303, "path": 5}, {"kind": ["cut_after"]},
                          {"kind": "delay", "seconds": "x"}, {"kind": "delay", "seconds": math.nan},
                          {"code": 1303, "http_status": 9999}, {"code": 1303, "times": "x"})
        ),
        *(("tasks/1/finish", value) for value in ([], {"failure": 5})),
    ],
)  # fmt: skip
def test_a_control_route_refuses_what_would_meet_later_requests(kling, path, body):
    response = requests.post(f"{kling.simulator.url}/_simulator/{path}", data=json.dumps(body), timeout=10)
    assert (response.status_code, list(response.json())) == (400, ["error"])
    assert kling.text2video().json()["code"] == 0
    assert kling.simulator.faults() == []


def test_clients_that_never_finish_hold_nobody_up(start):
    kling = start()
    address = ("127.0.0.1", int(kling.simulator.url.rsplit(":", 1)[1]))
    head = f"POST {T2V} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{{".encode()
    waiting = [socket.create_connection(address) for _ in range(100)]
    try:
        for number, client in enumerate(waiting):
            client.sendall(head if number % 2 else b"GET /ta")
        assert kling.text2video().json()["code"] == 0
        began = time.monotonic()
        kling.simulator.stop()
        assert time.monotonic() - began < 2
    finally:
        for client in waiting:
            client.close()
