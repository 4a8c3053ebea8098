"""The products that make a video: one row each."""

from __future__ import annotations

from airflow_provider_kling.products.fields import named_fields
from airflow_provider_kling.products.product import COMMON_FIELDS, Product

#: A live model; the API's own default, kling-v1, was retired on 2026-09-15.
DEFAULT_MODEL = "kling-v3"

_SHARED_FIELDS = (
    *("model_name", "prompt", "negative_prompt", "mode", "duration", "sound", "cfg_scale"),
    *("multi_shot", "shot_type", "multi_prompt", "voice_list", "camera_control"),
)
_SHARED_RULES = (
    *("scalars.shapes", "scalars.callback_url", "scalars.cfg_scale", "scalars.lengths"),
    *("shots.shots", "shots.references", "elements.voices", "camera.camera"),
)


# Paths: https://kling.ai/document-api. Times: averages that ComfyUI's Kling nodes publish, read 2026-11.

IMAGE2VIDEO = Product(
    "image2video",
    "/v1/videos/image2video",
    fields=named_fields(
        *_SHARED_FIELDS,
        *("image", "image_tail", "element_list", "static_mask", "dynamic_masks", "watermark_info"),
        *COMMON_FIELDS,
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
)

TEXT2VIDEO = Product(
    "text2video",
    "/v1/videos/text2video",
    fields=named_fields(*_SHARED_FIELDS, "aspect_ratio", "watermark_info", *COMMON_FIELDS),
    rules=("shots.prompt_needed", *_SHARED_RULES),
    default_model=DEFAULT_MODEL,
    typical_seconds=319,
)
