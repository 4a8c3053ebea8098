"""Python that stands in the documentation is run: what it names exists, and what it calls takes what it gives."""

from __future__ import annotations

import re
import subprocess
import sys
import textwrap
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from airflow.sdk import DAG, task
from support import PHOTOGRAPH, connect

from airflow_provider_kling import hooks, operators, sensors, transfers

REPOSITORY = Path(__file__).parents[1]
BLOCK = re.compile(r"^\.\. code-block:: python\n\n((?: {4}.*\n|\n)+)", re.MULTILINE)


def blocks(page: str) -> list[str]:
    """The Python of a page."""
    return [textwrap.dedent(block) for block in BLOCK.findall((REPOSITORY / "docs" / page).read_text())]


PAGES = sorted(page.name for page in (REPOSITORY / "docs").glob("*.rst") if blocks(page.name))


def run(page: str) -> dict:
    """Run all blocks of a page, one after the other, with what a reader of the page has imported by then."""
    names = {"DAG": DAG, "task": task, "images": ["s3://bucket/a.jpg", "s3://bucket/b.jpg"]}
    for module in (operators, sensors, transfers, hooks):
        names |= {name: getattr(module, name) for name in getattr(module, "__all__", vars(module)) if "Kling" in name}
    for block in blocks(page):
        # A page that makes a Dag goes on in it.
        with names.setdefault("dag", DAG("docs", schedule=None)):
            if "import pytest" not in block:
                exec(compile(block, page, "exec"), names)
    return names


def test_there_are_pages_with_python():
    assert {"hook.rst", "simulator.rst", "budget.rst"} <= set(PAGES)


@pytest.mark.parametrize("page", PAGES)
def test_the_python_of_a_page_runs(page, kling_simulator, monkeypatch):
    connect(monkeypatch, kling_simulator, api_key=True)
    run(page)


def test_the_tasks_of_the_page_of_the_hook_make_and_fetch_a_video(kling_simulator, monkeypatch, ti, tmp_path):
    connect(monkeypatch, kling_simulator, api_key=True)
    names = run("hook.rst")
    monkeypatch.chdir(tmp_path)
    kling_task_id = names["animate"].function(str(PHOTOGRAPH), ti=ti)
    kling_simulator.finish(kling_task_id)
    fetched = names["fetch"].function(kling_task_id)
    stored = Path("/tmp/rocket.mp4")
    assert stored.stat().st_size == fetched["bytes"]
    stored.unlink()
    assert names["units_left"].function() > 0
    now = datetime.now(UTC)
    names["units_by_model"].function(data_interval_start=now - timedelta(days=1), data_interval_end=now)


def test_the_tests_of_the_page_of_the_simulator_pass(tmp_path):
    (code,) = (block for block in blocks("simulator.rst") if "import pytest" in block)
    (tmp_path / "test_page.py").write_text(code)
    command = [sys.executable, "-m", "pytest", "-q", "test_page.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=110, check=False)
    assert "2 passed" in done.stdout, done.stdout + done.stderr
