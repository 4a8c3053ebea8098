"""The words that a batch's :mod:`reconciler <airflow_provider_kling.batch.reconcile>` and its driver share."""

from __future__ import annotations

import dataclasses
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from airflow_provider_kling.exceptions import KlingError
    from airflow_provider_kling.models import Task

Reason = Literal["done", "max_units", "item_failure", "refused", "timeout"]


class Phase(StrEnum):
    """Where an item stands."""

    WAITING = "waiting"
    SENDING = "sending"
    DOUBT = "doubt"
    LOOKING = "looking"
    RUNNING = "running"
    SUCCEED = "succeed"
    STORING = "storing"
    STORED = "stored"
    FAILED = "failed"


@dataclasses.dataclass(frozen=True)
class Desired:
    """
    One video that is wanted.

    :param key: the item's name.
    :param external_task_id: id of its first attempt.
    """

    key: str
    external_task_id: str


@dataclasses.dataclass(frozen=True)
class Policy:
    """
    How far a batch may go.

    :param concurrency: tasks at Kling at once, at most.
    :param started_at: when this run of the batch began, epoch seconds; what failed before may be tried again.
    :param end_time: deadline, epoch seconds.
    :param item_retries: further attempts for an item that Kling reported failed for a reason that may pass.
    :param max_units: no submission that would bring the batch above this.
    :param units_per_item: what one costs; default is the mean of those that have ended.
    :param stop_on_failure: whether a failed item ends all further submissions.
    """

    concurrency: int
    started_at: float
    end_time: float
    item_retries: int = 1
    max_units: float | None = None
    units_per_item: float | None = None
    stop_on_failure: bool = False


@dataclasses.dataclass(frozen=True)
class Failure:
    """
    Why an item has no video.

    :param error: name of the error's class.
    :param code: Kling's code, if it gave one.
    :param message: one sentence.
    :param permanent: whether another attempt would meet it again.
    :param at: epoch seconds.
    """

    error: str
    code: int | None
    message: str
    permanent: bool
    at: float

    @classmethod
    def of(cls, error: KlingError, at: float) -> Failure:
        """Describe an error."""
        return cls(type(error).__name__, getattr(error, "code", None), error.message, not error.transient, at)


@dataclasses.dataclass(frozen=True)
class Submit:
    """Drive the pay-once protocol. Answer: ``seen`` or ``not_submitted``."""

    key: str
    look_up_first: bool


@dataclasses.dataclass(frozen=True)
class Look:
    """Find out whether a doubtful submission arrived, without sending it. Answer: ``seen``, ``absent``, ``unseen``."""

    key: str
    external_task_id: str


@dataclasses.dataclass(frozen=True)
class Watch:
    """Wait for this task to end. Answer: ``seen`` or ``unreadable``."""

    key: str
    task: Task


@dataclasses.dataclass(frozen=True)
class Store:
    """Copy this task's results, read anew if ``fresh``. Answer: ``stored`` or ``not_stored``."""

    key: str
    task: Task
    fresh: bool


@dataclasses.dataclass(frozen=True)
class Wait:
    """Ask again after this many seconds, or when something was learned."""

    seconds: float


@dataclasses.dataclass(frozen=True)
class Finish:
    """
    End: nothing is under way here any more.

    :param reason: why no more is done.
    :param failure: of the whole batch, when Kling refused the account.
    """

    reason: Reason
    failure: Failure | None = None


Action = Submit | Look | Watch | Store | Wait | Finish
