"""
The second pay-once protocol: for requests that Kling does not find again by an id. Pure, like :mod:`.protocol`.

They are those of products without ``external_task_id``, of models of which it is not known whether Kling refuses an id
twice, and of hosts that drop the field. What is kept instead is *when* a request was sent: Kling's list of the
product's tasks is searched for the one that it accepted in that time. Exactly one that is nobody else's, in two lists
that were read some seconds apart, is taken; several end it, and none leads to another search and then to what the Dag
author chose.

Two things differ from the first protocol. Nothing is sent again unless the Dag author asked for that. And a task that
is somebody else's, was accepted in the same seconds and carries no id cannot be told from ours, unless its owner is
known.
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
from airflow_provider_kling.utils.foreign import foreign_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


#: How often a list that holds what may be ours is read again before somebody has to look.
MAX_CONFIRMATIONS = 3


@dataclasses.dataclass(frozen=True)
class Window:
    """
    When a request was sent, if it was; kept before the call.

    :param since: epoch seconds before its first POST.
    :param until: epoch seconds after which nothing can have been sent any more.
    :param task_id: what an earlier try got for it; empty when it got no answer.
    :param closed: ids of its tasks that Kling has failed: they are not charged, and another attempt was made.
    """

    since: float
    until: float
    task_id: str = ""
    closed: tuple[str, ...] = ()

    @classmethod
    def beginning(cls, now: float, *, request_seconds: float) -> Window:
        """
        Return the window of a try that begins to send.

        :param now: epoch seconds.
        :param request_seconds: how long one request may take.
        """
        looks = sum(LOOK_AGAIN_AFTER) + MAX_CONFIRMATIONS * LOOK_AGAIN_AFTER[0]
        return cls(now, now + MAX_SENDS * (2 * request_seconds + looks))

    def record(self) -> dict[str, Any]:
        """Return what is kept; JSON."""
        return {**dataclasses.asdict(self), "closed": list(self.closed)}

    @classmethod
    def read(cls, kept: Any) -> Window | None:
        """
        Return what was kept; ``None`` when it is not readable.

        :param kept: from :meth:`record`, perhaps of another version of this package.
        """
        try:
            since, until, task_id = float(kept["since"]), float(kept["until"]), kept.get("task_id") or ""
            closed = tuple(map(str, kept.get("closed") or ()))
        except (TypeError, KeyError, ValueError, OverflowError, AttributeError):
            return None
        sane = math.isfinite(since) and math.isfinite(until) and isinstance(task_id, str)
        return cls(since, until, task_id, closed) if sane else None

    def candidates(self, listed: Listed, name: str) -> list[Task]:
        """
        Return the tasks that may be ours, each once.

        :param listed: what Kling's list holds, and which of it is somebody else's.
        :param name: the ``external_task_id`` that was sent, if any.
        """
        others = {*listed.owned, *self.closed}
        found = {task.task_id: task for task in listed.tasks if task.task_id not in others and self._may_be(task, name)}
        return list(found.values())

    def _may_be(self, task: Task, name: str) -> bool:
        if task.external_task_id:
            return task.external_task_id == name
        # A host that says no time may have accepted it at any: that one cannot be ruled out, and is not taken.
        at = task.created_at / 1000
        return not at or self.since - CLOCK_SKEW <= at <= self.until + CLOCK_SKEW


class UnnamedSubmission:
    """
    One submission of a request that is not found again by an id. It has the steps of the first protocol, and a search.

    :param may_be_sent: whether an earlier try may have sent it already.
    :param on_doubt: what it means when nothing is found: ``fail``, or ``resend``, which may pay twice.
    :param name: the ``external_task_id`` that goes with the request, for hosts that keep it after all; empty for none.
    :param window: when it was, or will be, sent; ``None`` when that is not known, or the product has no list.
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
        self._resends = on_doubt == "resend"
        self._name = name
        self._window = window
        self._look_again_after = tuple(look_again_after)
        self._pauses = list(look_again_after)
        self._attempt = 1 + len(window.closed if window else ())
        self._sends = self._searches = 0
        self._is_sent_now = False
        self._seen = ""
        self._confirmations = 0
        self._is_unsent = not may_be_sent
        self._sends_next = False
        self._doubt: KlingError | None = None
        self._step: Step | None = None

    @property
    def window(self) -> Window | None:
        """What has to be kept before a POST, so that the next try finds what comes of it."""
        return self._window

    def start(self) -> Step:
        """Return the first step."""
        return self._go(self._look() if self._may_be_sent else self._send())

    def on(self, outcome: Outcome) -> Step:
        """
        Return the step that follows the outcome of the last one.

        :param outcome: what came of it.
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
                step = self._after_failed_look(error)
            case Wait(), Waited():
                step = self._send() if self._sends_next else self._look()
            case _:
                raise TypeError(f"{outcome!r} is not an outcome of {self._step!r}")
        return self._go(step)

    def _go(self, step: Step) -> Step:
        self._step = step
        return step

    def _send(self) -> Step:
        self._sends += 1
        return Post(self._current_name)

    @property
    def _current_name(self) -> str:
        return attempt_id(self._name, self._attempt) if self._name else ""

    def _look(self) -> Step:
        if self._window and self._window.task_id and not self._is_sent_now:
            return LookUp(self._window.task_id)
        if self._name:
            return LookUp(self._current_name)
        return self._search()

    def _search(self) -> Step:
        if self._window:
            return Search(self._window.since)
        # Without a list there is a name to look for again, or nothing at all.
        return self._look_again() if self._name else self._when_nothing_is_found()

    def _after_failed_post(self, error: KlingError) -> Step:
        exists = bool(self._name) and names_external_id(error, self._current_name)
        if not exists and not leaves_doubt(error):
            # It says nothing about one before it that is in doubt. No room is a wait, after which it is looked for.
            in_doubt = self._doubt is not None and not isinstance(error, KlingThrottledError)
            return Fail(self._in_doubt(error.message) if in_doubt else error)
        self._is_sent_now, self._doubt, self._searches = not exists, error, 0
        self._seen, self._confirmations = "", 0
        self._is_unsent = False
        return self._look()

    def _after_find(self, task: Task) -> Step:
        if task.status is not TaskStatus.FAILED or self._is_sent_now:
            return Done(task, adopted=True, attempt=self._attempt, answer_lost=self._is_sent_now)
        # A failed task is not charged. Under a name the next attempt has the next one, which may be there too.
        if self._window:
            closed = (*self._window.closed, task.task_id)
            self._window = dataclasses.replace(self._window, task_id="", closed=closed)
        self._attempt += 1
        self._is_unsent = True
        return self._look() if self._name and self._attempt <= MAX_ATTEMPTS else self._send()

    def _after_absence(self) -> Step:
        if self._window and self._window.task_id and not self._is_sent_now:
            return Fail(self._in_doubt(f"task {self._window.task_id} of an earlier try is not there"))
        # What an earlier try sent has failed, and this attempt was not sent.
        return self._send() if self._is_unsent else self._search()

    def _after_list(self, listed: Listed) -> Step:
        assert self._window is not None
        found = self._window.candidates(listed, self._current_name)
        only = found[0] if len(found) == 1 and (found[0].created_at or found[0].external_task_id) else None
        if only and (only.external_task_id or only.task_id == self._seen):
            return self._after_find(only)
        self._seen = only.task_id if only else ""
        if not found:
            return self._look_again()
        # Another task of the Dag run, whose id is about to be pushed, may have made it in the same second.
        if self._confirmations == MAX_CONFIRMATIONS:
            return Fail(_several(found))
        self._confirmations += 1
        self._sends_next = False
        return Wait(self._look_again_after[0] if self._look_again_after else 0.0)

    def _look_again(self) -> Step:
        if self._searches == len(self._look_again_after):
            return self._when_nothing_is_found()
        self._searches += 1
        self._sends_next = False
        return Wait(self._look_again_after[self._searches - 1])

    def _after_failed_look(self, error: KlingError) -> Step:
        # A host without a list will have none tomorrow; one that is away may be back.
        if isinstance(self._step, Search) and not error.transient:
            self._window = None
            return self._when_nothing_is_found(error)
        return Fail(self._in_doubt(error.message))

    def _when_nothing_is_found(self, error: KlingError | None = None) -> Step:
        why = self._doubt or error
        if not self._resends:
            return Fail(_answer_lost(why.message if why else "an earlier try may have sent it, and left no answer"))
        if not self._sends:
            return self._send()
        if self._sends < MAX_SENDS and (self._window or self._name):
            return self._send()
        if self._sends < MAX_SENDS and self._pauses:
            self._sends_next = True
            return Wait(self._pauses.pop(0))
        return Fail(self._doubt or _answer_lost("it was sent again, and left no answer"))

    def _in_doubt(self, why: str) -> KlingSubmissionInDoubtError:
        return KlingSubmissionInDoubtError(
            "Let Airflow retry: it looks for the task before anything is sent. It is not known whether Kling accepted "
            f"{self._current_name or 'it'}; nothing else was sent. {why}"
        )


def _answer_lost(why: str) -> KlingAnswerLostError:
    return KlingAnswerLostError(
        "Look in Kling's console whether it was made; it may be paid already. It is not found by an id, and nothing is "
        "sent again by itself. To send it again, and pay perhaps twice, set on_doubt='resend'. What happened: "
        f"{why}"
    )


def _several(found: Iterable[Task]) -> KlingAnswerLostError:
    tasks = list(found)
    ids = ", ".join(foreign_text(task.task_id, 60) for task in tasks[:5])
    why = (
        "Several tasks without an id were accepted when it was sent"
        if len(tasks) > 1
        else "A task without an id may be it, and the host does not say when that was accepted"
    )
    return KlingAnswerLostError(
        f"Look in Kling's console which task is this one's; it is paid already. {why}, and nothing is sent again: "
        f"{ids}. Whoever needs the result can wait for its task with a KlingTaskSensor."
    )
