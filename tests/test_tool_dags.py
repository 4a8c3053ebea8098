"""
The Dag files of the chaos run, the screenshots and the benchmarks can be read.

Operators pass what they do not know on to Airflow, so mypy cannot see a parameter that was renamed: Airflow can.
"""

from __future__ import annotations

import json
import runpy
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
FILES = sorted([*REPOSITORY.glob("dev/*/dags/*.py"), *REPOSITORY.glob("benchmarks/dags/*.py")])
SIZES = dict.fromkeys(["chaos_trigger", "chaos_store", "chaos_chain", "chaos_worker", "chaos_batch"], 2)


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(REPOSITORY)))
def test_every_operator_takes_what_the_file_gives_it(file, tmp_path, monkeypatch):
    if file.name == "http_operators.py":
        pytest.importorskip("airflow.providers.http", reason="the group bench is not installed")
    monkeypatch.setenv("KLING_CHAOS_VIDEOS", str(tmp_path))
    monkeypatch.setenv("KLING_CHAOS_SIZES", json.dumps(SIZES))
    runpy.run_path(str(file))
