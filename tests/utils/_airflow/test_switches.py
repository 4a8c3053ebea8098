"""A switch in airflow.cfg is on or off, and never an error."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from airflow_provider_kling.plugins.plugin import KlingPlugin, shows_pages
from airflow_provider_kling.results import poster
from airflow_provider_kling.utils._airflow.switches import is_switched_on

NO = ["False", "false", "0", "no", "off", "OFF ", "n", ""]


@pytest.mark.parametrize(
    ("word", "is_on"), [*((word, False) for word in NO), ("True", True), ("1", True), ("on", True), ("maybe", True)]
)
def test_a_text_is_true_or_false(monkeypatch, word, is_on):
    monkeypatch.setenv("AIRFLOW__KLING__POSTERS", word)
    assert is_switched_on("posters") is is_on


@pytest.mark.parametrize("word", ["off", "maybe"])
def test_a_spelling_fails_neither_the_plugin_nor_a_paid_result(monkeypatch, word):
    monkeypatch.setenv("AIRFLOW__KLING__UI", word)
    monkeypatch.setenv("AIRFLOW__KLING__POSTERS", word)
    poster._is_enabled.cache_clear()
    assert shows_pages() is bool(KlingPlugin().external_views)
    assert poster._is_enabled() is (word == "maybe")
    poster._is_enabled.cache_clear()


def test_what_nobody_has_set_is_on(monkeypatch):
    monkeypatch.delenv("AIRFLOW__KLING__UI", raising=False)
    assert is_switched_on("ui") is True


@pytest.mark.parametrize("word", ["50%", "%(nope)s", "%"])
def test_a_value_that_airflow_cannot_read_in_its_file_is_on(tmp_path, word):
    (tmp_path / "airflow.cfg").write_text(f"[core]\nload_examples = False\n[kling]\nui = {word}\nposters = {word}\n")
    program = (
        "from airflow_provider_kling.utils._airflow.switches import is_switched_on\n"
        "print([is_switched_on(option) for option in ('ui', 'posters')])"
    )
    run = subprocess.run(
        [sys.executable, "-c", program],
        env={
            **{key: value for key, value in os.environ.items() if "__KLING__" not in key},
            "AIRFLOW_HOME": str(tmp_path),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.stdout.endswith("[True, True]\n"), run.stderr
    assert "Write [kling] ui as True or False" in run.stdout + run.stderr
