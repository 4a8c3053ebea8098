"""The products that make an image: one row each."""

from __future__ import annotations

from airflow_provider_kling.products import convert
from airflow_provider_kling.products.fields import IMAGE_RATIOS, choice_field, named_fields
from airflow_provider_kling.products.product import COMMON_FIELDS, COMMON_RULES, Product

#: Kling's own default; the models before kling-v2-1 were retired on 2026-09-15.
DEFAULT_IMAGE_MODEL = "kling-v3"
DEFAULT_OMNI_MODEL = "kling-v3-omni"
DEFAULT_MULTI_IMAGE_MODEL = "kling-v2-1"
DEFAULT_TRY_ON_MODEL = "kolors-virtual-try-on-v1-5"

_RATIO = choice_field("aspect_ratio", IMAGE_RATIOS, convert.ratio)
#: Of one image of kling-v3, measured by a public client in 2026-09.
_SECONDS = 24

# Paths, fields and limits: image pages of https://kling.ai/document-api, classic API, read 2026-11.

IMAGE_GENERATION = Product(
    "images/generations",
    "/v1/images/generations",
    fields=named_fields(
        *("model_name", "prompt", "negative_prompt", "image", "image_reference", "image_fidelity", "human_fidelity"),
        *("element_list", "resolution", "n", "aspect_ratio", "watermark_info"),
        *COMMON_FIELDS,
        aspect_ratio=_RATIO,
    ),
    rules=("shots.prompt_needed", "references.reference", "references.elements", *COMMON_RULES),
    default_model=DEFAULT_IMAGE_MODEL,
    typical_seconds=_SECONDS,
)

OMNI_IMAGE = Product(
    "omni-image",
    "/v1/images/omni-image",
    fields=named_fields(
        *("model_name", "prompt", "image_list", "element_list", "resolution", "result_type", "n", "series_amount"),
        *("aspect_ratio", "watermark_info"),
        *COMMON_FIELDS,
        resolution=choice_field("resolution", ("1k", "2k", "4k")),
        aspect_ratio=choice_field("aspect_ratio", (*IMAGE_RATIOS, "auto"), convert.ratio),
    ),
    rules=("shots.prompt_needed", "references.elements", "references.series", *COMMON_RULES),
    default_model=DEFAULT_OMNI_MODEL,
    typical_seconds=_SECONDS,
)

MULTI_IMAGE2IMAGE = Product(
    "multi-image2image",
    "/v1/images/multi-image2image",
    fields=named_fields(
        *("model_name", "prompt", "subject_image_list", "scene_image", "style_image", "n", "aspect_ratio"),
        "watermark_info",
        *COMMON_FIELDS,
        aspect_ratio=_RATIO,
    ),
    rules=COMMON_RULES,
    required=("subject_image_list",),
    default_model=DEFAULT_MULTI_IMAGE_MODEL,
    typical_seconds=_SECONDS,
)

IMAGE_EXPANSION = Product(
    "editing/expand",
    "/v1/images/editing/expand",
    fields=named_fields(
        *("image", "up_expansion_ratio", "down_expansion_ratio", "left_expansion_ratio", "right_expansion_ratio"),
        *("prompt", "n", "watermark_info"),
        *COMMON_FIELDS,
    ),
    rules=("references.expansion", *COMMON_RULES),
    required=("image", *(f"{side}_expansion_ratio" for side in ("up", "down", "left", "right"))),
    default_model="",
    typical_seconds=_SECONDS,
)

VIRTUAL_TRY_ON = Product(
    "kolors-virtual-try-on",
    "/v1/images/kolors-virtual-try-on",
    fields=named_fields("model_name", "human_image", "cloth_image", *COMMON_FIELDS),
    rules=COMMON_RULES,
    required=("human_image", "cloth_image"),
    notice="Check that Kling still serves try-on: its end was announced for 2026-09-15, and sources disagree whether "
    "it came (a probe of 2026-09-28 was answered).",
    default_model=DEFAULT_TRY_ON_MODEL,
    typical_seconds=_SECONDS,
)

# The response holds the parts, and no task; 0.1 units in Kling's example of a response.
IMAGE_RECOGNITION = Product(
    "image-recognize",
    "/v1/videos/image-recognize",
    fields=named_fields("image"),
    rules=COMMON_RULES,
    required=("image",),
    default_model="",
    typical_seconds=0,
    answers="result",
)

PRODUCTS = (IMAGE_GENERATION, OMNI_IMAGE, MULTI_IMAGE2IMAGE, IMAGE_EXPANSION, VIRTUAL_TRY_ON, IMAGE_RECOGNITION)
