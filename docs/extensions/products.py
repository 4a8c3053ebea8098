"""Tables of all products and all operations of Kling's API, made from the package and from ``operations.yaml``."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import yaml

from airflow_provider_kling import operators
from airflow_provider_kling.operators.task import KlingTaskOperator
from airflow_provider_kling.products import capabilities
from airflow_provider_kling.products.catalogue import PRODUCTS
from extensions.gallery import FIRST
from extensions.tables import Table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sphinx.application import Sphinx

    from airflow_provider_kling.products.product import Product

LIST = Path(__file__).parents[1] / "operations.yaml"
EXAMPLES = Path(__file__).parents[2] / "example_dags"

#: In one row of the table of products.
MOST_EXAMPLES = 4

#: What of the hook has a page of its own in the reference, and where its documentation stands.
HOMES = {
    "voices": "api.assets.AssetCollection",
    "elements": "api.assets.AssetCollection",
    "selections": "api.selection.Selections",
    "billing": "api.billing.Billing",
}

OPERATORS = {
    cls.product.endpoint: cls
    for cls in (getattr(operators, name) for name in operators.__all__)
    if isinstance(cls, type) and issubclass(cls, KlingTaskOperator) and cls is not KlingTaskOperator
}


class Run(NamedTuple):
    """An operator in an example Dag; the tests run every example in a real Airflow, and look at what it stored."""

    operator: str
    dag_id: str
    model_name: str


def runs() -> list[Run]:
    """Read the examples."""
    found = []
    for file in sorted(EXAMPLES.glob("kling_*.py")):
        for call in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and hasattr(operators, call.func.id):
                values = {keyword.arg: keyword.value for keyword in call.keywords}
                model = values.get("model_name")
                named = str(model.value) if isinstance(model, ast.Constant) else ""
                found.append(Run(call.func.id, file.stem, named))
    return found


class KlingProducts(Table):
    """What Kling sells: one row for each product."""

    head = ("Operator, and its ``endpoint``", "Models", "Generation", "Status", "Examples")
    widths = "27 23 10 23 17"

    def rows(self) -> Iterator[tuple[str, ...]]:
        """Read the catalogue, the capability table, the operators and the examples."""
        examples = runs()
        for endpoint, product in PRODUCTS.items():
            name = OPERATORS[endpoint].__name__
            yield (
                f":ref:`{name} <howto/operator:{name}>`: ``{endpoint}``",
                ", ".join(_models(product)) or "no choice",
                "both" if product.counterpart else {"v2": "second"}.get(product.generation, "classic"),
                (product.notice or "live") + ("" if product.has_external_id else "; no id: ``on_doubt``"),
                ", ".join(f":ref:`{dag} <{dag}>`" for dag in _first(examples, name)),
            )


def _first(examples: list[Run], operator: str) -> list[str]:
    """The examples of an operator to begin with; the page of all examples has the others."""
    dags = {run.dag_id for run in examples if run.operator == operator}
    return sorted(dags, key=lambda dag: (dag not in FIRST, dag))[:MOST_EXAMPLES]


def _models(product: Product) -> Iterator[str]:
    """The models of a product; what Kling has retired stands last."""
    table = capabilities.table()
    names = dict.fromkeys(row.model for row in table.rows if row.product == product.endpoint)
    for is_retired in (False, True):
        for name in names:
            if bool(table.models[name].retired_for(product.endpoint)) is is_retired:
                yield f"*{name}*" if is_retired else f"``{name}``"


class KlingOperations(Table):
    """Every operation of Kling's API, and what reaches it."""

    head = ("Operation", "What it is", "Reached by")
    widths = "44 28 28"

    def rows(self) -> Iterator[tuple[str, ...]]:
        """Read ``operations.yaml``."""
        for row in yaml.safe_load(LIST.read_text("utf-8"))["operations"]:
            yield f"``{row['call']}``", row["what"], _reference(row["by"])


def _reference(name: str) -> str:
    if not name.startswith("KlingHook."):
        if not hasattr(operators, name):
            return "nothing yet"
        return f":class:`~airflow_provider_kling.operators.{name}`"
    room, _, method = name.removeprefix("KlingHook.").partition(".")
    home = f"{HOMES[room]}.{method}" if method else f"hooks.KlingHook.{room}"
    return f":meth:`{name.removeprefix('KlingHook.')} <airflow_provider_kling.{home}>`"


def setup(app: Sphinx) -> dict[str, bool]:
    """Add the tables."""
    app.add_directive("kling-products", KlingProducts)
    app.add_directive("kling-operations", KlingOperations)
    return {"parallel_read_safe": True}
