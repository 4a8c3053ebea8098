"""What a reader meets: the built pages, and the first Dag of the README run as it stands."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

import pytest

from dev.local_airflow import settings

REPOSITORY = Path(__file__).parents[1]
README = (REPOSITORY / "README.md").read_text()

pytestmark = pytest.mark.timeout(300)


class Page(HTMLParser):
    """Links, anchors, pictures, classes and words of one page."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.links, self.anchors, self.pictures, self.classes, self.words = [], set(), [], set(), []
        self._hidden = 0
        self.feed(file.read_text())

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        self.classes |= set((values.get("class") or "").split())
        self.anchors |= {values[name] for name in ("id", "name") if values.get(name)}
        if tag == "a" and values.get("href"):
            self.links.append(values["href"])
        if tag == "img":
            self.pictures.append(values)
        self._hidden += tag in {"script", "style"}

    def handle_endtag(self, tag):
        self._hidden -= tag in {"script", "style"}

    def handle_data(self, data):
        if not self._hidden:
            self.words.append(data)


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    pytest.importorskip("sphinx", reason="Sphinx is not installed beside this release of Airflow")
    folder = tmp_path_factory.mktemp("html")
    command = [sys.executable, "-m", "sphinx", "-qnW", "-d", str(folder / "trees"), "docs", str(folder / "html")]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=280)
    assert done.returncode == 0, done.stderr[-4000:]
    return folder / "html"


@pytest.fixture(scope="module")
def pages(built) -> dict[Path, Page]:
    # The index of all names and the search page are made by Sphinx.
    own = {"genindex.html", "search.html", "py-modindex.html"}
    return {file: Page(file) for file in built.rglob("*.html") if file.name not in own and "_static" not in file.parts}


def test_no_page_shows_an_error_to_its_reader(pages):
    # The theme draws its own box, "ERROR: Adding a table of contents", above everything of the class "contents".
    bad = {"system-message", "problematic", "error", "contents"}
    assert {file.name: page.classes & bad for file, page in pages.items() if page.classes & bad} == {}


def test_every_internal_link_leads_somewhere(pages, built):
    dead = []
    for file, page in pages.items():
        for link in page.links:
            target, anchor = urldefrag(link)
            if urlsplit(target).scheme:
                continue
            where = (file.parent / unquote(target)).resolve() if target else file
            if not where.is_file() or (anchor and where in pages and unquote(anchor) not in pages[where].anchors):
                dead.append(f"{file.name}: {link}")
    assert dead == []


def test_every_picture_is_there_and_says_what_it_shows(pages):
    pictures = [(file, picture) for file, page in pages.items() for picture in page.pictures]
    assert pictures
    assert [picture for _, picture in pictures if len(picture.get("alt") or "") < 20] == []
    assert [picture for file, picture in pictures if not (file.parent / picture["src"]).is_file()] == []


def test_every_code_block_can_be_copied(built):
    page = (built / "quickstart.html").read_text()
    assert "copybutton.js" in page


def test_no_stray_word_stands_at_the_end_of_a_description(pages):
    assert [file.name for file, page in pages.items() if re.search(r"\bPure\.", "".join(page.words))] == []


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
    (stored,) = Path("/tmp/kling").glob(f"{charge['task_id']}*")
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


def test_the_targets_of_make_say_what_they_do():
    done = subprocess.run(["make", "help"], cwd=REPOSITORY, capture_output=True, text=True, check=True, timeout=60)
    told = {line.split()[1] for line in done.stdout.splitlines()}
    assert {"demo", "test", "test-install", "fuzz", "pictures", "docs"} <= told
    assert json.dumps(sorted(told))
