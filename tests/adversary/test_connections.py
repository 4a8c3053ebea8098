"""Connections as people paste them are accepted, or refused with a message without secrets."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import socket
import threading

import pytest
from adversary.scripted import kling
from support import advice_first, limit

from airflow_provider_kling import exceptions as errors
from airflow_provider_kling.api.settings import EXTRAS, base_url_of, settings_of
from airflow_provider_kling.hooks import KlingHook
from airflow_provider_kling.utils._airflow.compat import AIRFLOW_V_3_2_PLUS

KEY = "api-key-kling-secret-part"


def hook_of(monkeypatch, fields: dict | str) -> KlingHook:
    value = fields if isinstance(fields, str) else json.dumps({"conn_type": "kling", "password": KEY, **fields})
    monkeypatch.setenv("AIRFLOW_CONN_KLING_DEFAULT", value)
    return KlingHook()


def refusal(monkeypatch, fields: dict | str) -> str:
    """The error message, which the Test button shows too."""
    hook = hook_of(monkeypatch, fields)
    with pytest.raises(errors.KlingConfigurationError) as caught:
        hook.settings  # noqa: B018
    assert hook.test_connection() == (False, str(caught.value))
    assert len(str(caught.value).splitlines()[0]) <= 78
    assert caught.value.__cause__ is None
    return str(caught.value)


@pytest.mark.parametrize(
    "unfit",
    [
        *(
            " ",
            "\n",
            "\r\nX-Evil: 1",
            "\u200b",
            "\ufeff",
            "\u2026",
            "\u201c",
            '"',
            "'",
            "\u00a0",
            "\u00e9",
            "\0",
            "\x7f",
        ),
        *("\u2028", "\U0001f511"),
    ],
)
@pytest.mark.parametrize("field", ["login", "password"])
def test_a_key_that_no_header_can_carry_is_refused_and_not_shown(monkeypatch, field, unfit):
    words = refusal(monkeypatch, {"login": "AK", field: f"secret{unfit}part"})
    assert f"Paste the connection's {field} again" in words
    assert "secret" not in words


@pytest.mark.parametrize("text", ["None", "null", " none\n", "NaN", "undefined", "UNDEFINED"])
@pytest.mark.parametrize(
    ("field", "words"),
    [("password", "Put the key into password"), ("login", "Put the AccessKey into login, or leave it empty")],
)
def test_what_a_variable_without_a_value_leaves_is_a_key_that_is_missing(monkeypatch, field, words, text):
    refused = refusal(monkeypatch, {"login": "AK", "password": KEY, field: text})
    assert refused.startswith(f"{words}: it is the text {text.strip()}.\n")
    assert KEY not in refused


@pytest.mark.parametrize("text", ["None", "null", "undefined", "whsec_None"])
def test_a_webhook_secret_without_a_value_is_none(monkeypatch, text):
    assert "Check webhook_secret in extra" in refusal(monkeypatch, {"extra": {"webhook_secret": text}})


def test_a_uri_whose_variable_had_no_value_sends_nothing(monkeypatch):
    assert "Put the key into password" in refusal(monkeypatch, "kling://:None@")


def test_a_key_with_a_bom_in_front_is_refused(monkeypatch):
    assert "U+FEFF" in refusal(monkeypatch, {"password": f"\ufeff{KEY}"})


@pytest.mark.parametrize("blanks", ["\n", "\r\n", "  ", "\t"])
def test_blanks_around_a_pasted_key_are_dropped(monkeypatch, blanks):
    hook = hook_of(monkeypatch, {"password": f"{blanks}{KEY}{blanks}"})
    assert hook.settings.credential.authorization(0) == f"Bearer {KEY}"


@pytest.mark.parametrize(
    "value", ["soon", "NaN", "inf", "-inf", -1, 0, True, False, 601, "1e9", [], {"a": 1}, 10**400, float("nan")]
)
def test_timeout_seconds_takes_seconds_within_bounds(monkeypatch, value):
    assert "timeout_seconds" in refusal(monkeypatch, {"extra": {"timeout_seconds": value}})


@pytest.mark.parametrize("value", ["no", "off", "none", "None", "null", "0", 0, 1, "yes", [], {}, "disable"])
def test_verify_is_true_false_or_a_path_and_never_a_guess(monkeypatch, value):
    assert "Check verify" in refusal(monkeypatch, {"extra": {"verify": value}})


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_ca_bundle_that_cannot_be_read_is_a_clear_error(monkeypatch, tmp_path, content):
    bundle = tmp_path / "ca.pem"
    if content:
        bundle.write_text(content)
    hook = hook_of(monkeypatch, {"extra": {"verify": str(bundle)}})
    with pytest.raises(errors.KlingConfigurationError, match="Check verify in extra"):
        hook.get_task("x")
    ok, message = hook.test_connection()
    assert not ok
    assert str(bundle) in message


def test_a_ca_bundle_that_is_a_pipe_is_not_read(monkeypatch, tmp_path):
    os.mkfifo(tmp_path / "ca.pem")
    hook = hook_of(monkeypatch, {"extra": {"verify": str(tmp_path / "ca.pem")}})
    with pytest.raises(errors.KlingConfigurationError, match=r"Check verify in extra(?s:.)*a device or a pipe"):
        hook.get_task("x")


def test_a_ca_bundle_of_the_environment_is_named_as_such(monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere/ca.pem")
    with pytest.raises(errors.KlingConfigurationError, match="Check REQUESTS_CA_BUNDLE"):
        hook_of(monkeypatch, {}).get_task("x")


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("timout_seconds", "timeout_seconds"),
        ("timeout", "timeout_seconds"),
        ("Verify", "verify"),
        ("proxy", "proxies"),
        ("allow_private_url", "allow_private_urls"),
    ],
)
def test_a_misspelt_extra_is_named_with_what_was_meant(monkeypatch, key, meant):
    words = refusal(monkeypatch, {"extra": {key: "5"}})
    assert f"{key} is not known, did you mean {meant}?" in words


def test_an_extra_of_another_sender_is_named_and_harmless(monkeypatch, logged):
    hook = hook_of(monkeypatch, {"extra": {"team": "video"}})
    lines = logged(hook)
    assert hook.settings.timeout_seconds == 30
    assert any("team" in line for line in lines)


@pytest.mark.skipif(not AIRFLOW_V_3_2_PLUS, reason="Airflow before 3.2 takes such a connection for a missing one")
@pytest.mark.parametrize("extra", ["{not json", "[1]", '"text"', "5"])
def test_an_extra_that_is_not_an_object_is_refused_instead_of_ignored(monkeypatch, extra):
    assert "JSON object" in refusal(monkeypatch, {"extra": extra})


@pytest.mark.parametrize(
    "fields",
    [
        *({"host": host} for host in ("https://x y", "x\ny", "https://x\\@y", "https://x/?a=b", "https://x/#a")),
        *({"host": host} for host in ("https://[::1", "https://x:99999", "x:0", "https://x:port", "https://", "a..b")),
        *({"host": host} for host in ("https:/h.example", "h.example:", "https://h.example/../x", "h.example/./x")),
        *({"host": host} for host in ("https://*.x", "javascript:alert(1)", "file:///etc/passwd", "ftp://x")),
        *({"host": host} for host in ("https://.x", "https://x\u200b.y", "https://x%2fy", "\u2026")),
        *({"host": "https://x", "port": port} for port in (0x10000, -1)),
        {"host": "https://x:1", "port": 2},
        {"host": "", "port": 8443},
        {"host": "https://x", "schema": "http"},
    ],
)
def test_a_host_that_is_not_an_address_is_refused(monkeypatch, fields):
    assert "Check the connection's host" in refusal(monkeypatch, fields)


@pytest.mark.parametrize(
    "host",
    [
        f"https://user:{KEY}@api.example.com",
        f"kling://:{KEY}@api.example.com",
        f"user:{KEY}@api.example.com",
        f"https://api.example.com/?key={KEY}",
        f"api.example.com?a@{KEY}",
    ],
)
def test_a_key_that_was_pasted_with_the_host_is_not_shown(monkeypatch, host):
    assert KEY not in refusal(monkeypatch, {"host": host})


@pytest.mark.parametrize(
    ("uri", "base_url"),
    [
        ("kling://:K@api.example.com/kling", "https://api.example.com/kling"),
        ("kling://:K@api.example.com:8443/kling/", "https://api.example.com:8443/kling"),
        ("kling://https://:K@api.example.com/kling/v1", "https://api.example.com/kling"),
        ("kling://:K@127.0.0.1:8780/http/kling", "http://127.0.0.1:8780/kling"),
        ("kling://https://:K@api.example.com:8443", "https://api.example.com:8443"),
        ("kling://:K@[::1]:8780/http", "http://[::1]:8780"),
    ],
)
def test_a_pasted_uri_keeps_its_port_and_its_path(monkeypatch, uri, base_url):
    assert hook_of(monkeypatch, uri).settings.base_url == base_url


def test_a_port_beside_a_url_is_used(monkeypatch):
    assert hook_of(monkeypatch, {"host": "https://x/kling", "port": 81}).settings.base_url == "https://x:81/kling"
    assert hook_of(monkeypatch, {"host": "https://x:81", "port": 81}).settings.base_url == "https://x:81"


@pytest.mark.parametrize("port", [0, 443, None])
@pytest.mark.parametrize("host", ["", "https://x", "x"])
def test_the_port_that_https_has_anyway_and_the_0_of_the_test_button_change_nothing(host, port):
    assert base_url_of(host, port=port) == base_url_of(host)


@pytest.mark.parametrize("proxies", ['{"https": "http://p:3128"}', {"https": "http://p:3128"}])
def test_proxies_are_an_object_or_its_text(monkeypatch, proxies):
    assert hook_of(monkeypatch, {"extra": {"proxies": proxies}}).settings.proxies == {"https": "http://p:3128"}


def test_proxies_in_a_uri_are_text(monkeypatch):
    hook = hook_of(monkeypatch, "kling://:K@/?proxies=%7B%22all%22%3A%20%22socks5h%3A%2F%2Fp%3A1080%22%7D")
    assert hook.settings.proxies == {"all": "socks5h://p:1080"}


@pytest.mark.parametrize(
    "proxies",
    [
        *("http://u:proxy-password@p:1", "[1]", "{", {"https": "http://u:proxy-password@p:99999"}),
        *({"https": url} for url in ("ftp://u:proxy-password@p", "http://u:proxy-password@", "http://a b", 5, [1])),
        *(
            {"https": url}
            for url in ("http://u:proxy-p\u00e4ssword@p:1", "http://u:proxy-password@p\nq", "http://[::1")
        ),
        {"htps": "http://u:proxy-password@p"},
    ],
)
def test_what_is_not_a_proxy_is_refused_without_its_password(monkeypatch, proxies):
    words = refusal(monkeypatch, {"extra": {"proxies": proxies}})
    assert "Check proxies" in words
    assert "proxy-p" not in words


@pytest.mark.parametrize(
    ("response", "words"),
    [(b"HTTP/1.1 400 Bad Request\r\n\r\n", "it responds without TLS"), (b"", "if it is without TLS")],
)
def test_a_server_without_tls_gets_its_remedy_whether_it_responds_or_not(monkeypatch, response, words):
    limit(monkeypatch, read_attempts=1)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection, contextlib.suppress(OSError):
                connection.recv(65536)
                connection.sendall(response)
                connection.recv(65536)

        threading.Thread(target=serve, daemon=True).start()
        host = f"127.0.0.1:{listener.getsockname()[1]}"
        ok, message = hook_of(monkeypatch, {"host": host, "extra": {"timeout_seconds": 3}}).test_connection()
    assert not ok
    assert message.startswith(f"Write http:// before the host {host}")
    assert words in message


def test_a_host_that_does_not_exist_is_one_error_with_its_name(monkeypatch):
    limit(monkeypatch, read_attempts=1)

    def nowhere(*_arguments, **_options):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr("socket.getaddrinfo", nowhere)
    hook = hook_of(monkeypatch, {"host": "https://api.klimg.example"})
    with pytest.raises(errors.KlingConnectionError) as caught:
        hook.get_task("x")
    assert str(caught.value).startswith("Check the host api.klimg.example: its name cannot be found (DNS).\n")
    assert caught.value.nothing_sent
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_socks_without_its_library_is_a_matter_of_configuration(monkeypatch):
    hook = hook_of(monkeypatch, {"extra": {"proxies": {"https": "socks5://u:proxy-password@p:1080"}}})
    with pytest.raises(errors.KlingConfigurationError, match="Check the proxy p:1080") as caught:
        hook.get_task("x")
    assert "proxy-password" not in str(caught.value)


@pytest.mark.parametrize("proxy", ["http://u:proxy-password@127.0.0.1:1", "127.0.0.1:1"])
def test_a_proxy_that_is_down_is_named_without_its_password_and_leaves_no_doubt(monkeypatch, proxy):
    limit(monkeypatch, read_attempts=1)
    hook = hook_of(monkeypatch, {"extra": {"proxies": {"all": proxy}}})
    with pytest.raises(errors.KlingConnectionError, match="Check the proxy 127.0.0.1:1: no connection") as caught:
        hook.create_task("text2video", {"prompt": "A paper boat"})
    assert caught.value.nothing_sent
    ok, message = hook.test_connection()
    assert not ok
    assert "proxy-password" not in str(caught.value) + message


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_the_connections_proxies_win_over_the_environment(scripted, monkeypatch, variable):
    monkeypatch.setenv(variable, "http://127.0.0.1:1")
    proxy = scripted(kling([]))
    scripted(kling([]), extra={"proxies": {"http": proxy.url}}, host="http://api.example.com")
    assert KlingHook().list_tasks() == []
    assert proxy.received[0].path.startswith("http://api.example.com/")


def test_proxy_settings_missing_in_the_connection_come_from_the_environment(scripted, monkeypatch):
    proxy = scripted(kling([]))
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    scripted(kling([]), host="http://api.example.com")
    assert KlingHook().list_tasks() == []
    assert len(proxy.received) == 1


@pytest.mark.parametrize(
    "proxies", [{"http": ""}, {"all": None}, {"http": "http://127.0.0.1:1", "no_proxy": "127.0.0.1"}]
)
def test_a_connection_can_disable_the_proxy(scripted, monkeypatch, proxies):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    server = scripted(kling([]), extra={"proxies": proxies})
    assert KlingHook().list_tasks() == []
    assert len(server.received) == 1


def test_no_log_line_of_a_request_holds_the_key_or_the_proxys_password(scripted, caplog):
    proxy = scripted(kling([]))
    scripted(
        kling([]),
        extra={"proxies": {"http": proxy.url.replace("://", "://u:proxy-password@")}},
        host="http://api.example.com",
        password=KEY,
    )
    with caplog.at_level(logging.DEBUG):
        KlingHook().list_tasks()
    assert "proxy-authorization" in proxy.received[0].headers
    assert KEY not in caplog.text
    assert "proxy-password" not in caplog.text


def test_settings_show_no_secret():
    class Connection:
        host, login, schema, port = "", "", "", None
        password = KEY
        extra = '{"proxies": {"http": "http://u:proxy-password@p"}}'
        extra_dejson = json.loads(extra)

    shown = repr(settings_of(Connection()))
    assert KEY not in shown
    assert "proxy-password" not in shown


@pytest.mark.parametrize("key", EXTRAS)
@pytest.mark.parametrize(
    "value",
    [
        {"https": {"user": "hidden-word"}},
        {"hidden-word@host": "http://proxy.example:1"},
        [{"password": "hidden-word"}],
        "whsec_hidden-word",
        "http://user:hidden-word@proxy.example:1/?",
        '{"https": "http://user:hidden-word@proxy.example:99999"}',
    ],
)
def test_a_value_under_the_wrong_key_of_the_extra_is_refused_and_not_repeated(monkeypatch, key, value):
    extra = {"budget_uri": "/tmp/kling", key: value}
    with pytest.raises(errors.KlingConfigurationError) as caught:
        hook_of(monkeypatch, {"extra": extra}).settings  # noqa: B018 - reads the connection
    assert key in advice_first(caught.value.message)
    assert "hidden-word" not in str(caught.value)


def test_many_unknown_keys_are_one_warning(monkeypatch):
    extra = {f"custom {number}": 1 for number in range(300)}
    (warning,) = hook_of(monkeypatch, {"extra": extra}).settings.warnings
    assert "holds custom 0, custom 1, custom 2, custom 3, custom 4 and 295 more keys, which are not known." in warning
