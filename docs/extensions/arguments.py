"""The operators: what each takes of its product, and all of them in one table, from their docstrings and rows."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING, Any

from airflow_provider_kling import operators
from airflow_provider_kling.operators.task import KlingTaskOperator
from extensions.tables import Table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sphinx.application import Sphinx

    from airflow_provider_kling.products.product import Product

#: One ``:param name: words`` of a docstring; further lines are indented.
_PARAMETER = re.compile(r"^:param (\w+): (.*(?:\n +.*)*)", re.MULTILINE)


class KlingArguments(Table):
    """What an operator takes of its product; the arguments that all operators have are not repeated."""

    head = ("Argument", "What it is")
    widths = "26 74"
    required_arguments = 1

    def lines(self) -> Iterator[str]:
        """Return the table; a docstring names the operators beside its own without their module."""
        yield from (f".. currentmodule:: {operators.__name__}", "")
        yield from super().lines()
        yield from (".. currentmodule:: None", "")

    def rows(self) -> Iterator[tuple[str, ...]]:
        """Read the docstring of the operator, and what its product needs."""
        operator = getattr(operators, self.arguments[0])
        described = dict(_PARAMETER.findall(inspect.getdoc(operator) or ""))
        product = operator.product
        for name in product.arguments:
            if name in described:
                yield f"``{name}``{_needed(name, product)}", " ".join(described[name].split())


def _needed(name: str, product: Product) -> str:
    if name in product.required:
        return ", required"
    return ", one of two" if name in product.either else ""


def say_common(_app: Sphinx, what: str, _name: str, cls: Any, _options: Any, lines: list[str]) -> None:
    """Add to the arguments of an operator where those that all operators have are described."""
    if what == "class" and issubclass(cls, KlingTaskOperator) and cls is not KlingTaskOperator:
        while not lines[-1].strip():
            lines.pop()
        base = ":class:`~airflow_provider_kling.operators.KlingTaskOperator`"
        lines += [
            f":param kwargs: the arguments of {base}, such as ``output_uri``, and those of every Airflow operator.",
            "",
        ]


def setup(app: Sphinx) -> dict[str, bool]:
    """Add the table."""
    app.add_directive("kling-arguments", KlingArguments)
    app.connect("autodoc-process-docstring", say_common)
    return {"parallel_read_safe": True}
