"""Reads the rows of ``data/products/`` into products."""

from __future__ import annotations

from functools import partial
from importlib import resources
from typing import Any, Final

import yaml

from airflow_provider_kling.simulator.outputs import RESULTS
from airflow_provider_kling.simulator.products.orders import order
from airflow_provider_kling.simulator.products.product import Product
from airflow_provider_kling.simulator.products.row import Row

FILES: Final = ("images", "audio")


def read_products() -> dict[str, Product]:
    """Every product that is a row, by name."""
    folder = resources.files("airflow_provider_kling.simulator").joinpath("data/products")
    texts = [folder.joinpath(f"{name}.yaml").read_text(encoding="utf-8") for name in FILES]
    return {name: _product(name, row) for text in texts for name, row in yaml.safe_load(text)["products"].items()}


def _product(name: str, values: dict[str, Any]) -> Product:
    row = Row.from_row(name, values)
    return Product(
        path=row.path,
        validate=partial(order, row),
        result=RESULTS[row.result],
        usual_seconds=row.usual_seconds,
        reads=row.reads,
    )
