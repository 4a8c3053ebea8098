"""The products that make a sound: one row each."""

from __future__ import annotations

from airflow_provider_kling.products.fields import named_fields
from airflow_provider_kling.products.product import Product

# Paths, fields and limits: audio pages of https://kling.ai/document-api, classic API, read 2026-11. What text to speech
# makes stands in the answer to its POST; it has neither external_task_id nor callback_url, and no page says that its
# tasks can be read.

TEXT_TO_SPEECH = Product(
    "tts",
    "/v1/audio/tts",
    fields=named_fields("text", "voice_id", "voice_language", "voice_speed"),
    rules=("scalars.required", "scalars.shapes", "scalars.lengths"),
    required=("text", "voice_id", "voice_language"),
    default_model="",
    typical_seconds=0,
    answers="at once",
)
