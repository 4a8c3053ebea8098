"""The account of a command, where only Airflow's database names it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from dev.local_airflow import settings


@pytest.mark.timeout(300)
def test_a_connection_that_was_typed_into_airflow_is_found(kling_simulator, tmp_path):
    settings.create_database(tmp_path)
    names = settings.airflow_settings(tmp_path, [tmp_path], settings.free_ports(3))
    environment = settings.clean_environment() | settings.home_secrets(tmp_path) | names
    environment = {name: value for name, value in environment.items() if not name.startswith("KLINGAI_")}
    fields = ["--conn-type", "kling", "--conn-host", kling_simulator.url, "--conn-password", kling_simulator.api_key]

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", *words]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=140)

    assert "there is no account" in run("airflow_provider_kling", "costs").stderr
    added = run("airflow", "connections", "add", "kling_default", *fields)
    assert added.returncode == 0, added.stderr
    done = run("airflow_provider_kling", "costs")
    assert (done.returncode, "units left" in done.stdout) == (0, True), done.stderr
