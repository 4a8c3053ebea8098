"""Parts of a task's answer that both generations of the API word alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_kling.exceptions import KlingResponseError, particulars
from airflow_provider_kling.foreign import foreign_text
from airflow_provider_kling.models import Video

if TYPE_CHECKING:
    from collections.abc import Mapping


def read_video(item: Mapping[str, Any]) -> Video:
    """
    Read one result.

    :param item: an entry of ``videos``, or of ``outputs`` in the new generation.
    """
    return Video(
        id=str(item.get("id") or ""),
        url=str(item.get("url") or ""),
        duration=str(item.get("duration") or ""),
        watermark_url=str(item.get("watermark_url") or ""),
    )


def unknown_status(word: str, task_id: str) -> KlingResponseError:
    """
    Return the error for a status that Kling does not document; it must not pass for an end.

    :param word: the status.
    :param task_id: the task.
    """
    shown = foreign_text(word, 40)
    return KlingResponseError(
        f"Look at the task in Kling's console: its status is not known here. The unknown status {shown!r} is no end; "
        f"the task may still run and be billed.{particulars(kling_task_id=task_id)}",
        http_status=200,
        kling_task_id=task_id,
        transient=False,
    )
