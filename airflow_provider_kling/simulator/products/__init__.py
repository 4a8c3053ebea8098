"""The table of products.

``image2video`` and ``text2video`` have their own validators, because many of their fields exclude each other. The
others are rows of ``data/products/``: to add one, write its row.
"""

from __future__ import annotations

from typing import Final

from airflow_provider_kling.simulator import video_fields
from airflow_provider_kling.simulator.outputs import video_result
from airflow_provider_kling.simulator.products import solutions
from airflow_provider_kling.simulator.products.product import Product
from airflow_provider_kling.simulator.products.rows import read_products, read_v2_products

__all__ = ["PATHS", "PRODUCTS", "Product"]

#: ``usual_seconds``: the times that ComfyUI (2026) shows to its users.
PRODUCTS: Final[dict[str, Product]] = (
    {
        "image2video": Product(
            path="/v1/videos/image2video",
            validate=video_fields.image2video,
            result=video_result,
            usual_seconds=164,
        ),
        "text2video": Product(
            path="/v1/videos/text2video",
            validate=video_fields.text2video,
            result=video_result,
            usual_seconds=319,
        ),
    }
    | read_products()
    | read_v2_products()
    | solutions.PRODUCTS
)

#: Names of products by path.
PATHS: Final[dict[str, str]] = {
    path: name for name, product in PRODUCTS.items() for path in (product.path, *product.aliases)
}
