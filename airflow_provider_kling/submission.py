"""
The pay-once protocol as a pure state machine: no I/O, no clock, no randomness.

A driver asks for the first step, carries it out, and hands the outcome back until the step is :class:`Done` or
:class:`Fail`::

    submission = Submission(base_id, look_up_first=False)
    step = submission.start()
    while not isinstance(step, (Done, Fail)):
        step = submission.on(carry_out(step))

What it keeps:

* One logical submission never has two tasks. Only ids of one chain are ever sent (``id``, ``id-2``, ...), the next
  one only after Kling has reported the one before as failed, and Kling refuses to create an id twice.
* Any doubt about a POST (timeout, cut connection, HTTP 5xx, unreadable answer) is followed by a look, a wait, another
  look, and then the *same* id again.
* Not being able to look is not the same as not being there: it ends the submission, it never sends.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from airflow_provider_kling.exceptions import (
    KlingConnectionError,
    KlingDuplicateTaskError,
    KlingError,
    KlingResponseError,
    KlingServerError,
    KlingSubmissionInDoubtError,
)
from airflow_provider_kling.identity import attempt_id
from airflow_provider_kling.models import Task, TaskStatus

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Seconds between the looks after a doubtful POST. No delay between a create and its visibility was ever measured
#: (152 reads of 19 fresh tasks, none missed, 2026-09); the wait is for a request that is still on its way.
LOOK_AGAIN_AFTER = (2.0, 5.0)

#: How often one id is sent before the doubt goes back to Airflow. A later retry starts by looking.
MAX_SENDS = 3

#: How many failed attempts of one logical submission are walked past; each costs one free read.
MAX_ATTEMPTS = 50


@dataclasses.dataclass(frozen=True)
class LookUp:
    """Step: read the task with this external id. Outcome: Found, Absent or Problem."""

    external_task_id: str


@dataclasses.dataclass(frozen=True)
class Post:
    """Step: create a task with this external id; the paid call. Outcome: Found or Problem."""

    external_task_id: str


@dataclasses.dataclass(frozen=True)
class Wait:
    """Step: let this many seconds pass. Outcome: Waited."""

    seconds: float


@dataclasses.dataclass(frozen=True)
class Done:
    """
    End: the submission has its task.

    :param task: what Kling holds now.
    :param adopted: whether it was found rather than created by this run of the protocol.
    :param attempt: 1, or more when earlier attempts failed at Kling.
    """

    task: Task
    adopted: bool
    attempt: int


@dataclasses.dataclass(frozen=True)
class Fail:
    """End: there is no task, or nobody can tell."""

    error: KlingError


@dataclasses.dataclass(frozen=True)
class Found:
    """Outcome: Kling has this task (a look-up found it, or a POST created it)."""

    task: Task


@dataclasses.dataclass(frozen=True)
class Absent:
    """Outcome: Kling answered that no task has this id."""


@dataclasses.dataclass(frozen=True)
class Waited:
    """Outcome: the time has passed."""


@dataclasses.dataclass(frozen=True)
class Problem:
    """Outcome: the call failed with this error."""

    error: KlingError


Step = LookUp | Post | Wait | Done | Fail
Outcome = Found | Absent | Waited | Problem


def leaves_doubt(error: KlingError) -> bool:
    """
    Whether a POST that ended with this error may have created a task.

    A refusal with one of Kling's own 4xx codes, 1303 included, created none (measured 2026-09); an HTTP 4xx page of
    something in between did not reach Kling either, and what never left this machine is no doubt. Everything else may
    have.
    """
    if isinstance(error, KlingResponseError):
        return not (400 <= error.http_status < 500 and error.http_status != 408)
    if isinstance(error, KlingConnectionError):
        return not error.nothing_sent
    return isinstance(error, KlingServerError)


class Submission:
    """
    One logical submission on its way to exactly one task.

    :param base_id: the ``external_task_id`` of its first attempt.
    :param look_up_first: whether an earlier try may have sent it already (a retry, a Clear).
    :param look_again_after: seconds to wait before each further look when a POST left doubt.
    :param max_sends: how often one id is sent before the doubt is handed back.
    """

    def __init__(
        self,
        base_id: str,
        *,
        look_up_first: bool,
        look_again_after: Sequence[float] = LOOK_AGAIN_AFTER,
        max_sends: int = MAX_SENDS,
    ) -> None:
        self._base_id = base_id
        self._look_up_first = look_up_first
        self._look_again_after = tuple(look_again_after)
        self._max_sends = max_sends
        self._attempt = 1
        self._sends = 0
        self._looks = 0
        self._doubt: KlingError | None = None
        self._step: Step | None = None

    @property
    def external_task_id(self) -> str:
        """The id of the current attempt."""
        return attempt_id(self._base_id, self._attempt)

    def start(self) -> Step:
        """Return the first step."""
        return self._go(self._look() if self._look_up_first else self._send())

    def on(self, outcome: Outcome) -> Step:
        """
        Return the step that follows the outcome of the last one.

        :param outcome: what came of the step that :meth:`start` or :meth:`on` returned last.
        """
        match self._step, outcome:
            case Post(), Found(task):
                return self._go(Done(task, adopted=False, attempt=self._attempt))
            case Post(), Problem(error):
                return self._go(self._after_failed_post(error))
            case LookUp(), Found(task):
                return self._go(self._after_find(task))
            case LookUp(), Absent():
                return self._go(self._after_absence())
            case LookUp(), Problem(error):
                return self._go(Fail(self._in_doubt(error) if self._doubt else error))
            case Wait(), Waited():
                return self._go(self._look())
        raise TypeError(f"{outcome!r} is not an outcome of {self._step!r}")

    def _go(self, step: Step) -> Step:
        self._step = step
        return step

    def _send(self) -> Step:
        self._sends += 1
        return Post(self.external_task_id)

    def _look(self) -> Step:
        return LookUp(self.external_task_id)

    def _after_failed_post(self, error: KlingError) -> Step:
        if isinstance(error, KlingDuplicateTaskError) or leaves_doubt(error):
            self._doubt, self._looks = error, 0
            return self._look()
        return Fail(error)

    def _after_find(self, task: Task) -> Step:
        # A task that failed before this run of the protocol is a closed attempt: failed tasks are not charged, and
        # their id cannot be used again. One that this run itself sent is the answer to this run.
        sent_by_us = self._doubt is not None and not isinstance(self._doubt, KlingDuplicateTaskError)
        if task.status is not TaskStatus.FAILED or sent_by_us:
            return Done(task, adopted=True, attempt=self._attempt)
        if self._attempt >= MAX_ATTEMPTS:
            return Fail(
                KlingSubmissionInDoubtError(
                    f"Kling reports all {MAX_ATTEMPTS} attempts of {self._base_id} as failed, the last one because: "
                    f"{task.message or 'no reason given'}. Change the request before it is sent again.",
                    kling_task_id=task.task_id,
                )
            )
        self._attempt += 1
        self._sends, self._looks, self._doubt = 0, 0, None
        return self._look()

    def _after_absence(self) -> Step:
        if self._doubt is None:
            return self._send()
        if self._looks < len(self._look_again_after):
            self._looks += 1
            return Wait(self._look_again_after[self._looks - 1])
        if self._sends < self._max_sends:
            return self._send()
        return Fail(self._in_doubt(self._doubt))

    def _in_doubt(self, cause: KlingError) -> KlingSubmissionInDoubtError:
        return KlingSubmissionInDoubtError(
            f"It is not known whether Kling accepted {self.external_task_id}: {cause.message} Nothing else was sent. "
            "A retry of this Airflow task looks this id up before it sends, so it will not be paid twice."
        )
