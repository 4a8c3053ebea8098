"""``.. gallery::``: all example Dags of the folder, what each is for, and what it makes."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING

from docutils import nodes
from docutils.parsers.rst import Directive
from docutils.statemachine import StringList

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sphinx.application import Sphinx

DOCS = Path(__file__).parents[1]
EXAMPLES = DOCS.parent / "example_dags"
#: Those to begin with; the others follow by name.
FIRST = ("kling_quickstart", "kling_one_step", "kling_folder_of_images", "kling_batch")


class Gallery(Directive):
    """A section for each example: its docstring, its pictures where there are some, and its operators."""

    def run(self) -> list[nodes.Node]:
        """Read the folder."""
        names = sorted(file.stem for file in EXAMPLES.glob("kling_*.py"))
        self.state.document.settings.record_dependencies.add(str(EXAMPLES))
        sections = []
        for name in sorted(names, key=lambda name: (FIRST.index(name) if name in FIRST else len(FIRST), name)):
            self.state.document.settings.record_dependencies.add(str(EXAMPLES / f"{name}.py"))
            sections.append(self._section(name))
        return sections

    def _section(self, name: str) -> nodes.section:
        source = (EXAMPLES / f"{name}.py").read_text()
        title, _, text = (ast.get_docstring(ast.parse(source)) or name).partition("\n\n")
        title = " ".join(title.split()).rstrip(".")
        section = nodes.section(ids=[name.replace("_", "-")], names=[name])
        section += nodes.title(title, title)
        self.state.document.note_explicit_target(section)
        lines = StringList([*self._lines(name, title, text, source)], source=name)
        self.state.nested_parse(lines, self.content_offset, section)
        return section

    @staticmethod
    def _lines(name: str, title: str, text: str, source: str) -> Iterator[str]:
        yield from (*_as_rest(text).splitlines(), "")
        if (DOCS / "_static" / "gallery" / f"{name}.jpg").is_file():
            alt = f"Frames of what the simulator made for the example {name}: {title[0].lower()}{title[1:]}"
            yield from (f".. image:: _static/gallery/{name}.jpg", f"    :alt: {alt}", "    :width: 100%", "")
        for part in re.findall(r"\[START (\w+)\]", source):
            yield from (
                f".. literalinclude:: ../example_dags/{name}.py",
                "    :language: python",
                f"    :start-after: [START {part}]",
                f"    :end-before: [END {part}]",
                "    :dedent:",
                "",
            )
        yield from (f"The whole Dag is ``example_dags/{name}.py`` in the repository.", "")


def _as_rest(text: str) -> str:
    """Turn the Markdown of a docstring, which Airflow's page of the Dag shows, into reST."""
    text = re.sub(r"(?<!`)`([^`]+)`(?!`)", r"``\1``", text)
    return re.sub(r"^(\S[^\n]*:\n)\n(?= {4}\S)", r"\1\n.. code-block:: text\n\n", text, flags=re.MULTILINE)


def setup(app: Sphinx) -> dict[str, bool]:
    """Add the directive."""
    app.add_directive("gallery", Gallery)
    return {"parallel_read_safe": True}
