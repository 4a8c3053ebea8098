"""Parses the quickstart page: its commands, its Dag and the labels that it names."""

from __future__ import annotations

import re
import shlex

from dev.local_airflow.settings import REPOSITORY

PAGE = (REPOSITORY / "docs" / "quickstart.rst").read_text()
README = (REPOSITORY / "README.md").read_text()


def commands() -> list[list[str]]:
    """Every command of the page, split into words, in order."""
    lines = re.findall(r"^ +\$ (.+(?:(?<=\\)\n.+)*)", PAGE, re.MULTILINE)
    return [shlex.split(line.replace("\\\n", " ")) for line in lines]


def command(*beginning: str) -> list[str]:
    """The one command that begins with these words."""
    (found,) = (words for words in commands() if words[: len(beginning)] == [*beginning])
    return found


def dag_file() -> str:
    """The Dag that the page shows."""
    found = re.search(r"```python\n(.*?)```", README, re.DOTALL)
    if not found:
        raise LookupError("the README shows no Dag")
    return found[1]


def label(text: str) -> str:
    """The label of a control, which the page must name literally."""
    if f"*{text}*" not in PAGE:
        raise LookupError(f"docs/quickstart.rst does not say *{text}*")
    return text
