"""Whatever stands in a connection: settings, a request that nobody answers, and the Test button."""

from __future__ import annotations

import json

from adversary.fuzzing.fuzzer import fuzz, obeys, odd_json, odd_text
from airflow.sdk import Connection
from hypothesis import strategies as st

from airflow_provider_kling.api.settings import settings_of
from airflow_provider_kling.hooks import KlingHook

EXTRAS = ("timeout_seconds", "verify", "proxies", "allow_private_urls", "webhook_secret", "timout_seconds")

#: Nobody listens on port 9 of this machine, and nothing leaves it.
hosts = st.one_of(
    st.sampled_from(["http://127.0.0.1:9", "127.0.0.1:9", "http://127.0.0.1:9/kling/v1", "http://[::1]:9", ""]),
    odd_text.map(lambda text: f"http://127.0.0.1:9/{text}"),
    odd_text.filter(lambda text: "." not in text),
)
connections = st.fixed_dictionaries(
    {"host": hosts, "login": st.none() | odd_text, "password": st.none() | odd_text},
    optional={
        "schema": st.sampled_from(["http", "https", "ftp", ""]),
        "port": st.integers(0, 70_000),
        "extra": st.dictionaries(st.sampled_from(EXTRAS), odd_json, max_size=3),
    },
)


def _connection(fields):
    extra = json.dumps(fields["extra"]) if "extra" in fields else None
    return Connection(conn_id="kling_default", conn_type="kling", **{**fields, "extra": extra})


def test_any_connection_becomes_settings_or_a_sentence():
    def check(fields):
        settings = obeys(lambda: settings_of(_connection(fields)))
        secret = (fields["password"] or "").strip()
        # Somebody may have written it into a field that is shown, too.
        is_shown = any(secret in str(value) for name, value in fields.items() if name != "password")
        assert len(secret) < 8 or is_shown or secret not in repr(settings)

    fuzz(connections, check)


def test_a_request_over_any_connection_ends_in_a_readable_error(monkeypatch):
    monkeypatch.setattr("tenacity.nap.time.sleep", lambda _seconds: None)

    def check(fields):
        if not fields["host"]:
            return  # that is Kling itself
        monkeypatch.setattr(KlingHook, "get_connection", classmethod(lambda _cls, _id: _connection(fields)))
        good, message = KlingHook().test_connection()
        assert not good
        assert message.strip()
        message.encode()

    fuzz(connections, check)
