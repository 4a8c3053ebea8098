"""
How large an input may be, by generation, model and product, as ``capabilities.yaml`` says it. Pure.

What is not certain, a model that only relays describe for example, is a warning.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_kling.products.capability_map import is_certain, table
from airflow_provider_kling.products.generations import classic_row, spoken

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_kling.products.capability_map import Model
    from airflow_provider_kling.products.problem import Severity
    from airflow_provider_kling.products.product import Product

MB = 1024 * 1024


def severity(body: Mapping[str, Any]) -> Severity:
    """
    Return how much it weighs that a request goes beyond what is known of its model.

    :param body: the canonical body.
    """
    return "error" if is_certain(body.get("model_name")) else "warning"


def image_bytes(product: Product, body: Mapping[str, Any]) -> int:
    """
    Return the bytes of the largest image that is read and sent.

    :param product: its row in either generation.
    :param body: the canonical body; its model decides.
    """
    return table().image_mb[spoken(product, body).generation] * MB


def doubtful_image_bytes(body: Mapping[str, Any]) -> int | None:
    """
    Return above which size it is doubtful that a model takes an image; ``None`` when nobody says so.

    :param body: the canonical body.
    """
    model = _model(body)
    return model.image_mb * MB if model and model.image_mb else None


def prompt_characters(product: Product, body: Mapping[str, Any], usual: int) -> int:
    """
    Return how many characters a prompt may have.

    :param product: its row in either generation.
    :param body: the canonical body.
    :param usual: where the table says no other number.
    """
    model = _model(body)
    return model.prompt.get(classic_row(product).endpoint, usual) if model else usual


def plain_durations(body: Mapping[str, Any]) -> tuple[str, ...]:
    """
    Return the only seconds that an omni video without a reference may last; empty for no such rule.

    :param body: the canonical body.
    """
    model = _model(body)
    return model.plain_durations if model else ()


def more_ratios(body: Mapping[str, Any]) -> tuple[str, ...]:
    """
    Return the proportions that a model makes besides the usual ones.

    :param body: the canonical body.
    """
    model = _model(body)
    return model.ratios if model else ()


def _model(body: Mapping[str, Any]) -> Model | None:
    name = body.get("model_name")
    return table().models.get(name) if isinstance(name, str) else None
