"""Headers of requests in any environment, and limits of time and size of responses."""

from __future__ import annotations

import contextlib
import gzip
import html
import io
import json
import logging
import socket
import threading
import time
from pathlib import Path

import pytest
from adversary.scripted import TASK_ID, Reply, kling, task
from support import limit

import airflow_provider_kling
from airflow_provider_kling import exceptions as errors
from airflow_provider_kling.hooks import KlingHook

LINK = "/result.mp4?Expires=1&Signature=very-secret"


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    """One try for each read: these tests are about one exchange."""
    limit(monkeypatch, read_attempts=1)


@pytest.fixture
def netrc(monkeypatch, tmp_path):
    file = tmp_path / "netrc"
    file.write_text("default login somebody password netrc-password\n")
    file.chmod(0o600)
    monkeypatch.setenv("NETRC", str(file))


def test_nothing_else_in_the_package_sends_requests():
    package = Path(airflow_provider_kling.__file__).parent
    sources = {path.name: path.read_text() for path in package.rglob("*.py") if "simulator" not in path.parts}
    sending = ("Session(", "requests.get(", "requests.post(", "requests.request(", "urlopen(", "import httpx")
    assert [name for name, source in sources.items() if any(words in source for words in sending)] == []


def test_the_test_button_asks_once(scripted):
    server = scripted(Reply("gone", status=503))
    assert not KlingHook().test_connection()[0]
    assert len(server.received) == 1


@pytest.mark.parametrize("login", ["", "access-key-of-somebody"])
@pytest.mark.parametrize("key", ["api-key/with+signs", "eight-88", "<key>&more"])
@pytest.mark.parametrize(
    "repeat",
    [
        lambda header: kling(code=1000, message=f"unknown token {header}", status=401),
        lambda header: Reply(f"<html>{header}</html>", status=403),
        lambda header: Reply("<p>" + html.escape(header) + "</p>", status=502),
        lambda header: kling(task("failed", task_status_msg=header)),
        lambda header: kling(task("odd " + header)),
        lambda header: Reply(json.dumps({"code": 1201, "message": header}).replace("/", "\\/"), status=400),
    ],
    ids=["message", "page", "escaped page", "reason", "status", "escaped JSON"],
)
def test_a_server_that_repeats_the_credential_is_not_repeated(scripted, caplog, login, key, repeat):
    sent = []

    def response(request):
        sent.append(request.headers["authorization"])
        return repeat(sent[-1])

    scripted(response, login=login, password=key)
    with caplog.at_level(logging.DEBUG), contextlib.suppress(errors.KlingError):
        said = ""
        try:
            said = repr(KlingHook().get_task("x"))
        except errors.KlingError as error:
            said = f"{error} {error.__dict__}"
            raise
    token = sent[-1].removeprefix("Bearer ")
    shown = html.unescape(said + caplog.text).replace("\\/", "/")
    assert said
    assert token not in shown
    assert token[-30:] not in shown


def file_reply(body: bytes = b"video") -> Reply:
    return Reply(body, headers={"Content-Type": "video/mp4"})


def test_a_netrc_file_reaches_neither_kling_nor_the_host_of_a_result(scripted, netrc):
    server = scripted(lambda request: kling(task()) if "image2video" in request.path else file_reply())
    KlingHook().get_task("x")
    KlingHook().download(server.url + LINK, io.BytesIO())
    assert [request.headers.get("authorization") for request in server.received] == [
        "Bearer api-key-kling-scripted",
        None,
    ]


def test_a_netrc_file_does_not_reach_the_target_of_a_redirect_and_no_cookie_does(scripted, netrc):
    moved = Reply(b"", status=302, headers={"Location": "/elsewhere", "Set-Cookie": "spy=1; Path=/"})
    server = scripted(lambda request: file_reply() if request.path == "/elsewhere" else moved)
    KlingHook().download(server.url + LINK, io.BytesIO())
    assert [(request.headers.get("authorization"), request.headers.get("cookie")) for request in server.received] == [
        (None, None)
    ] * 2


def test_a_redirect_of_the_api_is_not_followed(scripted):
    server = scripted(Reply(b"", status=307, headers={"Location": "/stolen"}))
    with pytest.raises(errors.KlingResponseError):
        KlingHook().get_task("x")
    assert len(server.received) == 1


def test_a_response_that_drips_ends_at_the_timeout_by_the_wall_clock(scripted):
    scripted(Reply({"code": 0, "data": "x" * 1000}, byte_pause=0.1), extra={"timeout_seconds": 1})
    begin = time.monotonic()
    with pytest.raises(errors.KlingConnectionError, match="did not respond in time") as caught:
        KlingHook().get_task("x")
    assert time.monotonic() - begin < 30, "1000 bytes would take 100 s"
    assert not caught.value.nothing_sent


def test_headers_that_drip_end_too(scripted):
    scripted(
        Reply(b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 200, byte_pause=0.1, raw=True), extra={"timeout_seconds": 1}
    )
    begin = time.monotonic()
    with pytest.raises(errors.KlingConnectionError, match="did not respond in time"):
        KlingHook().get_task("x")
    assert time.monotonic() - begin < 30


def test_a_body_without_a_length_that_is_shut_down_is_not_a_response(scripted):
    head = b'HTTP/1.1 200 OK\r\n\r\n{"code": 0, "request_id": "r", "data": {}}'
    scripted(Reply(head + b" " * 1000, byte_pause=0.05, raw=True), extra={"timeout_seconds": 3})
    with pytest.raises(errors.KlingConnectionError, match="did not respond in time"):
        KlingHook().get_task("x")


def test_a_large_response_is_refused_before_it_fills_the_memory(scripted, monkeypatch):
    limit(monkeypatch, response_bytes=1 << 20)
    scripted(Reply(b"[" * (3 << 20)))
    with pytest.raises(errors.KlingResponseError, match="larger than 1 MiB"):
        KlingHook().get_task("x")


def test_a_compressed_response_counts_as_what_it_becomes(scripted, monkeypatch):
    limit(monkeypatch, response_bytes=1 << 20)
    scripted(Reply(gzip.compress(b"[" * (64 << 20)), headers={"Content-Encoding": "gzip"}))
    with pytest.raises(errors.KlingResponseError, match="larger than 1 MiB"):
        KlingHook().get_task("x")


@pytest.mark.parametrize("encoding", ["gzip, gzip", "br", "zstd", "gzip"])
def test_a_response_that_cannot_be_decompressed_is_named_in_the_error(scripted, encoding):
    scripted(Reply(b"no such format", headers={"Content-Encoding": encoding}))
    with pytest.raises(errors.KlingResponseError, match="cannot be decompressed"):
        KlingHook().get_task("x")


def test_a_compressed_response_is_read(scripted):
    body = b'{"code": 0, "message": "ok", "request_id": "r", "data": []}'
    scripted(Reply(gzip.compress(body), headers={"Content-Encoding": "gzip"}))
    assert KlingHook().list_tasks() == []


def test_a_slow_response_holds_nobody_else_up(scripted):
    server = scripted(lambda request: Reply(b"", delay=20) if "slow" in request.path else kling(task()))
    hook = KlingHook()

    def wait() -> None:
        with pytest.raises(errors.KlingConnectionError):
            hook.get_task("slow")

    waiting = threading.Thread(target=wait, daemon=True)
    waiting.start()
    while not server.received:
        time.sleep(0.01)
    hook.get_task("fast")
    assert waiting.is_alive()
    waiting.join()


def test_urllib3_writes_no_signature_at_debug(scripted, caplog):
    server = scripted(file_reply())
    with caplog.at_level(logging.DEBUG):
        KlingHook().download(server.url + LINK, io.BytesIO())
    assert "/result.mp4?…" in caplog.text
    assert "very-secret" not in caplog.text


@pytest.mark.parametrize("pause", [0, 0.2])
def test_a_connection_that_was_used_before_leaves_doubt(scripted, pause):
    """A kept connection that the server has closed: whether the request arrived is not known."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        scripted(kling(), host=f"http://127.0.0.1:{listener.getsockname()[1]}")
        hook = KlingHook()

        def serve_once() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                body = b'{"code": 0, "message": "", "request_id": "r", "data": []}'
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
                connection.recv(65536)

        threading.Thread(target=serve_once, daemon=True).start()
        hook.list_tasks()
        with pytest.raises(errors.KlingConnectionError) as caught:
            hook.list_tasks()
    assert not caught.value.nothing_sent


def interim(status: int, times: int = 1) -> bytes:
    return f"HTTP/1.1 {status} Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n".encode() * times


@pytest.mark.parametrize("status", [100, 101, 102, 103, 199])
def test_interim_responses_are_ignored(scripted, status):
    head, body = kling(task("processing")).parts()
    scripted(Reply(interim(status, 3) + head + body, raw=True))
    assert KlingHook().get_task(TASK_ID).status == "processing"


def test_interim_responses_have_an_end(scripted):
    head, body = kling(task("processing")).parts()
    scripted(Reply(interim(103, 60) + head + body, raw=True))
    with pytest.raises(errors.KlingConnectionError):
        KlingHook().get_task(TASK_ID)
