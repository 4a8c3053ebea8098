"""Every product that this package speaks, by its endpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_kling.exceptions import KlingConfigurationError
from airflow_provider_kling.products import asset, audio, clip, face, image, solution, video
from airflow_provider_kling.products.formatting import did_you_mean
from airflow_provider_kling.utils.untrusted import clean_text

if TYPE_CHECKING:
    from airflow_provider_kling.products.product import Product

_ROWS: tuple[Product, ...] = tuple(
    row for family in (video, clip, face, image, audio, asset, solution) for row in family.PRODUCTS
)

PRODUCTS = {row.endpoint: row for row in _ROWS if not row.is_made_for_another}

#: The same products in the second generation: where their tasks are made and read. Asked for are the classic ones.
V2_PRODUCTS = {row.endpoint: row for row in _ROWS if row.is_made_for_another}


def product_of(endpoint: str) -> Product:
    """
    Return the product with this name.

    :raises KlingConfigurationError: when there is none.
    """
    try:
        return PRODUCTS[endpoint] if endpoint in PRODUCTS else V2_PRODUCTS[endpoint]
    except (KeyError, TypeError):
        known = ", ".join(sorted(PRODUCTS))
        raise KlingConfigurationError(
            f"Use an endpoint that exists{did_you_mean(endpoint, PRODUCTS)}. {clean_text(endpoint, 80)!r} does not; "
            f"use one of: {known}."
        ) from None
