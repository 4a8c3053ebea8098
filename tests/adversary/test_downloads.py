"""Result URLs of hostile responses, and misbehaving hosts."""

from __future__ import annotations

import gzip
import io
import json
import socket
import ssl
import threading
import time

import pytest
from adversary.scripted import TASK_ID, Reply, kling, task
from support import certificate, limit

from airflow_provider_kling import exceptions as errors
from airflow_provider_kling.hooks import KlingHook
from airflow_provider_kling.plugins.links import link_of

SECRET = "Signature=very-secret"


@pytest.fixture
def hook(monkeypatch) -> KlingHook:
    monkeypatch.setenv("AIRFLOW_CONN_KLING_DEFAULT", "kling://:K@")
    return KlingHook()


@pytest.fixture
def no_network(monkeypatch) -> list:
    """What is connected to, without doing it."""
    connected: list = []

    def connect(_self, address):
        connected.append(address[0])
        raise ConnectionRefusedError

    monkeypatch.setattr("airflow_provider_kling.api.sockets.socket.socket.connect", connect)
    return connected


def resolve(monkeypatch, *responses: list[str]) -> list[str]:
    """Names have these addresses, another list for each question; returns the names that were asked for."""
    asked: list[str] = []

    def getaddrinfo(host, port, *_arguments, **_options):
        addresses = responses[min(len(asked), len(responses) - 1)]
        asked.append(host)
        return [
            (socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))
            for address in addresses
        ]

    monkeypatch.setattr("socket.getaddrinfo", getaddrinfo)
    return asked


@pytest.mark.parametrize(
    "url",
    [
        *("https://127.0.0.1:8443\\@8.8.8.8/x", "https://8.8.8.8\\@127.0.0.1/x", "https://8.8.8.8@127.0.0.1/x"),
        *("https://user:password@8.8.8.8/x", "https://8.8.8.8\t/x", "https://8.8.8.8\n/x", " https://8.8.8.8/x"),
        *("https://[::1", "https://8.8.8.8:99999/x", "https://8.8.8.8:x/", "https://"),
        *("https:///x", "https://xn--\u200b/x", "https://\u2026/"),
        *("javascript:alert(1)", "data:video/mp4;base64,AA", "file:///etc/passwd", "ftp://x/y", "", "x", None, 5, b"x"),
        *("https://127.0.0.1/", "https://2130706433/", "https://0x7f.1/", "https://[::ffff:127.0.0.1]/"),
        *("https://[64:ff9b::7f00:1]/", "https://[2002:7f00:1::]/", "https://224.0.0.1/", "https://192.0.0.192/"),
        *("https://localhost/", "https://LOCALHOST./", "https://a.localhost/", "https://[fe80::1%25eth0]/"),
        *("http://8.8.8.8/x",),
    ],
)
@pytest.mark.parametrize("proxy", ["", "http://127.0.0.1:1"])
def test_a_link_that_is_invalid_is_a_clear_error_and_nothing_is_connected_to(hook, no_network, monkeypatch, url, proxy):
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    with pytest.raises(errors.KlingResultError) as caught:
        hook.download(f"{url}?{SECRET}" if isinstance(url, str) else url, io.BytesIO())
    assert no_network == []
    assert caught.value.__cause__ is None
    assert SECRET not in str(caught.value)
    assert "password" not in str(caught.value)


@pytest.mark.parametrize("host", ["a" * 70 + ".com", "a..b"])
def test_a_name_that_no_resolver_takes_is_a_clear_error(hook, no_network, host):
    with pytest.raises(errors.KlingResultError, match="Check"):
        hook.download(f"https://{host}/", io.BytesIO())
    assert no_network == []


@pytest.mark.parametrize("addresses", [["127.0.0.1"], ["8.8.8.8", "10.0.0.1"], ["64:ff9b::a9fe:a9fe"], ["192.0.0.192"]])
def test_a_name_that_leads_to_a_private_address_is_not_connected_to(hook, no_network, monkeypatch, addresses):
    resolve(monkeypatch, addresses)
    with pytest.raises(errors.KlingResultError, match="not a public address"):
        hook.download(f"https://videos.example.com/v.mp4?{SECRET}", io.BytesIO())
    assert no_network == []


def test_a_name_that_changes_its_address_after_the_check_gains_nothing(hook, no_network, monkeypatch):
    asked = resolve(monkeypatch, ["8.8.8.8"], ["127.0.0.1"])
    with pytest.raises(errors.KlingResultError, match="refuses connections"):
        hook.download("https://videos.example.com/v.mp4", io.BytesIO())
    assert (asked, no_network) == (["videos.example.com"], ["8.8.8.8"])


def test_the_next_address_of_a_name_is_tried(hook, no_network, monkeypatch):
    resolve(monkeypatch, ["8.8.8.8", "8.8.4.4"])
    with pytest.raises(errors.KlingResultError):
        hook.download("https://videos.example.com/v.mp4", io.BytesIO())
    assert no_network == ["8.8.8.8", "8.8.4.4"]


@pytest.mark.parametrize("proxies", [{"http": "http://127.0.0.1:1"}, {"all://other.example.com": "http://127.0.0.1:1"}])
def test_a_proxy_for_something_else_does_not_switch_the_check_off(no_network, monkeypatch, proxies):
    monkeypatch.setenv(
        "AIRFLOW_CONN_KLING_DEFAULT", json.dumps({"conn_type": "kling", "password": "K", "extra": {"proxies": proxies}})
    )
    resolve(monkeypatch, ["10.0.0.1"])
    with pytest.raises(errors.KlingResultError, match="not a public address"):
        KlingHook().download("https://videos.example.com/v.mp4", io.BytesIO())
    assert no_network == []


def test_no_proxy_of_the_environment_brings_the_check_back(hook, no_network, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "example.com")
    resolve(monkeypatch, ["10.0.0.1"])
    with pytest.raises(errors.KlingResultError, match="not a public address"):
        hook.download("https://videos.example.com/v.mp4", io.BytesIO())


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_checked_like_the_first_link(tls_host, monkeypatch, status):
    tls_host.response = (
        b"HTTP/1.1 %d Moved\r\nLocation: https://169.254.169.254/latest\r\nContent-Length: 0\r\n\r\n" % status
    )
    with pytest.raises(errors.KlingResultError, match="not a public address"):
        tls_host.hook.download("https://videos.example.com/v.mp4", io.BytesIO())


def test_a_link_with_a_login_is_downloaded_and_the_login_is_nowhere(scripted, capsys):
    links = {name: f"http://somebody:hidden@{{host}}/{name}.mp4?{SECRET}" for name in ("url", "watermark_url")}

    def respond(request) -> Reply:
        if request.path.startswith("/url.mp4"):
            return Reply(b"video")
        video = {"id": "1", "duration": "5", **{name: link.format(host=server.host) for name, link in links.items()}}
        return kling(task("succeed", task_result={"videos": [video]}))

    server, content = scripted(respond), io.BytesIO()
    found = KlingHook().wait(TASK_ID)
    (video,) = found.videos
    assert KlingHook().download(video.url, content).bytes == 5
    assert content.getvalue() == b"video"
    assert "Authorization" not in server.received[-1].headers
    shown = [json.dumps(found.manifest()), found.link, link_of(found.manifest()), repr(found), capsys.readouterr().out]
    assert found.link == f"http://{server.host}/url.mp4?{SECRET}"
    assert not [text for text in shown if "hidden" in text or "somebody" in text]


@pytest.mark.parametrize("location", ["https://[::1", "https://x:99999/", "javascript:alert(1)", "//user:pw@8.8.8.8/"])
def test_a_redirect_to_nonsense_is_a_clear_error(scripted, location):
    server = scripted(Reply(b"", status=302, headers={"Location": location}))
    with pytest.raises(errors.KlingResultError):
        KlingHook().download(f"{server.url}/v.mp4?{SECRET}", io.BytesIO())


@pytest.mark.parametrize(
    ("location", "words"),
    [("http://nobody.invalid/v.mp4", "Check the host nobody.invalid"), ("http://127.0.0.1:1/v.mp4", "Check the host")],
)
def test_an_error_behind_a_redirect_is_about_that_host(scripted, location, words):
    host = scripted(Reply(b"", status=302, headers={"Location": location}))
    with pytest.raises(errors.KlingResultError, match=words):
        KlingHook().download(f"{host.url}/v.mp4", io.BytesIO())


def test_redirects_have_an_end(scripted):
    server = scripted(Reply(b"", status=302, headers={"Location": "/again"}))
    with pytest.raises(errors.KlingResultError, match="redirects more than 3 times"):
        KlingHook().download(f"{server.url}/v.mp4", io.BytesIO())
    assert len(server.received) == 4


class TlsHost:
    """``videos.example.com`` on loopback, with a certificate; behind a proxy that knows its name if asked for."""

    def __init__(self, directory, monkeypatch) -> None:
        self.response = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nvideo"
        self.names: list[str] = []
        self.connects: list[bytes] = []
        authority, chain = certificate(directory, "videos.example.com")
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(chain)
        self._context.sni_callback = lambda _socket, name, _context: self.names.append(name)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        connection = {"conn_type": "kling", "password": "K", "extra": {"verify": str(authority), "timeout_seconds": 10}}
        monkeypatch.setenv("AIRFLOW_CONN_KLING_DEFAULT", json.dumps(connection))
        self.hook = KlingHook()

    def serve(self, proxy: bool) -> None:
        while True:
            try:
                raw, _ = self._listener.accept()
                if proxy:
                    self.connects.append(raw.recv(65536).split(b"\r\n")[0])
                    raw.sendall(b"HTTP/1.1 200 Established\r\n\r\n")
                with self._context.wrap_socket(raw, server_side=True) as connection:
                    connection.recv(65536)
                    connection.sendall(self.response)
            except OSError:
                if self._listener.fileno() < 0:
                    return

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


@pytest.fixture
def tls_host(tmp_path, monkeypatch):
    host = TlsHost(tmp_path, monkeypatch)
    threading.Thread(target=host.serve, args=(False,), daemon=True).start()
    monkeypatch.setattr("airflow_provider_kling.api.sockets.is_public", lambda address: address == "8.8.8.8")
    resolve(monkeypatch, ["8.8.8.8"])
    real = socket.socket.connect
    monkeypatch.setattr(socket.socket, "connect", lambda self, _address: real(self, ("127.0.0.1", host.port)))
    yield host
    host.close()


def test_tls_asks_for_and_checks_the_name_although_the_address_is_pinned(tls_host):
    target = io.BytesIO()
    tls_host.hook.download("https://videos.example.com/v.mp4", target)
    assert target.getvalue() == b"video"
    assert tls_host.names == ["videos.example.com"]


def test_a_certificate_for_another_name_is_refused(tls_host):
    with pytest.raises(errors.KlingResultError, match="certificate that is not trusted"):
        tls_host.hook.download("https://other.example.com/v.mp4", io.BytesIO())


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_the_connections_bundle_wins_over_the_environment(tls_host, monkeypatch, tmp_path, variable):
    other, _ = certificate(tmp_path, "else.example.com", prefix="other-")
    monkeypatch.setenv(variable, str(other))
    assert tls_host.hook.download("https://videos.example.com/v.mp4", io.BytesIO()).bytes == 5


def test_behind_a_proxy_of_the_environment_no_name_is_resolved_here(tmp_path, monkeypatch):
    host = TlsHost(tmp_path, monkeypatch)
    threading.Thread(target=host.serve, args=(True,), daemon=True).start()
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{host.port}")
    real = socket.getaddrinfo

    def only_loopback(name, *arguments, **options):
        assert name == "127.0.0.1", "there is no DNS outside"
        return real(name, *arguments, **options)

    monkeypatch.setattr("socket.getaddrinfo", only_loopback)
    target = io.BytesIO()
    host.hook.download("https://videos.example.com/v.mp4", target)
    host.close()
    assert target.getvalue() == b"video"
    assert host.connects == [b"CONNECT videos.example.com:443 HTTP/1.1"] or host.connects == [
        b"CONNECT videos.example.com:443 HTTP/1.0"
    ]
    assert host.names == ["videos.example.com"]


def test_a_download_that_drips_ends(scripted, monkeypatch):
    limit(monkeypatch, download_grace=0)
    server = scripted(Reply(b"v" * 1000, byte_pause=0.1), extra={"timeout_seconds": 1})
    begin = time.monotonic()
    with pytest.raises(errors.KlingResultError, match="did not respond in time"):
        KlingHook().download(f"{server.url}/v.mp4?{SECRET}", io.BytesIO())
    assert time.monotonic() - begin < 30, "1000 bytes would take 100 s"


def test_a_download_that_brings_enough_continues_beyond_the_timeout(scripted, monkeypatch):
    limit(monkeypatch, download_rate=10)
    limit(monkeypatch, chunk_bytes=8)
    limit(monkeypatch, download_grace=3)
    server = scripted(Reply(b"v" * 200, byte_pause=0.03), extra={"timeout_seconds": 2})
    assert KlingHook().download(f"{server.url}/v.mp4", io.BytesIO()).bytes == 200


@pytest.mark.parametrize(
    "reply",
    [
        Reply(b"half", headers={"Content-Length": "8"}),
        Reply(b"", status=204),
        Reply(b"", status=304),
        Reply(b"half", status=206),
        Reply(b"", cut=True),
        Reply(b"x", headers={"Content-Encoding": "br"}),
        Reply(b"no gzip", headers={"Content-Encoding": "gzip"}),
        Reply(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nvideo", raw=True),
        Reply(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nvid", raw=True),
        Reply(b"not http at all", raw=True),
    ],
)
def test_what_is_not_the_whole_file_is_an_error(scripted, reply):
    server = scripted(reply)
    with pytest.raises(errors.KlingResultError) as caught:
        KlingHook().download(f"{server.url}/v.mp4?{SECRET}", io.BytesIO())
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("length", ["many", "0005", "+5"])
def test_a_length_that_is_written_oddly_does_not_break_anything(scripted, length):
    server = scripted(Reply(b"HTTP/1.1 200 OK\r\nContent-Length: %s\r\n\r\nvideo" % length.encode(), raw=True))
    assert KlingHook().download(f"{server.url}/v.mp4", io.BytesIO()).bytes == 5


def test_a_compressed_result_counts_as_what_it_becomes(scripted, monkeypatch):
    server = scripted(Reply(gzip.compress(b"v" * (8 << 20)), headers={"Content-Encoding": "gzip"}))
    target = io.BytesIO()
    assert KlingHook().download(f"{server.url}/v.mp4", target).bytes == 8 << 20
    limit(monkeypatch, download_bytes=1 << 20)
    with pytest.raises(errors.KlingResultError, match="larger than"):
        KlingHook().download(f"{server.url}/v.mp4", io.BytesIO())
