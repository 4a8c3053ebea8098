"""The products that make a sound: one row each."""

from __future__ import annotations

from airflow_provider_kling.products import convert
from airflow_provider_kling.products.fields import named_fields, number_field, text_field
from airflow_provider_kling.products.product import COMMON_FIELDS, COMMON_RULES, Product

# Paths, fields and limits: audio pages of https://kling.ai/document-api, classic API, read 2026-11. What text to speech
# makes stands in the response to its POST; it has neither external_task_id nor callback_url, and no page says that its
# tasks can be read.

TEXT_TO_SPEECH = Product(
    "tts",
    "/v1/audio/tts",
    fields=named_fields("text", "voice_id", "voice_language", "voice_speed"),
    rules=COMMON_RULES,
    required=("text", "voice_id", "voice_language"),
    default_model="",
    typical_seconds=0,
    answers="at once",
)

TEXT_TO_AUDIO = Product(
    "text-to-audio",
    "/v1/audio/text-to-audio",
    fields=named_fields(
        *("prompt", "duration", *COMMON_FIELDS),
        prompt=text_field("prompt", 200),
        # The one duration with a fraction.
        duration=number_field("duration", 3, 10)._replace(convert=convert.seconds),
    ),
    rules=COMMON_RULES,
    required=("prompt", "duration"),
    default_model="",
    typical_seconds=0,
)

VIDEO_TO_AUDIO = Product(
    "video-to-audio",
    "/v1/audio/video-to-audio",
    fields=named_fields(
        *("video_id", "video_url", "sound_effect_prompt", "bgm_prompt", "asmr_mode", "watermark_info", *COMMON_FIELDS),
    ),
    rules=COMMON_RULES,
    either=("video_id", "video_url"),
    default_model="",
    typical_seconds=0,
)

PRODUCTS = (TEXT_TO_SPEECH, TEXT_TO_AUDIO, VIDEO_TO_AUDIO)
