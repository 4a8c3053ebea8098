"""Callbacks: Kling's published vector, what the simulator sends, and everything that is refused."""

from __future__ import annotations

import base64
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from support import connect

from airflow_provider_kling.api import callbacks
from airflow_provider_kling.exceptions import KlingCallbackError, KlingConfigurationError
from airflow_provider_kling.hooks import KlingHook
from airflow_provider_kling.models import TaskStatus
from airflow_provider_kling.simulator import KlingSimulator, Settings
from airflow_provider_kling.simulator.callbacks import sign

# The vector of Kling's page on callbacks (https://kling.ai/document-api, read 2026-11).
SECRET = "whsec_dGVzdHNlY3JldHRlc3RzZWNyZXR0ZXN0c2VjcmV0MTI="
BODY = b'{"id":"1234567890","status":"succeeded","message":"","create_time":1781080778802,"update_time":1781080794151}'
NOW = 1781080794
HEADERS = {
    "webhook-id": "9876543210",
    "webhook-timestamp": str(NOW),
    "webhook-signature": "v1,UsKlJP00XoQyOn410NM9xv34sP+Gl0jnOO9Lcpr7NJ4=",
}

CLASSIC = json.dumps(
    {
        "task_id": "867283741759111202",
        "task_status": "succeed",
        "created_at": 1774805076166,
        "final_unit_deduction": "3",
        "task_info": {"external_task_id": "mine"},
        "task_result": {"images": [], "videos": [{"id": "1", "url": "https://example.com/v.mp4", "duration": "5.041"}]},
    }
).encode()


def signed(body=BODY, *, secret=SECRET, at=NOW, message_id="one"):
    signature = sign(secret, message_id=message_id, timestamp=str(at), body=body)
    return {"webhook-id": message_id, "webhook-timestamp": str(at), "webhook-signature": signature}


def test_the_published_vector_is_kling_s():
    task = callbacks.verify(HEADERS, BODY, SECRET, NOW, endpoint="image2video")
    assert (task.task_id, task.status, task.endpoint) == ("1234567890", TaskStatus.SUCCEED, "image2video")
    assert task.updated_at == 1781080794151


def test_the_prefix_of_the_secret_and_the_case_of_a_header_do_not_matter():
    headers = {name.title(): value for name, value in HEADERS.items()}
    assert callbacks.verify(headers, BODY, SECRET.removeprefix("whsec_"), NOW).task_id == "1234567890"


def test_a_classic_body_is_a_task_too():
    task = callbacks.verify(signed(CLASSIC), CLASSIC, SECRET, NOW)
    assert (task.task_id, task.external_task_id, task.units) == ("867283741759111202", "mine", "3")
    assert task.videos[0].url == "https://example.com/v.mp4"


def test_one_of_several_signatures_is_enough_as_while_the_secret_is_changed():
    old = "whsec_" + base64.b64encode(b"another secret of thirty-two byt").decode()
    headers = signed()
    both = f"{signed(secret=old)['webhook-signature']} v2,later {headers['webhook-signature']}"
    for secret in (old, SECRET):
        assert callbacks.verify({**headers, "webhook-signature": both}, BODY, secret, NOW)


def test_no_more_than_a_few_signatures_are_looked_at():
    headers = signed()
    many = " ".join(["v1,AAAA"] * callbacks.MAX_SIGNATURES + [headers["webhook-signature"]])
    with pytest.raises(KlingCallbackError, match="no signature fits"):
        callbacks.verify({**headers, "webhook-signature": many}, BODY, SECRET, NOW)


@pytest.mark.parametrize("apart", [-300, 300])
def test_a_time_within_the_tolerance_is_now(apart):
    assert callbacks.verify(HEADERS, BODY, SECRET, NOW + apart)


@pytest.mark.parametrize("apart", [-301, 301])
def test_a_time_beyond_it_is_refused_whatever_the_signature(apart):
    with pytest.raises(KlingCallbackError, match="its time is not now"):
        callbacks.verify(HEADERS, BODY, SECRET, NOW + apart)


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (HEADERS, BODY.replace(b"succeeded", b"failed")),
        (HEADERS, BODY + b" "),
        ({**HEADERS, "webhook-id": "9876543211"}, BODY),
        ({**HEADERS, "webhook-timestamp": str(NOW + 1)}, BODY),
        ({**HEADERS, "webhook-signature": HEADERS["webhook-signature"].replace("v1,", "v2,")}, BODY),
        ({**HEADERS, "webhook-signature": HEADERS["webhook-signature"].removeprefix("v1,")}, BODY),
        ({**HEADERS, "webhook-signature": "v1,"}, BODY),
        ({**HEADERS, "webhook-signature": "v1,not base64"}, BODY),
        (signed(secret="whsec_c29tZWJvZHkgZWxzZQ=="), BODY),
    ],
)
def test_what_was_changed_or_signed_by_another_fits_no_signature(headers, body):
    with pytest.raises(KlingCallbackError, match="no signature fits"):
        callbacks.verify(headers, body, SECRET, NOW)


@pytest.mark.parametrize("name", HEADERS)
@pytest.mark.parametrize("value", ["", "ü", "a\nb", "x" * 5000, None])
def test_a_header_of_another_form_is_refused(name, value):
    with pytest.raises(KlingCallbackError, match=name):
        callbacks.verify({**HEADERS, name: value}, BODY, SECRET, NOW)


def test_two_headers_of_one_name_are_refused():
    with pytest.raises(KlingCallbackError, match="webhook-id has a form"):
        callbacks.verify({**HEADERS, "Webhook-Id": "other"}, BODY, SECRET, NOW)


@pytest.mark.parametrize("name", HEADERS)
def test_an_unsigned_callback_is_refused(name):
    headers = {key: value for key, value in HEADERS.items() if key != name}
    with pytest.raises(KlingCallbackError, match=f"no {name}"):
        callbacks.verify(headers, BODY, SECRET, NOW)


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_no base64", None])
def test_a_secret_that_is_invalid_is_refused_and_not_repeated(secret):
    with pytest.raises(KlingConfigurationError, match="^Give the webhook secret") as caught:
        callbacks.verify(HEADERS, BODY, secret, NOW)
    assert "no base64" not in str(caught.value)


@pytest.mark.parametrize(
    "body",
    [b"", b"null", b"[]", b"{}", b'{"id":"1"}', b'{"id":"1","status":"new"}', b'{"id":{},"status":"failed"}', b"\xff"],
)
def test_a_body_about_no_task_is_refused(body):
    with pytest.raises(KlingCallbackError, match="^Refuse it: the body is no"):
        callbacks.verify(signed(body), body, SECRET, NOW)


def test_a_deep_body_is_refused():
    with pytest.raises(KlingCallbackError, match="^Refuse it"):
        callbacks.read(b"[" * 200_000)


def test_a_large_body_is_refused_before_it_is_looked_at():
    body = BODY + b" " * callbacks.MAX_BYTES
    for look in (lambda: callbacks.verify(signed(body), body, SECRET, NOW), lambda: callbacks.read(body)):
        with pytest.raises(KlingCallbackError, match="bytes are no callback"):
            look()


def test_a_body_that_is_no_longer_raw_is_refused():
    with pytest.raises(KlingCallbackError, match="it is a dict"):
        callbacks.verify(HEADERS, json.loads(BODY), SECRET, NOW)


@pytest.fixture
def receiver():
    got = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            got.append((dict(self.headers), self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_arguments):
            """Keep the test output clean."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/kling", got
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("model_name", ["kling-v3", "kling-3.0-turbo"])
def test_what_a_server_sends_over_http_is_verified(receiver, model_name, monkeypatch):
    url, got = receiver
    with KlingSimulator(Settings(seconds=0.1, webhook_secret=SECRET)) as simulator:
        connect(monkeypatch, simulator, login="", password=simulator.api_key)
        made = KlingHook().create_task(
            "text2video", {"model_name": model_name, "prompt": "A boat", "callback_url": url}, external_task_id="mine"
        )
        until = time.monotonic() + 20
        while len(got) < 3 and time.monotonic() < until:
            time.sleep(0.05)
    tasks = [callbacks.verify(headers, body, SECRET, time.time(), endpoint="text2video") for headers, body in got]
    assert [task.status.value for task in tasks] == ["submitted", "processing", "succeed"]
    assert {(task.task_id, task.external_task_id) for task in tasks} == {(made.task_id, "mine")}
    assert tasks[-1].videos[0].url.startswith("http")
    with pytest.raises(KlingCallbackError, match="no signature fits"):
        callbacks.verify(got[0][0], got[1][1], SECRET, time.time())


def test_a_client_verifies_with_the_secret_of_its_connection(monkeypatch):
    monkeypatch.setenv(
        "AIRFLOW_CONN_KLING_DEFAULT",
        json.dumps({"conn_type": "kling", "password": "api-key-kling-1", "extra": {"webhook_secret": f" {SECRET}\n"}}),
    )
    hook = KlingHook()
    assert hook.client.verify_callback(HEADERS, BODY, NOW, endpoint="image2video").endpoint == "image2video"
    with pytest.raises(KlingCallbackError, match="no signature fits"):
        hook.client.verify_callback(HEADERS, BODY + b" ", NOW)
    assert SECRET not in repr(hook.settings)


def test_without_a_secret_nothing_is_verified(monkeypatch):
    monkeypatch.setenv("AIRFLOW_CONN_KLING_DEFAULT", json.dumps({"conn_type": "kling", "password": "api-key-kling-1"}))
    with pytest.raises(KlingConfigurationError, match=r"^Give webhook_secret in the connection's extra"):
        KlingHook().client.verify_callback(HEADERS, BODY, NOW)


@pytest.mark.parametrize(
    "secret", [5, True, "whsec_?", "None!", ["whsec_c2VjcmV0"], "whsec_" + "A" * 2000, "whsec_Zm9v\nYmFy"]
)
def test_a_secret_of_another_form_is_refused_and_not_shown(monkeypatch, secret):
    extra = {"webhook_secret": secret}
    connection = {"conn_type": "kling", "password": "api-key-kling-1", "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_KLING_DEFAULT", json.dumps(connection))
    with pytest.raises(KlingConfigurationError, match="^Check webhook_secret in extra") as refused:
        KlingHook().settings  # noqa: B018 - reads the connection
    assert "whsec_A" not in str(refused.value)


@pytest.mark.parametrize("value", [["one"], {"a": 1}, None, 5, b"one"])
@pytest.mark.parametrize("name", list(HEADERS))
def test_a_header_that_a_framework_hands_over_as_no_text_is_refused(name, value):
    with pytest.raises(KlingCallbackError, match="has a form"):
        callbacks.verify({**HEADERS, name: value}, BODY, SECRET, NOW)


@pytest.mark.parametrize("headers", [None, [], list(HEADERS.items()), "x", 5])
def test_headers_that_are_no_mapping_are_refused(headers):
    with pytest.raises(KlingCallbackError, match="Give headers as a mapping"):
        callbacks.verify(headers, BODY, SECRET, NOW)


@pytest.mark.parametrize("now", [float("nan"), float("inf"), float("-inf")])
def test_a_clock_that_is_invalid_accepts_nothing(now):
    with pytest.raises(KlingCallbackError, match="time is not now"):
        callbacks.verify(HEADERS, BODY, SECRET, now)


@pytest.mark.parametrize("secret", [None, 5, [], SECRET.encode()])
def test_a_secret_of_another_type_is_refused(secret):
    with pytest.raises(KlingConfigurationError, match="Give the webhook secret"):
        callbacks.verify(HEADERS, BODY, secret, NOW)


@pytest.mark.parametrize(
    ("secret", "is_secret"),
    [
        *((form, True) for form in (SECRET, SECRET.removeprefix("whsec_"), f"\t{SECRET}\n", SECRET.rstrip("="))),
        *((form, False) for form in ("whsec_A", "A", "whsec_AAAAA", "whsec_=", "====", "AA=AA", "None")),
        *((form, False) for form in ("whsec_AA AA", "whsec_\u0410\u0410\u0410\u0410", "A" * 1025, False, 0, [], 1.5)),
    ],
)
def test_the_connection_takes_the_secrets_that_verify_and_no_others(monkeypatch, secret, is_secret):
    connection = {"conn_type": "kling", "password": "api-key-kling-1", "extra": {"webhook_secret": secret}}
    monkeypatch.setenv("AIRFLOW_CONN_KLING_DEFAULT", json.dumps(connection))
    if is_secret:
        assert KlingHook().client.verify_callback(HEADERS, BODY, NOW)
        assert callbacks.verify(HEADERS, BODY, secret, NOW)
        return
    with pytest.raises(KlingConfigurationError, match="^Check webhook_secret in extra"):
        KlingHook().settings  # noqa: B018 - reads the connection
    with pytest.raises(KlingConfigurationError, match="^Give the webhook secret"):
        callbacks.verify(HEADERS, BODY, secret, NOW)
