"""The products that find a face in a video and let it speak: one row each."""

from __future__ import annotations

from typing import Any

from airflow_provider_kling.products import convert
from airflow_provider_kling.products.fields import Field, Media, Shape, named_fields
from airflow_provider_kling.products.product import COMMON_FIELDS, COMMON_RULES, Product

#: Seconds of a lip sync: an average that ComfyUI's Kling nodes publish, read 2026-11.
_SECONDS = 455


def _is_one_call(value: Any) -> bool:
    if not isinstance(value, dict) or ("video_id" in value) is ("video_url" in value):
        return False
    return sum(name in value for name in ("text", "audio_url", "audio_file")) == 1


# Paths, fields and limits: lip sync pages of https://kling.ai/document-api, classic API, read 2026-11.

# The response holds a session, which lives a day, and no task; 0.05 units in Kling's example of a response.
IDENTIFY_FACE = Product(
    "identify-face",
    "/v1/videos/identify-face",
    fields=named_fields("video_id", "video_url"),
    rules=COMMON_RULES,
    either=("video_id", "video_url"),
    default_model="",
    typical_seconds=0,
    answers="result",
)

LIP_SYNC = Product(
    "advanced-lip-sync",
    "/v1/videos/advanced-lip-sync",
    fields=named_fields("session_id", "face_choose", "watermark_info", *COMMON_FIELDS),
    rules=("faces.faces", *COMMON_RULES),
    required=("session_id", "face_choose"),
    default_model="",
    typical_seconds=_SECONDS,
)

# The older page; a public client was answered on 2026-09-28. No watermark.
ONE_CALL_LIP_SYNC = Product(
    "lip-sync",
    "/v1/videos/lip-sync",
    fields=named_fields(
        *("input", *COMMON_FIELDS),
        input=Field(
            "input",
            convert.lip_sync,
            Shape(_is_one_call, "Give input one video, and a text, audio_url or audio_file", "has not one of each"),
            Media("video", keys=("video_url", "audio_url", "audio_file"), sounds=("audio_file",)),
        ),
    ),
    rules=("faces.spoken", *COMMON_RULES),
    required=("input",),
    default_model="",
    typical_seconds=_SECONDS,
)

PRODUCTS = (IDENTIFY_FACE, LIP_SYNC, ONE_CALL_LIP_SYNC)
