"""
Kling's nouns, frozen: one shape for both API generations.

The codecs in :mod:`airflow_provider_kling.api` read Kling's answers into these; nothing here knows HTTP or Airflow.
"""

from __future__ import annotations

import dataclasses
from enum import StrEnum
from typing import Any


class TaskStatus(StrEnum):
    """
    The four states of a task; there is no other, and no percentage.

    The new generation says ``succeeded`` for ``succeed``, relays have words of their own; the codec translates.
    Source: task pages of https://kling.ai/document-api.
    """

    SUBMITTED = "submitted"
    PROCESSING = "processing"
    SUCCEED = "succeed"
    FAILED = "failed"

    @property
    def is_terminal(self) -> bool:
        """Whether Kling has finished with the task, one way or the other."""
        return self in (TaskStatus.SUCCEED, TaskStatus.FAILED)


@dataclasses.dataclass(frozen=True)
class Video:
    """
    One finished video. Its links are signed, so they are not shown where it is printed.

    :param id: Kling's id of the video, not of the task; empty when it has none.
    :param url: signed link; dies 30 days after the task ended.
    :param duration: seconds as Kling measures them, a decimal string such as ``"5.041"``, or empty.
    :param watermark_url: the watermarked twin, when one was asked for.
    """

    id: str
    url: str = dataclasses.field(repr=False)
    duration: str = ""
    watermark_url: str = dataclasses.field(default="", repr=False)


@dataclasses.dataclass(frozen=True)
class Task:
    """
    One paid job at Kling.

    :param task_id: Kling's id, a string of digits; a relay's may hold letters, ``_`` and ``-`` too.
    :param status: where the task stands.
    :param endpoint: the product it belongs to, for example ``image2video``.
    :param message: Kling's reason when it failed, else empty.
    :param external_task_id: our id for it; what makes a submission repeatable.
    :param created_at: when Kling accepted it, epoch milliseconds.
    :param updated_at: when its status last changed, epoch milliseconds.
    :param units: what it cost, as Kling says it (a finite decimal string); empty while it runs.
    :param cash: what was taken from the balance of a post-paid account, likewise.
    :param videos: the results; empty until it has succeeded.
    :param request_id: Kling's support handle of the answer that this was read from.
    """

    task_id: str
    status: TaskStatus
    endpoint: str
    message: str = ""
    external_task_id: str = ""
    created_at: int = 0
    updated_at: int = 0
    units: str = ""
    cash: str = ""
    videos: tuple[Video, ...] = ()
    request_id: str = ""

    def manifest(self, *, model_name: str = "") -> dict[str, Any]:
        """
        Return what goes through XCom: small, JSON, without secrets.

        :param model_name: the model that was asked for; Kling's answers do not repeat it.
        """
        return {
            "task_id": self.task_id,
            "external_task_id": self.external_task_id,
            "status": self.status.value,
            "endpoint": self.endpoint,
            "model_name": model_name,
            "created_at": self.created_at,
            "updated_at": self.updated_at,
            "units": self.units,
            "cash": self.cash,
            "videos": [dataclasses.asdict(video) for video in self.videos],
            "request_id": self.request_id,
        }


#: Seconds that Kling keeps a result: links expire within 2 s of the update time and 30 days (measured on real
#: accounts, 2026).
RESULT_SECONDS = 30 * 86_400


def results_expired(task: Task, now: float) -> bool:
    """
    Whether Kling has deleted a task's results, so that the links in its answer are dead.

    :param task: as Kling reports it; one without a time of its end is not known to be old.
    :param now: epoch seconds.
    """
    return task.status is TaskStatus.SUCCEED and 0 < task.updated_at < (now - RESULT_SECONDS) * 1000


@dataclasses.dataclass(frozen=True)
class ResourcePack:
    """
    A prepaid pack of units, as ``GET /account/costs`` lists it.

    :param name: for example ``Trial-Video-100Units-5Con-1Months``; ``NCon`` is the number of slots.
    :param status: ``toBeOnline``, ``online``, ``expired`` or ``runOut``.
    :param total_quantity: units bought.
    :param remaining_quantity: units left; up to 12 hours late.
    :param invalid_time: when it expires, epoch milliseconds.
    """

    name: str
    status: str
    total_quantity: float
    remaining_quantity: float
    invalid_time: int = 0
