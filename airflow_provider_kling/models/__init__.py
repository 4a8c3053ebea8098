"""
Frozen data classes for Kling's responses, the same for both API generations.

The codecs in :mod:`airflow_provider_kling.api` read Kling's responses into these; nothing here knows HTTP or Airflow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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
    FileRecord,
    Manifest,
    Submission,
    Task,
    TaskStatus,
    group_results,
    is_time,
    results_expired,
    stored_model,
)

if TYPE_CHECKING:
    from airflow_provider_kling.models.account import Deduction, ResourcePack, Selection

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
    "group_results",
    "is_time",
    "results_expired",
    "stored_model",
]


def __getattr__(name: str) -> Any:
    # Each class costs a fresh process a third of a millisecond, and no task that makes a video reads these.
    if name not in ("Deduction", "ResourcePack", "Selection"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from airflow_provider_kling.models import account

    return getattr(account, name)
