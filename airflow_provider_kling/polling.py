"""
What a status check means. The worker's loop and the triggerer's loop both ask here, so that they cannot differ. Pure:
the clock and the jitter are arguments.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

from airflow_provider_kling.exceptions import (
    KlingConfigurationError,
    KlingContentPolicyError,
    KlingError,
    KlingResultError,
    KlingResultExpiredError,
    KlingTaskFailedError,
    KlingTaskNotFoundError,
    KlingTimeoutError,
    error_details,
    quoted,
)
from airflow_provider_kling.models import Task, TaskStatus, results_expired
from airflow_provider_kling.products.catalogue import product_of
from airflow_provider_kling.utils import backoff
from airflow_provider_kling.utils.untrusted import clean_text

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

EventStatus = Literal["success", "failed", "timeout", "error"]

#: Seconds that a wait lasts unless the Dag says otherwise, counted from Kling's acceptance. Videos take minutes; a busy
#: day has been seen to take more than an hour.
DEFAULT_TIMEOUT = 3600.0

#: Seconds that waiting for a slot may take unless the Dag says otherwise; a thousand videos on 20 slots take hours.
DEFAULT_SLOT_TIMEOUT = 12 * 3600.0

#: Seconds between two status checks of one task unless the Dag says otherwise.
DEFAULT_POLL_INTERVAL = 15.0

#: The longest pause after repeated errors, in seconds.
MAX_BACKOFF = 120.0

#: Share of a product's typical time before which a first status check would rarely find a result.
FIRST_POLL_SHARE = 0.25

#: This many refusals in a row end the wait for a task that was never read.
MAX_REFUSALS = 3

#: The cause of an event when the connection could not be read where the trigger runs; a worker may be able to.
NO_CONNECTION = "connection"

#: Logged when somebody cancels an Airflow task that waits; takes the Kling task id.
KEEPS_RUNNING = (
    "Kling task %s keeps running and is billed when it succeeds: Kling cannot cancel a task. Running this Airflow task "
    "again adopts it."
)

#: How the message of a wait begins that reached its deadline.
DEADLINE_PASSED = "the time given to it is over"

#: Kling gives no code for a task that fails later, only this text (seen by several public clients, 2026).
MODERATION_TEXT = "risk control"


class Event(NamedTuple):
    """
    How a wait ended.

    :param status: ``success``, ``failed`` (Kling says so), ``timeout`` (still running) or ``error`` (cannot tell).
    :param kling_task_id: the task.
    :param message: one sentence for people.
    :param cause: :data:`NO_CONNECTION`, or empty.
    """

    status: EventStatus
    kling_task_id: str
    message: str = ""
    cause: str = ""

    @property
    def needs_worker(self) -> bool:
        """Whether the wait has to go on where the connection can be read: on a worker."""
        return self.status == "error" and self.cause == NO_CONNECTION

    def payload(self) -> dict[str, str]:
        """Return what a trigger hands to Airflow: short, whatever Kling or a relay wrote."""
        return {
            "status": self.status,
            "kling_task_id": self.kling_task_id,
            "message": clean_text(self.message),
            **({"cause": self.cause} if self.cause else {}),
        }


class Sleep(NamedTuple):
    """Check again after this many seconds."""

    seconds: float


class PollDecision:
    """
    The state of one wait.

    A task that Kling has accepted runs and is billed even if a status check fails: errors and refusals only make the
    checks less frequent. Such a wait ends when Kling reports the task's end, or at its deadline.

    :param kling_task_id: the task.
    :param end_time: deadline, epoch seconds; wall clock, so that it survives a move to another machine. ``None`` when
        nobody has read the task yet: then it may not exist, and the deadline is not known.
    :param timeout: seconds since Kling accepted the task, which the first status check shows; they make the deadline.
    :param poll_interval: seconds between two status checks.
    :param jitter: returns a number in [0, 1); ``random.random`` outside tests.
    """

    def __init__(
        self,
        kling_task_id: str,
        *,
        end_time: float | None,
        poll_interval: float,
        jitter: Callable[[], float],
        timeout: float = DEFAULT_TIMEOUT,
    ) -> None:
        self._kling_task_id = kling_task_id
        self._end_time = end_time
        self._timeout = timeout
        self.poll_interval = poll_interval
        self._jitter = jitter
        self._accepted = end_time is not None
        self._errors = 0
        self._refusals = 0

    def deadline(self, *, now: float) -> float:
        """
        Return when the wait ends at the latest, epoch seconds, whether or not anything can be read.

        :param now: epoch seconds; the beginning of the wait, as long as nobody has read the task.
        """
        if self._end_time is None:
            self._end_time = now + self._timeout
        return self._end_time

    def on_task(self, task: Task, *, now: float) -> Event | Sleep:
        """
        Decide after a successful status check.

        :param task: what Kling said.
        :param now: epoch seconds.
        """
        self._errors = self._refusals = 0
        if not self._accepted:
            self._accepted = True
            self._end_time = end_time_of(task, timeout=self._timeout, now=now)
        if task.status is TaskStatus.SUCCEED:
            return Event("success", self._kling_task_id)
        if task.status is TaskStatus.FAILED:
            return Event("failed", self._kling_task_id, task.message or "no reason given")
        return self._sleep_or_time_out(self.poll_interval, now, "it was still running")

    def on_error(self, error: KlingError, *, now: float) -> Event | Sleep:
        """
        Decide after a status check that failed.

        :param error: why.
        :param now: epoch seconds.
        """
        if not error.transient:
            self._refusals += 1
            if event := self._event_after_refusals(error):
                return event
        self._errors += 1
        pause = backoff.exponential(self._errors, first=2 * self.poll_interval, longest=MAX_BACKOFF)
        return self._sleep_or_time_out(max(pause, self.poll_interval), now, error.message)

    def on_deadline(self) -> Event:
        """Decide at the deadline, when a status check is still under way."""
        return Event("timeout", self._kling_task_id, f"{DEADLINE_PASSED}; no response to the last status check")

    def _event_after_refusals(self, error: KlingError) -> Event | None:
        if isinstance(error, KlingConfigurationError):
            # The wait cannot go on here. It can on a worker that can read the connection.
            is_final = self._refusals >= MAX_REFUSALS
            return Event("error", self._kling_task_id, error.message, NO_CONNECTION) if is_final else None
        is_final = not self._accepted and self._refusals >= MAX_REFUSALS
        return Event("error", self._kling_task_id, error.message) if is_final else None

    def _sleep_or_time_out(self, seconds: float, now: float, last_check: str) -> Event | Sleep:
        end_time = self.deadline(now=now)
        if now >= end_time:
            return Event("timeout", self._kling_task_id, f"{DEADLINE_PASSED}; at the last status check: {last_check}")
        # The last status check is at the deadline, not after it.
        return Sleep(min(backoff.add_jitter(seconds, self._jitter), end_time - now))


def first_poll_delay(endpoint: str, *, accepted_at: float, poll_interval: float, now: float) -> float:
    """
    Return the seconds until the first status check of a task.

    :param endpoint: the product; each has its typical time.
    :param accepted_at: when Kling accepted the task, epoch seconds; a time in the future counts as now.
    :param poll_interval: seconds between two status checks; a Dag that polls fast does not wait long for the first.
    :param now: epoch seconds.
    """
    plausible = min(product_of(endpoint).typical_seconds * FIRST_POLL_SHARE, 2 * poll_interval)
    return max(0.0, min(accepted_at, now) + plausible - now)


def accepted_at(task: Task, *, now: float, submitted_at: float | None = None) -> float:
    """
    Return when Kling accepted a task, by our clock, epoch seconds.

    Kling's clock may differ from ours. A task is never accepted after it was read, nor before it was submitted.

    :param task: its ``created_at`` is Kling's time; 0 when Kling gave none.
    :param now: epoch seconds.
    :param submitted_at: epoch seconds just before the submission, where that is known.
    """
    earliest = 0.0 if submitted_at is None else min(submitted_at, now)
    if task.created_at <= 0:
        return earliest or now
    return min(max(task.created_at / 1000, earliest), now)


def end_time_of(task: Task, *, timeout: float, now: float, submitted_at: float | None = None) -> float:
    """
    Return the deadline of a wait, epoch seconds.

    :param task: counted from when Kling accepted it, see :func:`accepted_at`.
    :param timeout: seconds.
    :param now: epoch seconds.
    :param submitted_at: epoch seconds just before the submission, where that is known.
    """
    return accepted_at(task, now=now, submitted_at=submitted_at) + timeout


def read_event(payload: dict[str, Any] | None, task_ids: Collection[str]) -> Event | None:
    """
    Read what a trigger fired.

    The event may belong to another task: a triggerer that was paused fires for a trigger that is gone, and SQLite has
    given its id to another task's trigger. Believed, it would deliver another task's video.

    :param payload: the event.
    :param task_ids: the ids of the task that was waited for.
    :return: ``None`` when it is not about that task; the task has to be read then.
    """
    if isinstance(payload, dict) and payload.get("status") in get_args(EventStatus):
        task_id, message, cause = (str(payload.get(name) or "") for name in ("kling_task_id", "message", "cause"))
        event = Event(payload["status"], task_id, message, cause)
        return event if event.kling_task_id in task_ids else None
    return None


def require_success(task: Task, event: Event) -> Task:
    """
    Return the task if it has succeeded; else raise the error that fits.

    :param task: as Kling reports it now.
    :param event: why the wait ended; it counts for a task that still runs.
    :raises KlingTaskFailedError: when Kling reports it failed.
    :raises KlingContentPolicyError: when moderation stopped it.
    :raises KlingTimeoutError: when it still runs and the time given to it has passed.
    :raises KlingResultError: when it succeeded without a result, or its status could not be read.
    """
    if task.status is TaskStatus.FAILED:
        raise _failed(task)
    if task.status is TaskStatus.SUCCEED:
        return _with_result(task)
    if event.status == "timeout":
        raise KlingTimeoutError(
            "Retry this Airflow task, or raise its timeout: the video is not ready yet. Only the wait ended: "
            f"{_clause(event.message)}. Kling task {task.task_id} is still running and will be billed when it "
            f"succeeds; a retry re-attaches to it and pays nothing.{_particulars(task)}",
            kling_task_id=task.task_id,
        )
    raise KlingResultError(
        "Retry this Airflow task: its wait failed, and Kling still makes the video. Kling task "
        f"{task.task_id} was {task.status.value} then, runs on and will be billed; a retry re-attaches to it and pays "
        f"nothing. The cause: {_clause(event.message)}.{_particulars(task)}",
        kling_task_id=task.task_id,
    )


def _clause(message: str) -> str:
    """Return foreign text as a part of a sentence."""
    return clean_text(message).rstrip(".") or "no reason given"


def _particulars(task: Task) -> str:
    return error_details(kling_task_id=task.task_id, request_id=task.request_id)


def check_links(task: Task, *, now: float) -> None:
    """
    Refuse to deliver links that are dead. Not for results that the caller stores: reading the task again renews links.

    :param task: a finished task, as Kling reports it.
    :param now: epoch seconds.
    :raises KlingResultExpiredError: when Kling has deleted the results.
    """
    if results_expired(task, now):
        raise KlingResultExpiredError(
            "Generate the video again: Kling has deleted its result after 30 days. The links in Kling's response are "
            "dead; a file that was stored then is where it was stored." + _particulars(task),
            kling_task_id=task.task_id,
        )


def error_of_paid_task(error: KlingError, kling_task_id: str, *, account: str) -> KlingError:
    """
    Return the error to raise when an accepted task cannot be read: always one that Airflow may retry.

    :param error: the error.
    :param kling_task_id: the task.
    :param account: what the connection names now, see ``KlingHook.account_name``.
    :return: the error itself when it is transient.
    """
    if error.transient:
        return error
    advice = (
        f"Check connection {account}: Kling task {kling_task_id} is not there"
        if isinstance(error, KlingTaskNotFoundError)
        else f"Correct the connection: task {kling_task_id} cannot be read"
    )
    return KlingResultError(
        f"{advice}.\nIt was accepted before, with {account} or with what the connection named then: it was paid under "
        f"another account or host, if it is not in this one. It is billed when it succeeds; a retry reads it again.\n"
        f"{error.message}",
        kling_task_id=kling_task_id,
    )


def _with_result(task: Task) -> Task:
    if not task.results:
        raise KlingResultError(
            "Retry this Airflow task, then ask Kling's support: there is no result. Kling reports task "
            f"{task.task_id} as succeeded but lists no result.{_particulars(task)}",
            kling_task_id=task.task_id,
        )
    return task


def _failed(task: Task) -> KlingError:
    if MODERATION_TEXT in task.message.lower():
        return KlingContentPolicyError(
            None,
            task.message,
            request_id=task.request_id,
            advice="Change the prompt or the image: moderation stopped it. Nothing is charged.",
            kling_task_id=task.task_id,
        )
    return KlingTaskFailedError(
        f"Retry, or change the request: Kling could not make this video.{quoted(clean_text(task.message))} "
        f"Failed tasks are not charged; a retry submits a new attempt.{_particulars(task)}",
        kling_task_id=task.task_id,
    )
