"""Loads the products from the rows of ``data/products/``."""

from __future__ import annotations

from functools import partial
from importlib import resources
from typing import Any, Final

import yaml

from airflow_provider_kling.simulator.outputs import RESULTS, video_result
from airflow_provider_kling.simulator.products import v2
from airflow_provider_kling.simulator.products.classic import task_request
from airflow_provider_kling.simulator.products.product import Product
from airflow_provider_kling.simulator.products.row import Row

FILES: Final = ("images", "audio", "videos", "sessions", "assets")


def read_products() -> dict[str, Product]:
    """Every classic product that is a row, by name."""
    tables = [yaml.safe_load(_text(name))["products"] for name in FILES]
    return {name: _product(name, row) for table in tables for name, row in table.items()}


def read_v2_products() -> dict[str, Product]:
    """Every function of the second generation with each of its models, by name."""
    rows = yaml.safe_load(_text("v2"))["products"]
    return {
        name: Product(
            path=f"/{name}",
            validate=partial(v2.task_request, name, row),
            result=video_result,
            usual_seconds=row["usual_seconds"],
            reads=False,
            is_v2=True,
            aliases=tuple(f"/{alias}" for alias in row.get("aliases", ())),
        )
        for name, row in rows.items()
    }


def _text(name: str) -> str:
    folder = resources.files("airflow_provider_kling.simulator").joinpath("data/products")
    return folder.joinpath(f"{name}.yaml").read_text(encoding="utf-8")


def _product(name: str, values: dict[str, Any]) -> Product:
    row = Row.from_row(name, values)
    return Product(
        path=row.path,
        aliases=row.aliases,
        validate=partial(task_request, row),
        result=RESULTS[row.result],
        usual_seconds=row.usual_seconds,
        reads=row.reads,
        is_task=row.is_task,
        watermark=row.watermark,
        retired=row.retired,
        max_page=row.max_page,
    )
