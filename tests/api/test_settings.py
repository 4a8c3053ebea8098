"""An Airflow connection becomes settings."""

from __future__ import annotations

import json
import time

import pytest
from airflow.sdk import Connection

from airflow_provider_kling.api.auth import AccessKeyPair, ApiKey
from airflow_provider_kling.api.settings import DEFAULT_BASE_URL, base_url_of, settings_of
from airflow_provider_kling.exceptions import KlingConfigurationError
from airflow_provider_kling.utils._airflow.base_hook import BaseHook


def settings_from(monkeypatch, value: str | dict):
    monkeypatch.setenv("AIRFLOW_CONN_KLING_TEST", value if isinstance(value, str) else json.dumps(value))
    return settings_of(BaseHook.get_connection("kling_test"))


@pytest.mark.parametrize(
    ("uri", "base_url", "credential"),
    [
        ("kling://AK:SK@", DEFAULT_BASE_URL, AccessKeyPair("AK", "SK")),
        ("kling://:APIKEY@", DEFAULT_BASE_URL, ApiKey("APIKEY")),
        ("kling://:K@api-beijing.klingai.com", "https://api-beijing.klingai.com", ApiKey("K")),
        ("kling://:K@https%3A%2F%2Fapi.cometapi.com%2Fkling", "https://api.cometapi.com/kling", ApiKey("K")),
        ("kling://:K@127.0.0.1:8780/http", "http://127.0.0.1:8780", ApiKey("K")),
    ],
)
def test_the_uri_form_works(monkeypatch, uri, base_url, credential):
    settings = settings_from(monkeypatch, uri)
    assert (settings.base_url, settings.credential) == (base_url, credential)


def test_the_json_form_works_with_every_extra(monkeypatch):
    extra = {
        "timeout_seconds": "12",
        "verify": "/etc/ca.pem",
        "proxies": {"https": "http://proxy.example.com:3128"},
        "allow_private_urls": "true",
    }
    settings = settings_from(monkeypatch, {"conn_type": "kling", "password": "K", "extra": extra})
    assert settings.timeout_seconds == 12
    assert settings.verify == "/etc/ca.pem"
    assert settings.proxies == {"https": "http://proxy.example.com:3128"}
    assert settings.allow_private_urls is True


def test_missing_settings_have_safe_defaults(monkeypatch):
    settings = settings_from(monkeypatch, "kling://:K@")
    assert settings.verify is True
    assert settings.allow_private_urls is False
    assert settings.timeout_seconds == 30


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        (None, DEFAULT_BASE_URL),
        ("  ", DEFAULT_BASE_URL),
        ("api-beijing.klingai.com", "https://api-beijing.klingai.com"),
        ("https://api-beijing.klingai.com/", "https://api-beijing.klingai.com"),
        ("https://api.cometapi.com/kling", "https://api.cometapi.com/kling"),
        ("https://api.cometapi.com/kling/v1", "https://api.cometapi.com/kling"),
        ("api.cometapi.com/kling", "https://api.cometapi.com/kling"),
    ],
)
def test_a_host_becomes_a_base_url_and_keeps_a_relays_prefix(host, expected):
    assert base_url_of(host) == expected


@pytest.mark.parametrize(
    ("connection", "words"),
    [
        ({"host": "ftp://x", "password": "K"}, "must begin with https://"),
        ({"password": "K", "extra": {"timeout_seconds": "soon"}}, "timeout_seconds is 'soon'"),
        ({"password": "K", "extra": {"timeout_seconds": -1}}, "timeout_seconds is -1"),
        ({"password": "K", "extra": {"timeout_seconds": 1e-300}}, "timeout_seconds is 1e-300"),
        ({"password": "K", "extra": {"proxies": "http://x"}}, "proxies is 'http://x'"),
        ({"password": "K", "extra": {"allow_private_urls": "maybe"}}, "allow_private_urls is 'maybe'"),
        ({"login": "AK"}, "no password"),
    ],
)
def test_a_bad_connection_names_the_field_and_what_it_holds(monkeypatch, connection, words):
    with pytest.raises(KlingConfigurationError, match=words):
        settings_from(monkeypatch, {"conn_type": "kling", **connection})


@pytest.mark.parametrize(
    ("value", "verify"), [(True, True), (False, False), ("false", False), ("", True), (None, True)]
)
def test_verify_takes_what_forms_and_json_send(monkeypatch, value, verify):
    connection = {"conn_type": "kling", "password": "K", "extra": {"verify": value}}
    assert settings_from(monkeypatch, connection).verify is verify


@pytest.mark.parametrize("name", ["host", "login", "password", "schema"])
@pytest.mark.parametrize("value", [12345, True, 1.5, ["a"], {"a": 1}])
def test_a_field_that_is_not_text_is_named_and_not_shown(name, value):
    fields = {"password": "k" * 20, name: value}
    with pytest.raises(KlingConfigurationError, match=f"^Put {name} in quotes") as caught:
        settings_of(Connection(conn_id="k", conn_type="kling", **fields))
    assert repr(value) not in str(caught.value)


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        ("[" * 40_000, "Check the connection's extra"),
        ('{"a":' * 9_000, "Check the connection's extra"),
        (json.dumps({"proxies": "[" * 40_000}), "Check proxies in extra"),
        (json.dumps({"proxies": "x" * 3_000_000}), "Shorten the connection's extra"),
    ],
    ids=["deep", "deep object", "deep proxies", "long"],
)
def test_an_extra_of_any_depth_and_length_is_a_clear_error_at_once(extra, words):
    began = time.monotonic()
    with pytest.raises(KlingConfigurationError, match=words):
        settings_of(Connection(conn_id="k", conn_type="kling", password="k" * 20, extra=extra))
    assert time.monotonic() - began < 3
