"""The protocol with generated responses and crashes of the worker."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import STEPS
from support_protocol import CUT, DUPLICATE, NO_SLOT, foreign_task

from airflow_provider_kling.exceptions import (
    KlingAccountError,
    KlingError,
    KlingRequestError,
    KlingResponseError,
    KlingServerError,
)
from airflow_provider_kling.models import Task, TaskStatus
from airflow_provider_kling.submission.protocol import (
    MAX_ATTEMPTS,
    Absent,
    Done,
    Fail,
    Found,
    LookUp,
    Post,
    Problem,
    Submission,
    Wait,
    Waited,
)
from airflow_provider_kling.utils._airflow.compat import AirflowFailException


@dataclasses.dataclass
class Ledger:
    """Kling's side, as measured: one namespace of ids, a re-use refused, answers that may be lost or say anything."""

    tasks: dict[str, TaskStatus] = dataclasses.field(default_factory=dict)

    def post(self, name: str, fate: str) -> object:
        if fate in REFUSALS:
            return Problem(REFUSALS[fate])
        if name in self.tasks:
            return Problem(DUPLICATE if fate != "in another language" else DUPLICATE_ABROAD)
        self.tasks[name] = TaskStatus.FAILED if fate == "created, failed" else TaskStatus.SUBMITTED
        if fate in LOST:
            return Problem(LOST[fate])
        return Found(self._task(name) if fate != "a stranger" else foreign_task())

    def look(self, name: str, fate: str) -> object:
        if fate == "lost before":
            return Problem(CUT)
        if fate == "in another language" and name not in self.tasks:
            return Problem(KlingRequestError(1201, "任务不存在", http_status=400))
        if fate == "a stranger":
            return Found(foreign_task())
        return Found(self._task(name)) if name in self.tasks and fate != "not visible yet" else Absent()

    def _task(self, name: str) -> Task:
        number = list(self.tasks).index(name)
        return Task(str(number), self.tasks[name], "image2video", external_task_id=name if number % 2 else "")


DUPLICATE_ABROAD = KlingRequestError(1201, "external_task_id 已存在", http_status=400)


#: What a POST may come to that creates nothing.
REFUSALS = {
    "lost before": CUT,
    "no slot": NO_SLOT,
    "no money": KlingAccountError(1102, "", http_status=429),
    "not valid": KlingRequestError(1201, "mode value 'x' is invalid", http_status=400),
}


#: And what may hide that it created one.
LOST = {
    "lost after": CUT,
    "wrapped": KlingRequestError(200, "a relay's own", http_status=200),
    "no json": KlingResponseError("html", http_status=200),
    "down": KlingServerError(5000, "", http_status=500),
}


FATES = st.sampled_from(
    ["fine", *REFUSALS, *LOST, "created, failed", "a stranger", "in another language", "not visible yet"]
)


TRIES = st.lists(st.tuples(st.lists(FATES, min_size=1, max_size=30), st.integers(0, 40)), min_size=1, max_size=6)


def run_try(submission: Submission, ledger: Ledger, fates: list[str], dies_after: int):
    """One try of the Airflow task; it may be killed after any number of steps."""
    step = submission.start()
    for index in range(dies_after):
        fate = fates[index % len(fates)]
        match step:
            case Post(name):
                step = submission.next_step(ledger.post(name, fate))
            case LookUp(name):
                step = submission.next_step(ledger.look(name, fate))
            case Wait():
                step = submission.next_step(Waited())
            case _:
                break
    return step


def finish(ledger: Ledger):
    """A last try without faults."""
    return run_try(Submission("x", look_up_first=True), ledger, ["fine"], 10 * MAX_ATTEMPTS)


@pytest.mark.timeout(3600)
@settings(max_examples=500 * STEPS, deadline=None)
@given(TRIES)
def test_whatever_is_lost_and_wherever_a_worker_dies_at_most_one_task_runs(tries):
    """Each try of the Airflow task runs the protocol and may be killed after any number of steps."""
    ledger = Ledger()
    for number, (fates, dies_after) in enumerate(tries):
        step = run_try(Submission("x", look_up_first=number > 0), ledger, fates, dies_after)
        alive = [name for name, status in ledger.tasks.items() if status is not TaskStatus.FAILED]
        assert len(alive) <= 1
        if isinstance(step, Done) and step.task.status is not TaskStatus.FAILED:
            assert step.task.external_task_id in ("", *alive), "no stranger's task"
            assert alive, "a submission that is done has its task at Kling"
        if isinstance(step, Fail):
            assert isinstance(step.error, KlingError)
    last = finish(ledger)
    assert isinstance(last, Done), "a retry on a good day delivers"
    assert sum(status is not TaskStatus.FAILED for status in ledger.tasks.values()) == 1


@pytest.mark.timeout(3600)
@settings(max_examples=500 * STEPS, deadline=None)
@given(st.lists(FATES, min_size=1, max_size=30))
def test_no_try_ends_for_good_while_the_task_that_it_sent_is_alive(fates):
    ledger = Ledger()
    step = run_try(Submission("x", look_up_first=False), ledger, fates, 100)
    alive = [name for name, status in ledger.tasks.items() if status is not TaskStatus.FAILED]
    if alive and isinstance(step, Fail):
        assert step.error.transient
        assert not isinstance(step.error, AirflowFailException)
