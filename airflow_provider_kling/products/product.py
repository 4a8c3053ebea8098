"""The products of Kling's API that this package speaks: a product is a row."""

from __future__ import annotations

from typing import NamedTuple

from airflow_provider_kling.exceptions import KlingConfigurationError
from airflow_provider_kling.foreign import foreign_text


class Product(NamedTuple):
    """
    One product.

    :param endpoint: its name in Kling's path and in this package, for example ``image2video``.
    :param path: where tasks are created, and below which they are read.
    :param typical_seconds: how long a task usually takes; when the first status check is worth making.
    """

    endpoint: str
    path: str
    typical_seconds: float


#: Paths: https://kling.ai/document-api. Times: averages that ComfyUI's Kling nodes publish, read 2026-11.
PRODUCTS: dict[str, Product] = {
    product.endpoint: product
    for product in (
        Product("image2video", "/v1/videos/image2video", 164),
        Product("text2video", "/v1/videos/text2video", 319),
    )
}


def product_of(endpoint: str) -> Product:
    """
    Return the product with this name.

    :raises KlingConfigurationError: when there is none.
    """
    try:
        return PRODUCTS[endpoint]
    except (KeyError, TypeError):
        known = ", ".join(sorted(PRODUCTS))
        raise KlingConfigurationError(
            f"Use an endpoint that exists. {foreign_text(endpoint, 80)!r} does not; use one of: {known}."
        ) from None
