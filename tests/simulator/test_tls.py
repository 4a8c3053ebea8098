"""HTTPS with a certificate of the simulator's own."""

import json
import shlex

import pytest
import requests
from cryptography import x509

from airflow_provider_kling.simulator.cli import connection_command

from .support import IMAGE

I2V = "/image-to-video/kling-3.0-turbo"


def test_a_client_that_trusts_the_certificate_is_served_and_any_other_is_not(start):
    simulator = start(tls=True).simulator
    assert simulator.url.startswith("https://127.0.0.1:")
    overview = simulator.url + "/_simulator/"
    assert requests.get(overview, timeout=10, verify=str(simulator.certificate)).status_code == 200
    with pytest.raises(requests.exceptions.SSLError):
        requests.get(overview, timeout=10)


def test_results_are_reached_over_https_and_can_be_inputs(start):
    kling = start(tls=True)
    trust = {"verify": str(kling.simulator.certificate)}
    body = {"contents": [{"type": "first_frame", "url": IMAGE}], "settings": {"duration": 3}}
    first = kling.send("POST", I2V, json=body, **trust).json()["data"]["id"]
    kling.simulator.finish(first)
    (seen,) = kling.send("GET", f"/tasks?task_ids={first}", **trust).json()["data"]
    url = seen["outputs"][0]["url"]
    assert url.startswith("https://")
    assert requests.get(url, timeout=20, **trust).status_code == 200
    face = kling.send("POST", "/v1/videos/identify-face", json={"video_url": url}, **trust).json()
    assert face["code"] == 0, face


def test_one_certificate_is_for_every_name_of_klings_api(start):
    simulator = start(tls=True).simulator
    certificate = x509.load_pem_x509_certificate(simulator.certificate.read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    kling = {"api-singapore.klingai.com", "api-beijing.klingai.com", "api.klingai.com"}
    assert kling <= set(names.get_values_for_type(x509.DNSName))


def test_the_certificate_is_the_same_after_a_restart_with_the_same_state(start, tmp_path):
    first = start(tls=True, state=tmp_path / "state.json").simulator
    content = first.certificate.read_bytes()
    first.stop()
    again = start(tls=True, state=tmp_path / "state.json").simulator
    assert again.certificate.read_bytes() == content


def test_without_a_state_file_nothing_is_left_behind(start):
    simulator = start(tls=True).simulator
    folder = simulator.certificate.parent
    simulator.stop()
    assert not folder.exists()


def test_the_printed_command_names_the_certificate(start, monkeypatch):
    from airflow_provider_kling.hooks import KlingHook

    simulator = start(tls=True).simulator
    words = shlex.split(connection_command(simulator.settings, simulator.url, simulator.certificate))
    extra = json.loads(words[words.index("--conn-extra") + 1])
    assert extra["verify"] == str(simulator.certificate)
    connection = {"conn_type": "kling", "host": simulator.url, "password": simulator.api_key, "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_KLING_DEFAULT", json.dumps(connection))
    assert KlingHook().test_connection()[0] is True
