"""The products that make a video: one row each."""

from __future__ import annotations

import dataclasses

from airflow_provider_kling.products import convert
from airflow_provider_kling.products.fields import choice_field, named_fields
from airflow_provider_kling.products.product import COMMON_FIELDS, Product

#: A live model; the API's own default, kling-v1, was retired on 2026-09-15.
DEFAULT_MODEL = "kling-v3"

_SHARED_FIELDS = (
    *("model_name", "prompt", "negative_prompt", "mode", "resolution", "duration", "sound", "cfg_scale"),
    *("multi_shot", "shot_type", "multi_prompt", "voice_list", "camera_control"),
)
_SHARED_RULES = (
    *("scalars.shapes", "scalars.callback_url", "scalars.cfg_scale", "scalars.lengths"),
    "scalars.templates",
    *("shots.shots", "shots.references", "elements.voices", "camera.camera"),
)

#: The second generation's word for ``mode``, which any model takes here.
RESOLUTION = choice_field("resolution", tuple(convert.RESOLUTIONS.values()), convert.resolution)

# Paths: https://kling.ai/document-api. Times: averages that ComfyUI's Kling nodes publish, read 2026-11.

IMAGE2VIDEO = Product(
    "image2video",
    "/v1/videos/image2video",
    fields=named_fields(
        *_SHARED_FIELDS,
        *("image", "image_tail", "element_list", "static_mask", "dynamic_masks", "watermark_info"),
        *COMMON_FIELDS,
        resolution=RESOLUTION,
    ),
    rules=(
        *("frames.image_given", "frames.exclusions", "frames.contents", "frames.masks"),
        *("elements.elements", "shots.prompt_with_image"),
        *_SHARED_RULES,
    ),
    default_model=DEFAULT_MODEL,
    typical_seconds=164,
    unsent={
        "aspect_ratio": "image2video has no such field, the video follows the image; crop the image, or send the field "
        "to a relay that takes it with extra_body"
    },
    counterpart="image-to-video",
)

TEXT2VIDEO = Product(
    "text2video",
    "/v1/videos/text2video",
    fields=named_fields(*_SHARED_FIELDS, "aspect_ratio", "watermark_info", *COMMON_FIELDS, resolution=RESOLUTION),
    rules=("shots.prompt_needed", *_SHARED_RULES),
    default_model=DEFAULT_MODEL,
    typical_seconds=319,
    counterpart="text-to-video",
)

#: The same products in the second generation of the API: the model is part of the path, and tasks are read elsewhere.
IMAGE_TO_VIDEO = dataclasses.replace(
    IMAGE2VIDEO,
    endpoint="image-to-video",
    path="/image-to-video",
    default_model="kling-3.0",
    generation="v2",
    counterpart="image2video",
)

TEXT_TO_VIDEO = dataclasses.replace(
    TEXT2VIDEO,
    endpoint="text-to-video",
    path="/text-to-video",
    default_model="kling-3.0",
    generation="v2",
    counterpart="text2video",
)

PRODUCTS = (IMAGE2VIDEO, TEXT2VIDEO, IMAGE_TO_VIDEO, TEXT_TO_VIDEO)
