"""Tables that are made from the package's own data, so that they cannot drift from the code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from docutils import nodes
from docutils.parsers.rst import Directive
from docutils.statemachine import StringList

from airflow_provider_kling.exceptions import (
    KLING_CODES,
    SERVER_CODES,
    KlingApiError,
    KlingError,
    KlingResponseError,
    KlingThrottledError,
)
from airflow_provider_kling.products import capabilities
from airflow_provider_kling.simulator.products import PRODUCTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sphinx.application import Sphinx


class Made(Directive):
    """Something that is written as reST by a function, and then read like the rest of its page."""

    def lines(self) -> Iterable[str]:
        """Return the reST."""
        raise NotImplementedError

    def run(self) -> list[nodes.Node]:
        """Return what stands in the page."""
        box = nodes.container()
        self.state.nested_parse(StringList(list(self.lines()), source=type(self).__name__), self.content_offset, box)
        return box.children


class Table(Made):
    """A table with one row for each entry of the package's own data, so that it cannot drift from the code."""

    head: tuple[str, ...]
    widths: str

    def rows(self) -> Iterable[tuple[str, ...]]:
        """Return the cells, as reST."""
        raise NotImplementedError

    def lines(self) -> Iterator[str]:
        """Return the table."""
        yield from table_lines(self.head, self.widths, self.rows())


def table_lines(head: tuple[str, ...], widths: str, rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    """Return a list-table as reST."""
    yield from (".. list-table::", "   :header-rows: 1", f"   :widths: {widths}", "")
    for row in (head, *rows):
        yield from (f"   {'*' if not index else ' '} - {cell}" for index, cell in enumerate(row))
    yield ""


def error_link(error: type[KlingError]) -> str:
    """Return a reference to an error class."""
    return f":class:`~airflow_provider_kling.exceptions.{error.__name__}`"


def summary(error: type[KlingError]) -> str:
    """Return the first sentence of an error's docstring."""
    return " ".join((error.__doc__ or "").strip().split("\n\n")[0].split())


class KlingCodes(Made):
    """Every service code, by the class that it becomes: what that means, what to do, what it costs."""

    def lines(self) -> Iterator[str]:
        """Read :data:`~airflow_provider_kling.exceptions.KLING_CODES`."""
        yield from (" ".join(f"`{code} <code {code}_>`__" for code in KLING_CODES), "")
        groups: dict[type[KlingError], list[int]] = {}
        for code, row in KLING_CODES.items():
            groups.setdefault(row.error, []).append(code)
        for error, codes in groups.items():
            yield from (f".. rubric:: {', '.join(map(str, codes))}", "", error_link(error), f"    {summary(error)}", "")
            yield from (f"    {self._cost(codes)} {self._again(error)}", "")
            rows = ((f"_`code {code}`", self._advice(code)) for code in codes)
            yield from table_lines(("Code", "What to do"), "18 82", rows)

    @staticmethod
    def _advice(code: int) -> str:
        return " ".join(filter(None, (KLING_CODES[code].advice, KLING_CODES[code].more)))

    @staticmethod
    def _cost(codes: list[int]) -> str:
        if max(codes) < SERVER_CODES:
            return "**Charged:** no; nothing was created."
        return "**Charged:** not known at once; the package looks for the task before it sends again."

    @staticmethod
    def _again(error: type[KlingError]) -> str:
        if issubclass(error, KlingThrottledError):
            return "**Retried:** an operator waits for a slot first, which uses no retry."
        return f"**Retried:** {'yes' if error.transient else 'no; the task fails at once'}."


class KlingErrorTree(Made):
    """All classes of errors, each below the one that it is a special case of."""

    def lines(self) -> Iterator[str]:
        """Read the classes of :mod:`airflow_provider_kling.exceptions`."""
        yield from self._branch(KlingError, 0)

    def _branch(self, error: type[KlingError], depth: int) -> Iterator[str]:
        again = "" if error is KlingError else " *Transient.*" if error.transient else " *Permanent.*"
        again = "" if error in (KlingApiError, KlingResponseError) else again
        yield from (f"{'  ' * depth}* {error_link(error)}: {summary(error)}{again}", "")
        for narrower in error.__subclasses__():
            # Classes of other modules are no part of what a Dag may catch.
            if narrower.__module__ == error.__module__:
                yield from self._branch(narrower, depth + 1)


class KlingModels(Table):
    """What each live model of a product takes."""

    head = ("Model", "Mode", "Seconds", "Takes")
    widths = "25 20 20 35"
    required_arguments = 1

    def rows(self) -> Iterator[tuple[str, ...]]:
        """Read the capability table."""
        table = capabilities.table()
        words = {feature.name: feature.phrase for feature in capabilities.FEATURES}
        modes: dict[tuple[str, str, str], list[str]] = {}
        for row in table.rows:
            if row.product == self.arguments[0] and table.is_live(row, table.models[row.model].generation):
                seconds = [int(seconds_text) for seconds_text in row.durations]
                span = f"{seconds[0]} to {seconds[-1]}" if len(seconds) > 2 else " or ".join(map(str, seconds))
                takes = [words[name] + ("" if how is True else f" ({how})") for name, how in row.features.items()]
                key = (f"``{row.model}``", span, ", ".join(takes) or "nothing more")
                modes.setdefault(key, []).extend(f"``{mode}``" for mode in row.modes)
        for (model, span, takes_words), names in modes.items():
            yield model, ", ".join(names), span, takes_words


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
            how = "at once" if product.at_once else "a task, read with ``/tasks``" if product.is_v2 else "a task"
            yield f"``{name}``", f"``{product.path}``", how


def setup(app: Sphinx) -> dict[str, bool]:
    """Add the tables."""
    app.add_directive("kling-codes", KlingCodes)
    app.add_directive("kling-error-tree", KlingErrorTree)
    app.add_directive("kling-models", KlingModels)
    app.add_directive("kling-retired", KlingRetired)
    app.add_directive("simulated-products", SimulatedProducts)
    return {"parallel_read_safe": True}
