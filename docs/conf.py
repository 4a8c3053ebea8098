"""Sphinx settings, and the tables that are made from the package's own data."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

# Importing Airflow writes its configuration file; this keeps it out of the reader's home.
os.environ["AIRFLOW_HOME"] = str(Path(__file__).parent / "_build" / "airflow")

from docutils import nodes
from docutils.parsers.rst import Directive
from docutils.statemachine import StringList

from airflow_provider_kling import __version__
from airflow_provider_kling.exceptions import KLING_CODES
from airflow_provider_kling.products import capabilities
from airflow_provider_kling.simulator.products import PRODUCTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sphinx.application import Sphinx

project = "airflow-provider-kling"
version = release = __version__
project_copyright = "the authors of airflow-provider-kling, Apache License 2.0"

extensions = ["sphinx.ext.autodoc", "sphinx_copybutton", "myst_parser"]
exclude_patterns = ["_build"]
default_role = "any"
nitpicky = True

rst_prolog = f".. |as-of| replace:: {capabilities.table().as_of}"

html_theme = "furo"
html_title = f"{project} {version}"
html_copy_source = False
html_static_path = ["_static"]
html_css_files = ["pages.css"]

# What is copied are the commands: neither the prompt nor what they print.
copybutton_prompt_text = "$ "

autodoc_member_order = "bysource"
# Types stand in the signatures of the source; what a reader needs of them is in the text of each parameter.
autodoc_typehints = "none"

# Classes of Airflow and of Python have their own documentation, and it is not fetched from the network here.
nitpick_ignore = [
    ("py:class", "AirflowFailException"),  # in the error tree
]
nitpick_ignore_regex = [
    ("py:class", r"(airflow|collections|datetime|enum|requests|typing)\..*"),  # base classes
]


class Table(Directive):
    """A table with one row for each entry of the package's own data, so that it cannot drift from the code."""

    head: tuple[str, ...]
    widths: str

    def rows(self) -> Iterable[tuple[str, ...]]:
        """Return the cells, as reST."""
        raise NotImplementedError

    def run(self) -> list[nodes.Node]:
        """Return the table."""
        lines = [".. list-table::", "   :header-rows: 1", f"   :widths: {self.widths}", ""]
        for row in (self.head, *self.rows()):
            lines += [f"   {'*' if not index else ' '} - {cell}" for index, cell in enumerate(row)]
        box = nodes.container()
        self.state.nested_parse(StringList(lines, source=type(self).__name__), self.content_offset, box)
        return box.children


class KlingCodes(Table):
    """Every service code, the class that it becomes, whether Airflow retries it, and what to do."""

    head = ("Code", "Class", "Retried", "What to do")
    widths = "8 34 10 48"

    def rows(self) -> Iterator[tuple[str, ...]]:
        """Read :data:`~airflow_provider_kling.exceptions.KLING_CODES`."""
        for code, row in KLING_CODES.items():
            name = row.error.__name__
            link = f":class:`~airflow_provider_kling.exceptions.{name}`"
            yield str(code), link, "yes" if row.error.transient else "no", row.advice


class KlingModels(Table):
    """What each live model of a product takes."""

    head = ("Model", "Mode", "Seconds", "Takes")
    widths = "25 20 20 35"
    required_arguments = 1

    def rows(self) -> Iterator[tuple[str, ...]]:
        """Read the capability table."""
        table = capabilities.table()
        words = {feature.name: feature.words for feature in capabilities.FEATURES}
        for row in table.rows:
            if row.product == self.arguments[0] and table.live(row, table.models[row.model].generation):
                seconds = [int(seconds_text) for seconds_text in row.durations]
                span = f"{seconds[0]} to {seconds[-1]}" if len(seconds) > 2 else " or ".join(map(str, seconds))
                takes = [words[name] + ("" if how is True else f" ({how})") for name, how in row.features.items()]
                yield (
                    f"``{row.model}``",
                    ", ".join(f"``{mode}``" for mode in row.modes),
                    span,
                    ", ".join(takes) or "nothing more",
                )


class KlingRetired(Table):
    """The models that Kling has retired."""

    head = ("Model", "Retired on", "Use instead")
    widths = "34 33 33"

    def rows(self) -> Iterator[tuple[str, ...]]:
        """Read the capability table."""
        for name, model in capabilities.table().models.items():
            if model.retired:
                yield f"``{name}``", model.retired, f"``{model.replacement}``"


class SimulatedProducts(Table):
    """What the simulator serves, by the names that its faults know."""

    head = ("Product", "Path", "How it answers")
    widths = "30 40 30"

    def rows(self) -> Iterator[tuple[str, ...]]:
        """Read the simulator's rows of products."""
        for name, product in PRODUCTS.items():
            how = "at once" if product.at_once else "a task, read with ``/tasks``" if product.is_new else "a task"
            yield f"``{name}``", f"``{product.path}``", how


def setup(app: Sphinx) -> None:
    """Add the tables."""
    app.add_directive("kling-codes", KlingCodes)
    app.add_directive("kling-models", KlingModels)
    app.add_directive("kling-retired", KlingRetired)
    app.add_directive("simulated-products", SimulatedProducts)
