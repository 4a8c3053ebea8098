"""
The pay-once protocol as a pure state machine: no I/O, no clock, no randomness.

A driver asks for the first step, carries it out, and hands the outcome back until the step is :class:`Done` or
:class:`Fail`::

    submission = Submission(base_id, look_up_first=False)
    step = submission.start()
    while not isinstance(step, (Done, Fail)):
        step = submission.next_step(carry_out(step))

What it keeps:

* One logical submission never has two tasks. Only ids of one chain are ever sent (``id``, ``id-af-2``, ...), the next
  one only after Kling has reported the one before as failed, and Kling refuses to create an id twice.
* Any doubt about a POST (timeout, cut connection, HTTP 5xx, unreadable response, unknown code) is followed by a
  look-up, a wait, another look-up, and then the *same* id again.
* Doubt lasts: a refusal after a doubtful POST says nothing about the doubtful one.
* A look-up that fails does not mean that there is no task: it ends the submission, it never sends.
* Only a task that carries the id that was asked for, or none, is taken.

A request that Kling does not find again by an id has a state machine of its own:
:class:`~airflow_provider_kling.submission.unnamed.UnnamedSubmission`.
"""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING, Literal

from airflow_provider_kling.exceptions import (
    KlingConfigurationError,
    KlingConnectionError,
    KlingDuplicateTaskError,
    KlingError,
    KlingRequestError,
    KlingResponseError,
    KlingSubmissionInDoubtError,
    KlingThrottledError,
    KlingValidationError,
)
from airflow_provider_kling.models import Task, TaskStatus
from airflow_provider_kling.submission.identity import attempt_id
from airflow_provider_kling.utils.untrusted import clean_text

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Seconds between the look-ups after a doubtful POST. No delay between a create and its visibility was ever measured
#: (152 reads of 19 fresh tasks, none missed, 2026-09); the wait is for a request that is still on its way.
LOOK_AGAIN_AFTER = (2.0, 5.0)

#: How often one id is sent before the submission fails as in doubt. A later retry starts with a look-up.
MAX_SENDS = 3

#: How many failed attempts of one logical submission are skipped; each costs one free read.
MAX_ATTEMPTS = 50


#: What doubt about a request without an id leads to: an error that says where to look, or the same request again.
OnDoubt = Literal["fail", "resend"]


@dataclasses.dataclass(frozen=True)
class LookUp:
    """Step: read the task with this external id. Outcome: Found, Absent or Problem."""

    external_task_id: str


@dataclasses.dataclass(frozen=True)
class Search:
    """
    Step: list the product's tasks that Kling accepted since a time. Outcome: Listed or Problem.

    :param since: epoch seconds.
    """

    since: float


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
    :param answer_lost: whether this run of the protocol sent it and had to look for it, because no response came.
    """

    task: Task
    adopted: bool
    attempt: int
    answer_lost: bool = False


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
    """Outcome: Kling responded that no task has this id."""


@dataclasses.dataclass(frozen=True)
class Listed:
    """
    Outcome: Kling's list since that time, complete.

    :param tasks: of the product.
    :param owned: ids of tasks that are known to belong to other submissions.
    """

    tasks: tuple[Task, ...]
    ids_of_others: frozenset[str] = frozenset()


@dataclasses.dataclass(frozen=True)
class Waited:
    """Outcome: the time has passed."""


@dataclasses.dataclass(frozen=True)
class Problem:
    """Outcome: the call failed with this error."""

    error: KlingError


Step = LookUp | Search | Post | Wait | Done | Fail
Outcome = Found | Absent | Listed | Waited | Problem


def leaves_doubt(error: KlingError) -> bool:
    """
    Whether a POST that ended with this error may have created a task.

    None was created when nothing left this machine, when the response has a code of Kling's table below 5000 (1303
    included), or when it is an HTTP 4xx page of a proxy. Everything else may have created one: relays wrap tasks into
    codes of their own.
    """
    if isinstance(error, (KlingConfigurationError, KlingValidationError)) or error.refused_for_sure:
        return False
    if isinstance(error, KlingResponseError):
        return not (400 <= error.http_status < 500 and error.http_status != 408)
    return not (isinstance(error, KlingConnectionError) and error.nothing_sent)


def names_external_id(error: KlingError, external_task_id: str) -> bool:
    """
    Whether a refusal is about the id itself, however it is worded: then a task with this id may exist.

    :param error: of a POST.
    :param external_task_id: what was sent.
    """
    if isinstance(error, KlingDuplicateTaskError):
        return True
    if not isinstance(error, KlingRequestError):
        return False
    words = re.sub(r"[^a-z]", "", error.kling_message.lower())
    return "externaltaskid" in words or "externalid" in words or external_task_id in error.kling_message


def of_another_id(task: Task, external_task_id: str) -> KlingResponseError | None:
    """
    Return why a task is not the one that has this id; ``None`` when it is, or does not say.

    :param task: from a response to a request that named the id.
    :param external_task_id: the id.
    """
    if task.external_task_id in ("", external_task_id):
        return None
    return KlingResponseError(
        f"Check the connection's host: it returned another task. {external_task_id} was requested, task "
        f"{clean_text(task.task_id, 60)} with external_task_id {clean_text(task.external_task_id, 80)} was returned.",
        http_status=200,
    )


class Submission:
    """
    One logical submission on its way to exactly one task.

    :param base_id: the ``external_task_id`` of its first attempt.
    :param look_up_first: whether an earlier try may have sent it already (a retry, a Clear).
    :param look_again_after: seconds to wait before each further look-up when a POST left doubt.
    :param max_sends: how often one id is sent before the submission fails as in doubt.
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
        self._repeated_look_ups = 0
        self._doubt: KlingError | None = None
        self._refusal: KlingError | None = None
        self._is_sent_in_this_run = False
        self._step: Step | None = None

    @property
    def external_task_id(self) -> str:
        """The id of the current attempt."""
        return attempt_id(self._base_id, self._attempt)

    def start(self) -> Step:
        """Return the first step."""
        return self._set_step(self._look_up_step() if self._look_up_first else self._post_step())

    def next_step(self, outcome: Outcome) -> Step:
        """
        Return the step that follows the outcome of the last one.

        :param outcome: what came of the step that :meth:`start` or :meth:`next_step` returned last.
        """
        match self._step, outcome:
            case Post(), Found(task):
                other = of_another_id(task, self.external_task_id)
                done = Done(task, adopted=False, attempt=self._attempt)
                return self._set_step(self._after_failed_post(other) if other else done)
            case Post(), Problem(error):
                return self._set_step(self._after_failed_post(error))
            case LookUp(), Found(task):
                other = of_another_id(task, self.external_task_id)
                return self._set_step(Fail(self._in_doubt_error(other)) if other else self._after_find(task))
            case LookUp(), Absent():
                return self._set_step(self._after_absence())
            case LookUp(), Problem(error):
                return self._set_step(self._after_failed_look_up(error))
            case Wait(), Waited():
                return self._set_step(self._look_up_step())
        raise TypeError(f"{outcome!r} is not an outcome of {self._step!r}")

    def _set_step(self, step: Step) -> Step:
        self._step = step
        return step

    def _post_step(self) -> Step:
        self._sends += 1
        return Post(self.external_task_id)

    def _look_up_step(self) -> Step:
        return LookUp(self.external_task_id)

    def _after_failed_post(self, error: KlingError) -> Step:
        exists = names_external_id(error, self.external_task_id)
        doubtful = leaves_doubt(error)
        if not exists and not doubtful and self._doubt is None:
            return Fail(error)
        if not exists and not doubtful:
            # This POST created no task. An earlier, doubtful one may have, and Kling may not show it yet.
            self._refusal = error
            return self._look_up_step()
        self._is_sent_in_this_run = self._is_sent_in_this_run or doubtful
        self._doubt, self._repeated_look_ups = error, 0
        return self._look_up_step()

    def _after_failed_look_up(self, error: KlingError) -> Step:
        # A refusal that is not understood (a 1201 in another language, a relay's own code) does not mean that there is
        # no task: an earlier try may have paid for one.
        if self._doubt or isinstance(error, KlingRequestError):
            return Fail(self._in_doubt_error(error))
        return Fail(error)

    def _after_find(self, task: Task) -> Step:
        # A task that failed before this run of the protocol is a closed attempt: failed tasks are not charged, and
        # their id cannot be used again. One that this run itself sent is the response to this run.
        if task.status is not TaskStatus.FAILED or self._is_sent_in_this_run:
            return Done(task, adopted=True, attempt=self._attempt, answer_lost=self._is_sent_in_this_run)
        if self._attempt >= MAX_ATTEMPTS:
            return Fail(
                KlingSubmissionInDoubtError(
                    f"Change the request: Kling failed all {MAX_ATTEMPTS} attempts of {self._base_id}, the last one "
                    f"because: {clean_text(task.message) or 'no reason given'}.",
                    kling_task_id=task.task_id,
                )
            )
        self._attempt += 1
        self._sends, self._repeated_look_ups, self._doubt, self._refusal, self._is_sent_in_this_run = (
            0,
            0,
            None,
            None,
            False,
        )
        return self._look_up_step()

    def _after_absence(self) -> Step:
        if self._doubt is None:
            return self._post_step()
        if self._refusal is not None:
            # Without a slot the caller waits, and looks up again before it sends. Other refusals leave the doubt.
            waits = isinstance(self._refusal, KlingThrottledError)
            return Fail(self._refusal if waits else self._in_doubt_error(self._refusal))
        if self._repeated_look_ups < len(self._look_again_after):
            self._repeated_look_ups += 1
            return Wait(self._look_again_after[self._repeated_look_ups - 1])
        if self._sends < self._max_sends:
            return self._post_step()
        return Fail(self._in_doubt_error(self._doubt))

    def _in_doubt_error(self, cause: KlingError) -> KlingSubmissionInDoubtError:
        return KlingSubmissionInDoubtError(
            "Let Airflow retry: it looks this id up before it sends, and pays once. It is not known whether Kling "
            f"accepted {self.external_task_id}; nothing else was sent. {cause.message}"
        )
