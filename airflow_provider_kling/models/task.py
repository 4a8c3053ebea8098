"""A task as Kling reports it, and its manifest."""

from __future__ import annotations

import dataclasses
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypedDict, TypeGuard, TypeVar

from airflow_provider_kling.models.results import (
    Result,
    Video,
)
from airflow_provider_kling.utils.untrusted import clean_text

if TYPE_CHECKING:
    from collections.abc import Iterable

R = TypeVar("R", bound=Result)

#: No point in time is this many epoch seconds or more: the year 10000, which Python's dates do not have.
TIME_LIMIT = 253_402_300_800


#: The most characters of a model's name that are stored; Kling's have less than 40.
MODEL_CHARACTERS = 80


def stored_model(value: Any) -> str:
    """
    Return the name of a model as XComs, trigger arguments and manifests hold it.

    With ``validate="off"`` a request may name anything. What is stored must fit: on MySQL the arguments of a trigger
    have 64 kB, and a deferral that fails there fails a paid task.

    :param value: what the request names.
    """
    return clean_text(value or "", MODEL_CHARACTERS)


def is_time(value: Any, *, per_second: int = 1) -> TypeGuard[float]:
    """
    Whether a value is a point in time that can be shown: a number from 1970 to the year 9999.

    :param value: anything; the comparison holds for whole numbers that are too large for a float, and is false for NaN.
    :param per_second: 1 for epoch seconds, 1000 for epoch milliseconds.
    """
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return is_number and 0 <= value < per_second * TIME_LIMIT


class TaskStatus(StrEnum):
    """
    The four states of a task; there is no other, and no percentage.

    The second generation says ``succeeded`` for ``succeed``, relays have words of their own; the codec translates.
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


class FileRecord(TypedDict, total=False):
    """
    A stored result in a manifest: ``bytes`` is its size, ``duration`` in seconds, 0 for what does not play.

    A picture has ``width`` and ``height`` in pixels; a video may have ``poster``, the URI of a picture of it.
    A twin with the watermark has ``watermark: True`` and comes after those without.
    """

    uri: str
    bytes: int
    sha256: str
    content_type: str
    duration: float
    width: int
    height: int
    poster: str
    watermark: bool


class Manifest(TypedDict, total=False):
    """
    What a finished task returns through XCom. Its results stand under Kling's word for their kind.

    Times are epoch milliseconds, units and cash decimal strings, as Kling gives them; ``files`` is there when the
    results were stored.
    """

    task_id: str
    external_task_id: str
    status: str
    endpoint: str
    model_name: str
    created_at: int
    updated_at: int
    units: str
    cash: str
    videos: list[dict[str, Any]]
    images: list[dict[str, Any]]
    audios: list[dict[str, Any]]
    voices: list[dict[str, Any]]
    elements: list[dict[str, Any]]
    faces: list[dict[str, Any]]
    segments: list[dict[str, Any]]
    request_id: str
    files: list[FileRecord]


#: XCom in which a task leaves its :class:`Submission`.
SUBMISSION_KEY = "submission"


class Submission(TypedDict):
    """
    What a task leaves in an XCom when Kling has accepted it, for its page.

    Times are epoch milliseconds, ``None`` where they are not known: ``slot_since`` when it first found no slot,
    ``submitted_at`` when this try sent it, ``accepted_at`` as Kling says. ``adopted`` is whether an earlier submission
    was found instead, ``estimate`` what it costs by the price list, in words.
    """

    external_task_id: str
    endpoint: str
    model_name: str
    slot_since: int | None
    submitted_at: int | None
    accepted_at: int | None
    adopted: bool
    estimate: str


class BatchRecord(TypedDict, total=False):
    """
    One line of a batch's manifest: one item.

    ``status`` is ``waiting``, ``running``, ``storing``, ``succeed``, ``failed`` or ``stopped``; ``error`` says why
    there is no result, as ``{"error", "code", "message", "permanent", "at"}``.
    """

    key: str
    status: str
    external_task_id: str
    task_id: str | None
    units: str
    cash: str
    videos: list[dict[str, Any]]
    images: list[dict[str, Any]]
    audios: list[dict[str, Any]]
    voices: list[dict[str, Any]]
    elements: list[dict[str, Any]]
    files: list[FileRecord]
    error: dict[str, Any] | None


class BatchSummary(TypedDict, total=False):
    """
    What a finished batch returns through XCom: how many items are where, and what they cost.

    ``stopped_by`` is ``None`` when nothing stopped it.
    """

    batch_id: str
    manifest_uri: str
    items: int
    done: int
    failed: int
    running: int
    stopped: int
    stopped_by: str | None
    units: float
    cash: float


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
    :param results: what it made; empty until it has succeeded.
    :param request_id: Kling's ``request_id`` of the response that this was read from.
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
    results: tuple[Result, ...] = ()
    request_id: str = ""

    def of_kind(self, kind: type[R]) -> tuple[R, ...]:
        """
        Return its results of one kind.

        :param kind: for example :class:`Video`.
        """
        return tuple(result for result in self.results if isinstance(result, kind))

    @property
    def videos(self) -> tuple[Video, ...]:
        """Its videos."""
        return self.of_kind(Video)

    @property
    def link(self) -> str:
        """The link of its first file, or nothing."""
        return next((link.url for result in self.results for link in result.links), "")

    def manifest(self, *, model_name: str = "") -> Manifest:
        """
        Return what goes through XCom: small, JSON, without secrets.

        :param model_name: the model that was asked for; Kling's responses do not repeat it.
        """
        manifest: Manifest = {
            "task_id": self.task_id,
            "external_task_id": self.external_task_id,
            "status": self.status.value,
            "endpoint": self.endpoint,
            "model_name": stored_model(model_name),
            "created_at": self.created_at,
            "updated_at": self.updated_at,
            "units": self.units,
            "cash": self.cash,
            **group_results(self.results),  # type: ignore[typeddict-item]
            "request_id": self.request_id,
        }
        return manifest


def group_results(results: Iterable[Result]) -> dict[str, list[dict[str, Any]]]:
    """
    Return results as they stand in a manifest, under Kling's word for their kind.

    :param results: of one task; one that has none has no ``videos``.
    """
    groups: dict[str, list[dict[str, Any]]] = {}
    for result in results:
        groups.setdefault(result.group, []).append(dict(vars(result)))
    return groups or {Video.group: []}


#: Seconds that Kling keeps a result: links expire within 2 s of the update time and 30 days (measured on real
#: accounts, 2026).
RESULT_SECONDS = 30 * 86_400


def results_expired(task: Task, now: float) -> bool:
    """
    Whether Kling has deleted a task's results, so that the links in its response are dead.

    :param task: as Kling reports it; one without a time of its end is not known to be old.
    :param now: epoch seconds.
    """
    return task.status is TaskStatus.SUCCEED and 0 < task.updated_at < (now - RESULT_SECONDS) * 1000
