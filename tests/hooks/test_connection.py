"""The connection of the hook: its name, credentials, clock and the test button."""

from __future__ import annotations

import socket

import pytest
from support import connect, limit
from support_hooks import creates, submit

from airflow_provider_kling import exceptions as errors
from airflow_provider_kling.hooks import KlingHook


@pytest.mark.parametrize("name", ["None", " none ", "", None])
def test_a_connection_that_a_template_left_empty_is_named(name):
    with pytest.raises(errors.KlingConfigurationError, match="template of kling_conn_id"):
        KlingHook(name).get_task("x")


@pytest.mark.parametrize("name", [5, {"a": 1}, "kling\u200b_default", pytest.param(10**5000, id="huge"), "x" * 1000])
def test_what_is_not_a_name_of_a_connection_is_a_clear_error(name):
    with pytest.raises(errors.KlingConfigurationError, match="kling_conn_id") as caught:
        _ = KlingHook(name).account_name
    assert len(str(caught.value)) < 300


def test_the_name_of_a_connection_may_have_blanks_around_it(kling):
    assert KlingHook(" kling_default\n").account_name == KlingHook().account_name


def test_an_api_key_works_like_a_key_pair(kling_simulator, monkeypatch):
    connect(monkeypatch, kling_simulator, api_key=True)
    assert submit(KlingHook()).task_id


@pytest.mark.kling_simulator(clock_skew=3600)
def test_a_wrong_clock_is_corrected_with_klings_own_time(kling, hook):
    assert submit(hook).task_id
    assert len(kling.tasks()) == 1


def test_a_token_that_stays_refused_names_the_skew(kling, hook):
    kling.fault(code=1004, times=2)
    with pytest.raises(errors.KlingAuthenticationError, match=r"Kling's clock is [+-]\d+ s from this machine's"):
        hook.get_task("x")
    assert len(kling.requests()) == 2


def test_a_bad_key_is_refused_with_the_region_hint(kling_simulator, monkeypatch):
    connect(monkeypatch, kling_simulator, login="", password="api-key-kling-of-another-region")
    with pytest.raises(errors.KlingAuthenticationError, match="api-beijing"):
        KlingHook().get_task("x")


@pytest.mark.parametrize("api_key", [True, False])
def test_the_connection_test_is_free_and_names_no_key(kling_simulator, monkeypatch, api_key):
    connect(monkeypatch, kling_simulator, api_key=api_key)
    ok, message = KlingHook().test_connection()
    assert ok
    assert kling_simulator.url in message
    assert kling_simulator.api_key not in message
    assert kling_simulator.secret_key not in message
    assert creates(kling_simulator) == []


@pytest.mark.parametrize(
    "fields",
    [{"password": "wrong", "login": ""}, {"password": ""}, {"host": "ftp://x"}, {"host": "http://127.0.0.1:1"}],
)
def test_the_connection_test_reports_what_is_wrong(kling_simulator, monkeypatch, fields):
    limit(monkeypatch, read_max_wait=0)
    connect(monkeypatch, kling_simulator, **fields)
    ok, message = KlingHook().test_connection()
    assert not ok
    assert message


@pytest.mark.kling_simulator(path_prefix="/kling")
def test_a_relay_with_a_path_prefix_and_a_bearer_key_works(kling_simulator, monkeypatch):
    assert kling_simulator.url.endswith("/kling")
    connect(monkeypatch, kling_simulator, api_key=True)
    hook = KlingHook()
    assert hook.wait(submit(hook).task_id, poll_interval=0.05).videos


def test_a_host_that_is_down_is_a_connection_error_and_leaves_no_doubt(monkeypatch, no_waiting):
    limit(monkeypatch, read_max_wait=0)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    monkeypatch.setenv("AIRFLOW_CONN_KLING_DEFAULT", f"kling://:K@127.0.0.1:{port}/http")
    with pytest.raises(errors.KlingConnectionError, match=f"Check the host 127.0.0.1:{port}: it refuses connections"):
        KlingHook().get_task("x")
    with pytest.raises(errors.KlingConnectionError) as caught:
        submit(KlingHook())
    assert caught.value.nothing_sent
