"""
The second pay-once protocol: for requests that Kling does not find again by an id. Pure, like :mod:`.protocol`.

They are those of products without ``external_task_id``, of models of which it is not known whether Kling refuses an id
twice, and of hosts that drop the field. What is stored instead is *when* a request was sent: Kling's list of the
product's tasks is searched for one that was accepted in that time. When two lists, read some seconds apart, hold
exactly one task that belongs to no other submission, it is taken. Several tasks end the submission with an error. No
task leads to another search, and then to what the Dag author chose (``on_doubt``).

Two things differ from the first protocol. Nothing is sent again unless the Dag author asked for that. And another
submission's task that was accepted in the same seconds and has no id looks like ours, unless its owner is known.
"""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Any

from airflow_provider_kling.api.read_plan import CLOCK_SKEW
from airflow_provider_kling.exceptions import (
    KlingAnswerLostError,
    KlingError,
    KlingSubmissionInDoubtError,
    KlingThrottledError,
)
from airflow_provider_kling.models import Task, TaskStatus
from airflow_provider_kling.submission.identity import attempt_id
from airflow_provider_kling.submission.protocol import (
    LOOK_AGAIN_AFTER,
    MAX_ATTEMPTS,
    MAX_SENDS,
    Absent,
    Done,
    Fail,
    Found,
    Listed,
    LookUp,
    OnDoubt,
    Outcome,
    Post,
    Problem,
    Search,
    Step,
    Wait,
    Waited,
    leaves_doubt,
    names_external_id,
)
from airflow_provider_kling.utils.untrusted import clean_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


#: How often a list with a task that may be ours is read again before the submission fails.
MAX_CONFIRMATIONS = 3


@dataclasses.dataclass(frozen=True)
class Window:
    """
    The time in which a request was sent, if it was; stored before the call.

    :param since: epoch seconds before its first POST.
    :param until: epoch seconds after which nothing can have been sent any more.
    :param task_id: Kling's id that an earlier try got for it; empty when it got no response.
    :param closed: ids of its tasks that Kling has failed: they are not charged, and another attempt was made.
    """

    since: float
    until: float
    task_id: str = ""
    closed: tuple[str, ...] = ()

    @classmethod
    def starting_at(cls, now: float, *, request_seconds: float) -> Window:
        """
        Return the window of a try that is about to send.

        :param now: epoch seconds.
        :param request_seconds: how long one request may take.
        """
        waits = sum(LOOK_AGAIN_AFTER) + MAX_CONFIRMATIONS * LOOK_AGAIN_AFTER[0]
        return cls(now, now + MAX_SENDS * (2 * request_seconds + waits))

    def to_dict(self) -> dict[str, Any]:
        """Return what is stored; JSON."""
        return {**dataclasses.asdict(self), "closed": list(self.closed)}

    @classmethod
    def from_dict(cls, stored: Any) -> Window | None:
        """
        Return the window that was stored; ``None`` when it cannot be read.

        :param stored: from :meth:`to_dict`, perhaps of another version of this package.
        """
        try:
            since, until, task_id = float(stored["since"]), float(stored["until"]), stored.get("task_id") or ""
            closed = tuple(map(str, stored.get("closed") or ()))
        except (TypeError, KeyError, ValueError, OverflowError, AttributeError):
            return None
        is_valid = math.isfinite(since) and math.isfinite(until) and isinstance(task_id, str)
        return cls(since, until, task_id, closed) if is_valid else None

    def candidates(self, listed: Listed, name: str) -> list[Task]:
        """
        Return the tasks that may belong to this submission, each once.

        :param listed: Kling's list, and the ids of other submissions' tasks.
        :param name: the ``external_task_id`` that was sent, if any.
        """
        others = {*listed.ids_of_others, *self.closed}
        found = {task.task_id: task for task in listed.tasks if task.task_id not in others and self._may_be(task, name)}
        return list(found.values())

    def _may_be(self, task: Task, name: str) -> bool:
        if task.external_task_id:
            return task.external_task_id == name
        # A host that gives no time may have accepted it at any time: such a task may be ours, but is never taken.
        at = task.created_at / 1000
        return not at or self.since - CLOCK_SKEW <= at <= self.until + CLOCK_SKEW


class UnnamedSubmission:
    """
    One submission of a request that is not found again by an id. It has the steps of the first protocol, and a search.

    :param may_be_sent: whether an earlier try may have sent it already.
    :param on_doubt: what follows when no task is found: ``fail``, or ``resend``, which may pay twice.
    :param name: the ``external_task_id`` that goes with the request, in case the host keeps it; empty for none.
    :param window: the time in which it was, or will be, sent; ``None`` when that is not known, or the product has no
        list.
    :param look_again_after: seconds to wait before each further search, and before each further POST.
    """

    def __init__(
        self,
        *,
        may_be_sent: bool,
        on_doubt: OnDoubt,
        name: str = "",
        window: Window | None = None,
        look_again_after: Sequence[float] = LOOK_AGAIN_AFTER,
    ) -> None:
        self._may_be_sent = may_be_sent
        self._may_resend = on_doubt == "resend"
        self._name = name
        self._window = window
        self._look_again_after = tuple(look_again_after)
        self._resend_pauses = list(look_again_after)
        self._attempt = 1 + len(window.closed if window else ())
        self._sends = self._searches = 0
        self._is_sent_in_this_run = False
        self._last_single_match = ""
        self._confirmations = 0
        self._is_attempt_unsent = not may_be_sent
        self._posts_after_wait = False
        self._doubt: KlingError | None = None
        self._step: Step | None = None

    @property
    def window(self) -> Window | None:
        """What has to be stored before a POST, so that the next try can find its task."""
        return self._window

    def start(self) -> Step:
        """Return the first step."""
        return self._set_step(self._look_up_step() if self._may_be_sent else self._post_step())

    def next_step(self, outcome: Outcome) -> Step:
        """
        Return the step that follows the outcome of the last one.

        :param outcome: of the step that :meth:`start` or :meth:`next_step` returned last.
        """
        match self._step, outcome:
            case Post(), Found(task):
                step: Step = Done(task, adopted=False, attempt=self._attempt)
            case Post(), Problem(error):
                step = self._after_failed_post(error)
            case LookUp(), Found(task):
                step = self._after_find(task)
            case LookUp(), Absent():
                step = self._after_absence()
            case Search(), Listed():
                step = self._after_list(outcome)
            case LookUp() | Search(), Problem(error):
                step = self._after_failed_look_up(error)
            case Wait(), Waited():
                step = self._post_step() if self._posts_after_wait else self._look_up_step()
            case _:
                raise TypeError(f"{outcome!r} is not an outcome of {self._step!r}")
        return self._set_step(step)

    def _set_step(self, step: Step) -> Step:
        self._step = step
        return step

    def _post_step(self) -> Step:
        self._sends += 1
        return Post(self._current_name)

    @property
    def _current_name(self) -> str:
        return attempt_id(self._name, self._attempt) if self._name else ""

    def _look_up_step(self) -> Step:
        if self._window and self._window.task_id and not self._is_sent_in_this_run:
            return LookUp(self._window.task_id)
        if self._name:
            return LookUp(self._current_name)
        return self._search_step()

    def _search_step(self) -> Step:
        if self._window:
            return Search(self._window.since)
        # Without a list the id can be looked up again; without both, nothing can be found.
        return self._wait_and_look_up() if self._name else self._after_nothing_found()

    def _after_failed_post(self, error: KlingError) -> Step:
        exists = bool(self._name) and names_external_id(error, self._current_name)
        if not exists and not leaves_doubt(error):
            # This POST created no task; an earlier, doubtful one may have. Without a slot the caller waits.
            in_doubt = self._doubt is not None and not isinstance(error, KlingThrottledError)
            return Fail(self._in_doubt_error(error.message) if in_doubt else error)
        self._is_sent_in_this_run, self._doubt, self._searches = not exists, error, 0
        self._last_single_match, self._confirmations = "", 0
        self._is_attempt_unsent = False
        return self._look_up_step()

    def _after_find(self, task: Task) -> Step:
        if task.status is not TaskStatus.FAILED or self._is_sent_in_this_run:
            return Done(task, adopted=True, attempt=self._attempt, answer_lost=self._is_sent_in_this_run)
        # A failed task is not charged. With an id, the next attempt has the next id, and its task may exist too.
        if self._window:
            closed = (*self._window.closed, task.task_id)
            self._window = dataclasses.replace(self._window, task_id="", closed=closed)
        self._attempt += 1
        self._is_attempt_unsent = True
        return self._look_up_step() if self._name and self._attempt <= MAX_ATTEMPTS else self._post_step()

    def _after_absence(self) -> Step:
        if self._window and self._window.task_id and not self._is_sent_in_this_run:
            return Fail(self._in_doubt_error(f"task {self._window.task_id} of an earlier try is not there"))
        # The attempt that an earlier try sent has failed, and this attempt was not sent.
        return self._post_step() if self._is_attempt_unsent else self._search_step()

    def _after_list(self, listed: Listed) -> Step:
        assert self._window is not None
        found = self._window.candidates(listed, self._current_name)
        is_single = len(found) == 1 and bool(found[0].created_at or found[0].external_task_id)
        if is_single and (found[0].external_task_id or found[0].task_id == self._last_single_match):
            return self._after_find(found[0])
        self._last_single_match = found[0].task_id if is_single else ""
        if not found:
            return self._wait_and_look_up()
        # Another task of the Dag run may have made it in the same second, and may be about to push its id.
        if self._confirmations == MAX_CONFIRMATIONS:
            return Fail(_ambiguous_error(found))
        self._confirmations += 1
        self._posts_after_wait = False
        return Wait(self._look_again_after[0] if self._look_again_after else 0.0)

    def _wait_and_look_up(self) -> Step:
        if self._searches == len(self._look_again_after):
            return self._after_nothing_found()
        self._searches += 1
        self._posts_after_wait = False
        return Wait(self._look_again_after[self._searches - 1])

    def _after_failed_look_up(self, error: KlingError) -> Step:
        # A host without a list will not get one; a host that does not respond may respond later.
        if isinstance(self._step, Search) and not error.transient:
            self._window = None
            return self._after_nothing_found(error)
        return Fail(self._in_doubt_error(error.message))

    def _after_nothing_found(self, error: KlingError | None = None) -> Step:
        why = self._doubt or error
        if not self._may_resend:
            return Fail(
                _answer_lost_error(why.message if why else "an earlier try may have sent it, and left no response")
            )
        if not self._sends:
            return self._post_step()
        if self._sends < MAX_SENDS and (self._window or self._name):
            return self._post_step()
        if self._sends < MAX_SENDS and self._resend_pauses:
            self._posts_after_wait = True
            return Wait(self._resend_pauses.pop(0))
        return Fail(self._doubt or _answer_lost_error("it was sent again, and left no response"))

    def _in_doubt_error(self, why: str) -> KlingSubmissionInDoubtError:
        return KlingSubmissionInDoubtError(
            "Let Airflow retry: it searches for the task before it sends. It is not known whether Kling accepted "
            f"{self._current_name or 'it'}; nothing else was sent. {why}"
        )


def _answer_lost_error(why: str) -> KlingAnswerLostError:
    return KlingAnswerLostError(
        "Look in Kling's console whether it was made; it may be paid already. It is not found by an id, and nothing is "
        "sent again by itself. To send it again, and pay perhaps twice, set on_doubt='resend'. What happened: "
        f"{why}"
    )


def _ambiguous_error(found: Iterable[Task]) -> KlingAnswerLostError:
    tasks = list(found)
    ids = ", ".join(clean_text(task.task_id, 60) for task in tasks[:5])
    why = (
        "Several tasks without an id were accepted when it was sent"
        if len(tasks) > 1
        else "A task without an id may be it, and the host does not say when that was accepted"
    )
    return KlingAnswerLostError(
        f"Look in Kling's console which task is this one's; it is paid already. {why}, and nothing is sent again: "
        f"{ids}. To use one of these results, wait for its task with a KlingTaskSensor."
    )
