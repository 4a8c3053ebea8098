"""The map for newcomers names each module of the package, and nothing that is gone."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

import airflow_provider_kling

PACKAGE = Path(airflow_provider_kling.__file__).parent
CONTRIBUTING = (Path(__file__).parents[1] / "CONTRIBUTING.md").read_text()

ROOMS = {PACKAGE.name, "benchmarks", "dev", "docs", "example_dags", "tests"}
FILES = {"CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "Makefile", "README.md", "pyproject.toml"}
TOP_LEVEL = ROOMS | FILES


def _map() -> str:
    return CONTRIBUTING.split("## Where things are")[1].split("```")[1]


def _modules() -> set[str]:
    ours = [path for path in PACKAGE.rglob("*.py") if "simulator" not in path.parts]
    return {path.stem for path in ours if path.stem != "__init__"}


def test_each_module_is_in_the_map():
    words = set(re.findall(r"[a-z0-9_]+", _map()))
    assert not _modules() - words


def test_what_the_rules_and_recipes_name_is_there():
    named = re.findall(r"`((?:[a-z_0-9]+/)*[a-z_0-9]+\.(?:py|yaml))`", CONTRIBUTING)
    assert named
    assert not [name for name in named if not (PACKAGE / name).exists() and not (PACKAGE.parent / name).exists()]


def test_the_top_level_holds_what_belongs_there():
    """A file that a test left in the working folder is committed with the next ``git add --all``."""
    git = ["git", "-C", str(PACKAGE.parent), "ls-files", "-z"]
    listed = subprocess.run(git, check=False, capture_output=True, text=True) if shutil.which("git") else None
    if listed is None or listed.returncode:
        pytest.skip("not a checkout that git reads")
    named = {name.split("/")[0] for name in listed.stdout.split("\0") if name}
    assert {name for name in named if not name.startswith(".")} == TOP_LEVEL


def test_the_source_distribution_holds_the_top_level():
    """Who unpacks it can follow the README, which begins with make."""
    project = tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text())
    included = project["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]
    assert {*included, "pyproject.toml"} == TOP_LEVEL
