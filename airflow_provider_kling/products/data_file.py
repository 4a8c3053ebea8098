"""The tables that this package ships as YAML, read in one way."""

from __future__ import annotations

from importlib import resources
from typing import Any


def read_data(name: str) -> dict[str, Any]:
    """
    Return the content of a file that stands beside this module; callers keep it.

    :param name: for example ``prices.yaml``.
    """
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    text = resources.files("airflow_provider_kling.products").joinpath(name).read_text("utf-8")
    data: dict[str, Any] = yaml.load(text, Loader=loader)  # noqa: S506 - both loaders are safe ones
    return data
