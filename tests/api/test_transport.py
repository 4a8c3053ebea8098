"""Errors of requests without a response, and timeouts of an exchange."""

from __future__ import annotations

import http.client
import socket
import ssl
import time

import pytest
import requests
import urllib3

from airflow_provider_kling.api.auth import ApiKey
from airflow_provider_kling.api.connection_errors import explain, is_unsendable
from airflow_provider_kling.api.http_exchange import HttpExchange, current_exchange
from airflow_provider_kling.api.request import Request
from airflow_provider_kling.api.settings import Settings
from airflow_provider_kling.api.transport import Transport
from airflow_provider_kling.exceptions import KlingConfigurationError, KlingConnectionError, KlingValidationError

URL = "https://api.example.com/v1/videos?Signature=very-secret"


def settings(**changes) -> Settings:
    return Settings(**{"base_url": "http://127.0.0.1:1", "credential": ApiKey("api-key"), **changes})


def exchange(*, sent: bool = False, connected: bool = False) -> HttpExchange:
    made = HttpExchange(30)
    made.sent, made.connected = sent, connected
    return made


@pytest.mark.parametrize(
    ("error", "state", "words"),
    [
        (socket.gaierror(-2, "unknown"), {}, "Check the host api.example.com: its name cannot be found (DNS)."),
        (ConnectionRefusedError(111, "refused"), {}, "Check the host api.example.com: it refuses connections"),
        (OSError(101, "Network is unreachable"), {}, "Check the network and the host api.example.com"),
        (ssl.SSLCertVerificationError("self-signed"), {"connected": True}, "Check verify in the connection"),
        (ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER]"), {"connected": True}, "Write http:// before the host"),
        (
            urllib3.exceptions.ReadTimeoutError(None, URL, "late"),
            {"sent": True},
            "Try again later: api.example.com did",
        ),
        (
            ConnectionResetError(104, "reset"),
            {"sent": True},
            "Try again later: the connection to api.example.com broke",
        ),
        (http.client.BadStatusLine("<html>"), {"sent": True}, "Try again later"),
        (requests.exceptions.InvalidHeader(URL), {"sent": True}, "Try again later"),
        (requests.exceptions.InvalidURL(URL), {}, "Check the address api.example.com: requests cannot use it."),
        (UnicodeEncodeError("latin-1", "\u2026", 0, 1, "no"), {}, "Check the address api.example.com"),
    ],
)
def test_an_error_becomes_advice_without_the_link(error, state, words):
    wrapped = requests.ConnectionError(urllib3.exceptions.MaxRetryError(None, URL, error))
    for raised in (error, wrapped) if not isinstance(error, ValueError) else (error,):
        said = explain(raised, URL, exchange(**state), None)
        assert said.startswith(words)
        assert "very-secret" not in said
        assert "/v1/videos" not in said


def test_only_what_was_never_sent_can_be_unsendable():
    assert is_unsendable(requests.exceptions.InvalidHeader("x"), exchange())
    assert not is_unsendable(requests.exceptions.InvalidHeader("x"), exchange(sent=True))
    assert not is_unsendable(ConnectionResetError(), exchange())


def test_a_proxy_is_named_without_its_login():
    error = OSError("Tunnel connection failed: 407 Proxy Authentication Required")
    said = explain(error, URL, exchange(connected=True), "http://user:proxy-password@proxy.example.com:3128")
    assert said.startswith("Check the proxy proxy.example.com:3128: no connection through it.")
    assert "407" in said
    assert "proxy-password" not in said


def test_a_body_that_is_not_json_is_refused_before_anything_is_sent():
    with pytest.raises(KlingValidationError, match="JSON"):
        Transport(settings()).send_once(Request("POST", "/v1/videos", json={"cfg_scale": float("nan")}))


def test_a_base_url_that_requests_cannot_use_is_a_matter_of_configuration():
    with pytest.raises(KlingConfigurationError, match="Check the connection's host"):
        Transport(settings(base_url="https://[::1")).send_once(Request("GET", "/x"))


def test_a_connection_that_was_refused_is_known_to_have_sent_nothing():
    with pytest.raises(KlingConnectionError) as caught:
        Transport(settings()).send_once(Request("POST", "/x", json={}))
    assert caught.value.nothing_sent


def test_an_exchange_shuts_its_sockets_down_at_its_end():
    ours, theirs = socket.socketpair()
    begin = time.monotonic()
    with ours, theirs, HttpExchange(0.2) as made:
        made.watch(ours)
        assert ours.recv(1) == b"", "it would wait for ever"
        assert made.expired
        assert current_exchange() is made
    assert time.monotonic() - begin < 30
    assert current_exchange() is None


def test_an_exchange_that_is_over_touches_nothing_any_more():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        with HttpExchange(0.2) as made:
            made.watch(ours)
        time.sleep(0.4)
        theirs.sendall(b"x")
        assert ours.recv(1) == b"x"
        assert not made.expired
