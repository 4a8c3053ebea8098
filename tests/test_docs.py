"""The built pages, and the first Dag of the README run unchanged."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from dev import site
from dev.local_airflow import settings

REPOSITORY = Path(__file__).parents[1]
README = (REPOSITORY / "README.md").read_text()

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    pytest.importorskip("sphinx", reason="Sphinx is not installed beside this release of Airflow")
    return site.build(tmp_path_factory.mktemp("site") / "html")


def test_no_page_has_an_error_a_dead_link_or_an_image_without_alt_text(built):
    assert len(site.pages(built)) > 20
    assert site.problems(built) == []


@pytest.mark.parametrize(
    ("markup", "problem"),
    [
        ('<div class="system-message">', "shows an error to its reader (class system-message)"),
        ('<a href="other.html">', "the link 'other.html' leads nowhere"),
        ('<a href="#nowhere">', "the link '#nowhere' leads nowhere"),
        ('<a href="https://example.com/#x">', None),
        ('<a id="here" href="#here">', None),
        ('<p id="twice"><p id="twice">', "has the id 'twice' 2 times"),
        ("<h1>A</h1><h3>B</h3>", "has a heading h3 without one above it"),
        ("<h1>A</h1><h2>B</h2><h3>C</h3><h2>D</h2>", None),
        ('<img src="page.html">', "the picture 'page.html' says not what it shows"),
        ('<img src="gone.png" alt="A rocket on its pad at dawn">', "the picture 'gone.png' is not there"),
        ('<div class="figure"><svg role="img">', "the picture '' says not what it shows"),
        ('<div class="figure"><svg role="img" aria-label="A rocket on its pad at dawn">', None),
    ],
)
def test_text_that_no_page_should_contain_is_found(tmp_path, markup, problem):
    (tmp_path / "page.html").write_text(markup)
    assert site.problems(tmp_path) == ([f"page.html: {problem}"] if problem else [])


def test_every_code_block_can_be_copied(built):
    page = (built / "quickstart.html").read_text()
    assert "copybutton.js" in page


def test_a_stacked_table_says_what_its_cells_are(built):
    tables = [
        table
        for page in built.glob("*.html")
        for table in re.findall(r"<table.*?</table>", page.read_text(), re.DOTALL)
    ]
    stacked = [table for table in tables if 'class="stacks ' in table]
    assert len(stacked) > 50
    for table in stacked:
        columns = table.split("</thead>")[0].count("<th ")
        # Two columns are named by the line above the rows, more by each cell.
        assert ('class="stacks pairs ' in table) == (columns == 2)
        assert ("data-label" in table) == (columns > 2)


def test_each_operator_says_where_the_arguments_are_that_all_have(built):
    from airflow_provider_kling import operators
    from airflow_provider_kling.operators import KlingTaskOperator

    page = (built / "api.html").read_text()
    classes = [getattr(operators, name) for name in operators.__all__]
    ours = [cls for cls in classes if isinstance(cls, type) and issubclass(cls, KlingTaskOperator)]
    assert page.count("<strong>kwargs</strong>") == len(ours) - 1


def test_each_part_of_an_example_links_to_the_whole(built):
    page = (built / "operators.html").read_text()
    link = 'Part of the example <a class="reference internal" href="examples.html#kling-one-step">'
    assert page.count(link) == 2
    assert "Part of the example" not in (built / "examples.html").read_text()
    assert 'href="examples.html#kling-one-step"' in (built / "products.html").read_text()


def test_no_description_ends_with_a_stray_word(built):
    pages = site.pages(built).values()
    assert [page.file.name for page in pages if re.search(r"\bPure\.", "".join(page.words))] == []


def test_the_first_dag_of_the_readme_runs_as_it_stands(kling_simulator, tmp_path):
    code = re.search(r"```python\n(.*?)```", README, re.DOTALL)[1]
    (tmp_path / "first.py").write_text(code)
    settings.create_database(tmp_path)
    connection = {
        "conn_type": "kling",
        "host": kling_simulator.url,
        "password": kling_simulator.api_key,
        "extra": {"allow_private_urls": True},
    }
    environment = settings.clean_environment() | {
        **settings.airflow_settings(tmp_path, [tmp_path], settings.free_ports(3)),
        **settings.connection_variables({"kling_default": connection}),
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
    }
    command = [sys.executable, "-m", "airflow", "dags", "test", "paper_boat"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240, check=False)
    (charge,) = kling_simulator.ledger()["charges"] or pytest.fail(done.stdout[-3000:] + done.stderr[-3000:])
    (stored,) = Path("/tmp/kling").glob(f"{charge['task_id']}*.mp4")
    assert stored.read_bytes()[4:8] == b"ftyp"
    stored.unlink()


def test_the_command_of_the_readme_that_connects_is_one_that_airflow_takes():
    from airflow.cli.cli_parser import get_parser

    line = re.search(r"^\$ (airflow connections add .*)$", README, re.MULTILINE)[1]
    given = get_parser().parse_args(shlex.split(line)[1:])
    assert (given.conn_id, given.conn_type) == ("kling_default", "kling")


def test_the_key_has_the_same_name_everywhere():
    # Other people's tools have names of their own, which one page lists.
    files = [
        REPOSITORY / "README.md",
        *(REPOSITORY / "docs").glob("*.rst"),
        *(REPOSITORY / "example_dags").glob("*.py"),
    ]
    pattern = re.compile(r"\bKLING(?!AI_)\w*_KEY\b")
    assert [file.name for file in files if file.name != "coming-from.rst" and pattern.search(file.read_text())] == []


def test_installing_names_the_constraints_of_airflow():
    for file in ("README.md", "docs/quickstart.rst"):
        text = (REPOSITORY / file).read_text()
        assert "--constraint https://raw.githubusercontent.com/apache/airflow/constraints-" in text


def test_a_progress_line_comes_every_few_seconds_where_nothing_is_redrawn(monkeypatch):
    import io
    import time

    from rich.console import Console

    from dev import progress

    monkeypatch.setattr(progress, "HEARTBEAT_SECONDS", 0.5)
    output = io.StringIO()
    with progress.Steps(Console(file=output), ("Airflow",)) as steps:
        steps.show("Airflow", "waiting for scheduler")
        deadline = time.monotonic() + 30
        while "still" not in output.getvalue() and time.monotonic() < deadline:
            time.sleep(0.1)
    assert "Airflow: waiting for scheduler, still" in output.getvalue()


def test_the_targets_of_make_have_a_description():
    done = subprocess.run(["make", "help"], cwd=REPOSITORY, capture_output=True, text=True, check=True, timeout=60)
    told = {line.split()[1] for line in done.stdout.splitlines()}
    assert {"demo", "test", "test-install", "fuzz", "pictures", "docs"} <= told
    assert json.dumps(sorted(told))
