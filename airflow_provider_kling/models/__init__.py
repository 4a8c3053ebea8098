"""
Kling's nouns, frozen: one shape for both API generations.

The codecs in :mod:`airflow_provider_kling.api` read Kling's answers into these; nothing here knows HTTP or Airflow.
"""

from __future__ import annotations

from airflow_provider_kling.models.results import (
    KINDS,
    Audio,
    Element,
    Face,
    Image,
    Link,
    Result,
    Segment,
    Video,
    Voice,
)
from airflow_provider_kling.models.task import (
    RESULT_SECONDS,
    SUBMISSION_KEY,
    TIME_LIMIT,
    BatchRecord,
    BatchSummary,
    Deduction,
    FileRecord,
    Manifest,
    ResourcePack,
    Selection,
    Submission,
    Task,
    TaskStatus,
    grouped,
    results_expired,
)

__all__ = [
    "KINDS",
    "RESULT_SECONDS",
    "SUBMISSION_KEY",
    "TIME_LIMIT",
    "Audio",
    "BatchRecord",
    "BatchSummary",
    "Deduction",
    "Element",
    "Face",
    "FileRecord",
    "Image",
    "Link",
    "Manifest",
    "ResourcePack",
    "Result",
    "Segment",
    "Selection",
    "Submission",
    "Task",
    "TaskStatus",
    "Video",
    "Voice",
    "grouped",
    "results_expired",
]
