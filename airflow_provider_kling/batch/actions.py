"""The types that a batch's :mod:`reconciler <airflow_provider_kling.batch.reconciler>` and its driver share."""

from __future__ import annotations

import dataclasses
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

from airflow_provider_kling.exceptions import KlingConnectionError
from airflow_provider_kling.utils import backoff

if TYPE_CHECKING:
    from airflow_provider_kling.exceptions import KlingError
    from airflow_provider_kling.models import Task

Reason = Literal["done", "max_units", "item_failure", "refused", "timeout"]


class ImageUnavailableError(KlingConnectionError):
    """An item's image cannot be read now; the item was not sent."""


class Phase(StrEnum):
    """The phase of an item."""

    WAITING = "waiting"
    SENDING = "sending"
    DOUBT = "doubt"
    LOOKING = "looking"
    RUNNING = "running"
    SUCCEED = "succeed"
    STORING = "storing"
    STORED = "stored"
    FAILED = "failed"


@dataclasses.dataclass(frozen=True, slots=True)
class Desired:
    """
    One video that is wanted.

    :param key: the item's name.
    :param external_task_id: id of its first attempt.
    :param pool: number of its pool of slots, see :mod:`airflow_provider_kling.batch.kinds`.
    """

    key: str
    external_task_id: str
    pool: int = 0


#: Submissions under way at once, and results that are copied at once, unless the Dag says otherwise; a thread each.
DEFAULT_THREADS = 4

#: Results for each storing thread that may wait before submissions pause. With a storage that is slower than Kling
#: they would pile up until their links die.
MAX_BACKLOG_PER_THREAD = 50

#: Seconds after the deadline in which threads may end their work; a thread that hangs is not waited for any longer.
GRACE_PERIOD = 300.0


@dataclasses.dataclass(frozen=True)
class Pace:
    """
    The pauses and bounds of a batch; times in seconds.

    :param first_pause: before a failed step is repeated; doubled each time.
    :param max_pause: the longest of those pauses.
    :param patience: for which refusals that may pass are met without a success, before submissions stop.
    :param grace_period: after the deadline, for threads to end their work.
    :param tick: after which the loop decides again even when nothing happened.
    :param manifest_every: between two manifests, at least.
    :param lines_per_second: of manifests, at most: only whole files can be written, so a long one is written rarely.
    :param progress_every: between two progress reports at first; longer in a long batch.
    :param fence_every: between two checks that no newer trigger works on the batch.
    :param lookup_concurrency: doubtful submissions that are looked up at once, a thread each.
    """

    first_pause: float = 2.0
    max_pause: float = 60.0
    patience: float = 600.0
    grace_period: float = GRACE_PERIOD
    tick: float = 1.0
    manifest_every: float = 5.0
    lines_per_second: float = 1000.0
    progress_every: float = 10.0
    fence_every: float = 5.0
    lookup_concurrency: int = 2

    def pause(self, times: int) -> float:
        """
        Return how long to wait before the next try.

        :param times: how often it failed, from 1.
        """
        return backoff.exponential(times, first=self.first_pause, longest=self.max_pause)


@dataclasses.dataclass(frozen=True)
class Policy:
    """
    The limits of a batch.

    :param concurrency: tasks at Kling at once, at most.
    :param submit_concurrency: submissions under way at once; each holds a thread for as long as Kling takes to respond.
    :param store_concurrency: results that are copied at once, a thread each.
    :param started_at: when this run of the batch began, epoch seconds; items that failed before may be tried again.
    :param end_time: deadline, epoch seconds.
    :param item_retries: further attempts for an item that Kling reported failed for a reason that may pass.
    :param max_units: the most units that the batch may cost.
    :param units_per_item: cost of one item; default is the mean of those that have ended.
    :param stop_on_failure: whether a failed item ends all further submissions.
    :param pace: pauses and bounds.
    """

    concurrency: int
    started_at: float
    end_time: float
    submit_concurrency: int = DEFAULT_THREADS
    store_concurrency: int = DEFAULT_THREADS
    item_retries: int = 1
    max_units: float | None = None
    units_per_item: float | None = None
    stop_on_failure: bool = False
    pace: Pace = Pace()


@dataclasses.dataclass(frozen=True)
class Failure:
    """
    Why an item has no video, or not yet.

    :param error: name of the error's class.
    :param code: Kling's code, if it gave one.
    :param message: what to do, and what happened.
    :param permanent: whether another attempt would fail again.
    :param at: epoch seconds.
    """

    error: str
    code: int | None
    message: str
    permanent: bool
    at: float

    @classmethod
    def of(cls, error: KlingError, at: float, *, permanent: bool | None = None) -> Failure:
        """
        Make a failure of an error.

        :param permanent: instead of what the error says of itself.
        """
        permanent = not error.transient if permanent is None else permanent
        return cls(type(error).__name__, getattr(error, "code", None), error.message, permanent, at)


@dataclasses.dataclass(frozen=True)
class Submit:
    """Drive the pay-once protocol. Answer: ``observed`` or ``not_submitted``."""

    key: str
    look_up_first: bool


@dataclasses.dataclass(frozen=True)
class FindTask:
    """Look up a doubtful submission without sending it. Answer: ``observed``, ``not_found`` or ``lookup_failed``."""

    key: str
    external_task_id: str


@dataclasses.dataclass(frozen=True)
class Watch:
    """Wait for this task to end. Answer: ``observed`` or ``unreadable``."""

    key: str
    task: Task


@dataclasses.dataclass(frozen=True)
class Store:
    """Copy this task's results, read again if ``fresh``. Answer: ``stored`` or ``not_stored``."""

    key: str
    task: Task
    fresh: bool


@dataclasses.dataclass(frozen=True)
class Wait:
    """Decide again after this many seconds, or when something has changed."""

    seconds: float


@dataclasses.dataclass(frozen=True)
class Finish:
    """
    The end: nothing is under way any more.

    :param reason: why it ended.
    :param failure: of the whole batch, when Kling refused the account.
    """

    reason: Reason
    failure: Failure | None = None


Action = Submit | FindTask | Watch | Store | Wait | Finish
