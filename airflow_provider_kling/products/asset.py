"""The products that make what later requests name: voices and elements, and the views that an element is made of."""

from __future__ import annotations

from typing import Any

from airflow_provider_kling.products import convert
from airflow_provider_kling.products.fields import Field, Media, Shape, choice_field, id_shape, named_fields, text_field
from airflow_provider_kling.products.product import COMMON_FIELDS, COMMON_RULES, Product

#: Views of a subject beside the frontal one.
MAX_VIEWS = 3
#: Kling's tags of elements.
TAGS = tuple(f"o_{number}" for number in range(101, 109))


def _is_images(value: Any) -> bool:
    views = value.get("refer_images") if isinstance(value, dict) and "frontal_image" in value else None
    if not isinstance(views, list) or not 1 <= len(views) <= MAX_VIEWS:
        return False
    return all(isinstance(view, dict) and "image_url" in view for view in views)


def _is_video(value: Any) -> bool:
    videos = value.get("refer_videos") if isinstance(value, dict) else None
    return isinstance(videos, list) and len(videos) == 1 and isinstance(videos[0], dict) and "video_url" in videos[0]


def _is_tags(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(tag, dict) and tag.get("tag_id") in TAGS for tag in value)


_IMAGES = Shape(_is_images, "Give frontal_image and 1 to 3 refer_images in element_image_list", "has not both")
_VIDEO = Shape(_is_video, "Give element_video_list one video", "has not exactly one")
_TAGS = Shape(_is_tags, f"Give tag_list ids from {TAGS[0]} to {TAGS[-1]}", "has others")
_FRONTAL = "element_frontal_image"

# Paths, fields and limits: pages of assets of https://kling.ai/document-api, classic API, read 2026-11. Times: measured
# by a public client in 2026-09. None of these products has a watermark.

CUSTOM_VOICE = Product(
    "custom-voices",
    "/v1/general/custom-voices",
    fields=named_fields(
        *("voice_name", "voice_url", "video_id", *COMMON_FIELDS),
        voice_name=text_field("voice_name", 20),
        voice_url=Field("voice_url", media=Media("audio")),
    ),
    rules=COMMON_RULES,
    required=("voice_name",),
    either=("voice_url", "video_id"),
    default_model="",
    typical_seconds=9,
)

CUSTOM_ELEMENT = Product(
    "advanced-custom-elements",
    "/v1/general/advanced-custom-elements",
    fields=named_fields(
        *("element_name", "element_description", "reference_type", "element_image_list", "element_video_list"),
        *("element_voice_id", "tag_list", *COMMON_FIELDS),
        element_name=text_field("element_name", 20),
        element_description=text_field("element_description", 100),
        reference_type=choice_field("reference_type", ("image_refer", "video_refer")),
        element_image_list=Field(
            "element_image_list",
            convert.element_images,
            _IMAGES,
            Media("image", keys=("frontal_image", "image_url"), max_depth=2),
        ),
        element_video_list=Field(
            "element_video_list", convert.element_videos, _VIDEO, Media("video", keys=("video_url",), max_depth=2)
        ),
        element_voice_id=Field(
            "element_voice_id", convert.id_to_text, id_shape("Give element_voice_id as the text of an id")
        ),
        tag_list=Field("tag_list", convert.list_of("tag_id"), _TAGS),
    ),
    rules=("references.sources", *COMMON_RULES),
    required=("element_name", "element_description", "reference_type"),
    default_model="",
    typical_seconds=5,
)

AI_MULTI_SHOT = Product(
    "ai-multi-shot",
    "/v1/general/ai-multi-shot",
    fields=named_fields(_FRONTAL, *COMMON_FIELDS, **{_FRONTAL: Field(_FRONTAL, media=Media("image"))}),
    rules=COMMON_RULES,
    required=(_FRONTAL,),
    default_model="",
    typical_seconds=0,
)

PRODUCTS = (CUSTOM_VOICE, CUSTOM_ELEMENT, AI_MULTI_SHOT)
