"""The products that make an image: one row each."""

from __future__ import annotations

from airflow_provider_kling.products import convert
from airflow_provider_kling.products.fields import IMAGE_RATIOS, choice, named_fields
from airflow_provider_kling.products.product import COMMON_FIELDS, Product

#: Kling's own default; the models before kling-v2-1 were retired on 2026-09-15.
DEFAULT_IMAGE_MODEL = "kling-v3"

_SHARED_RULES = ("scalars.shapes", "scalars.callback_url", "scalars.lengths", "frames.contents")

# Paths: https://kling.ai/document-api, read 2026-11. Time: one image of kling-v3, measured by a
# public client in 2026-09.

IMAGE_GENERATION = Product(
    "images/generations",
    "/v1/images/generations",
    fields=named_fields(
        *("model_name", "prompt", "negative_prompt", "image", "image_reference", "image_fidelity", "human_fidelity"),
        *("element_list", "resolution", "n", "aspect_ratio", "watermark_info"),
        *COMMON_FIELDS,
        aspect_ratio=choice("aspect_ratio", IMAGE_RATIOS, convert.ratio),
    ),
    rules=("shots.prompt_needed", "references.reference", "references.elements", *_SHARED_RULES),
    default_model=DEFAULT_IMAGE_MODEL,
    typical_seconds=24,
)
