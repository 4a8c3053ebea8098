"""
How large an input may be, by generation, model and product, as ``capabilities.yaml`` says it. Pure.

Where a limit is not certain, for example of a model that only relays describe, going beyond it is a warning.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_kling.products.capability_map import is_certain, table
from airflow_provider_kling.products.generations import classic_product, serving_product

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_kling.products.capability_map import Model
    from airflow_provider_kling.products.problem import Severity
    from airflow_provider_kling.products.product import Product

MB = 1024 * 1024


def severity(body: Mapping[str, Any]) -> Severity:
    """
    Return the severity of a problem with a limit of the request's model.

    :param body: the canonical body.
    """
    return "error" if is_certain(body.get("model_name")) else "warning"


def image_bytes(product: Product, body: Mapping[str, Any]) -> int:
    """
    Return the bytes of the largest image that is read and sent.

    :param product: its row in either generation.
    :param body: the canonical body; its model decides.
    """
    return table().image_mb[serving_product(product, body).generation] * MB


def uncertain_image_bytes(body: Mapping[str, Any]) -> int | None:
    """
    Return the size above which it is not certain that a model takes an image; ``None`` when there is none.

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
    return model.prompt.get(classic_product(product).endpoint, usual) if model else usual


def plain_durations(body: Mapping[str, Any]) -> tuple[str, ...]:
    """
    Return the only seconds that an omni video without a reference may last; empty for no such rule.

    :param body: the canonical body.
    """
    model = _model(body)
    return model.plain_durations if model else ()


def extra_ratios(body: Mapping[str, Any]) -> tuple[str, ...]:
    """
    Return the proportions that a model makes besides the usual ones.

    :param body: the canonical body.
    """
    model = _model(body)
    return model.ratios if model else ()


def _model(body: Mapping[str, Any]) -> Model | None:
    name = body.get("model_name")
    return table().models.get(name) if isinstance(name, str) else None
