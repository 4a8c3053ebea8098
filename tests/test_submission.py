"""The pay-once protocol, walked through every branch; no I/O, no clock."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import STEPS

from airflow_provider_kling.exceptions import (
    KlingAccountError,
    KlingAuthenticationError,
    KlingConcurrencyError,
    KlingConnectionError,
    KlingDuplicateTaskError,
    KlingError,
    KlingRequestError,
    KlingResponseError,
    KlingServerError,
    KlingSubmissionInDoubtError,
)
from airflow_provider_kling.models import Task, TaskStatus
from airflow_provider_kling.submission import (
    LOOK_AGAIN_AFTER,
    MAX_ATTEMPTS,
    MAX_SENDS,
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
    leaves_doubt,
)

CUT = KlingConnectionError("cut")
DUPLICATE = KlingDuplicateTaskError(1201, "External_task_id x already exists", http_status=400)
NO_SLOT = KlingConcurrencyError(1303, "parallel task over resource pack limit", http_status=429)


def task(status: TaskStatus = TaskStatus.SUBMITTED) -> Task:
    return Task(task_id="867283741759111202", status=status, endpoint="image2video", message="because")


def first_try() -> Submission:
    return Submission("x", look_up_first=False)


def retry() -> Submission:
    return Submission("x", look_up_first=True)


def walk(submission: Submission, *outcomes):
    step = submission.start()
    for outcome in outcomes:
        step = submission.on(outcome)
    return step


def test_a_first_try_posts_straight_away():
    assert first_try().start() == Post("x")


def test_an_accepted_post_is_done_and_not_adopted():
    assert walk(first_try(), Found(task())) == Done(task(), adopted=False, attempt=1)


def test_a_duplicate_is_looked_up_and_adopted():
    assert walk(first_try(), Problem(DUPLICATE)) == LookUp("x")
    assert walk(first_try(), Problem(DUPLICATE), Found(task())) == Done(task(), adopted=True, attempt=1)


def test_a_duplicate_of_a_failed_task_goes_on_to_the_next_attempt():
    submission = first_try()
    assert walk(submission, Problem(DUPLICATE), Found(task(TaskStatus.FAILED))) == LookUp("x-2")
    assert submission.on(Absent()) == Post("x-2")
    assert submission.on(Found(task())) == Done(task(), adopted=False, attempt=2)


def test_a_duplicate_that_cannot_be_found_is_looked_for_again_and_never_gets_another_id():
    submission = first_try()
    steps = [walk(submission, Problem(DUPLICATE))]
    while not isinstance(steps[-1], (Done, Fail)):
        step = steps[-1]
        outcome = {LookUp: Absent(), Wait: Waited(), Post: Problem(DUPLICATE)}[type(step)]
        steps.append(submission.on(outcome))
    assert isinstance(steps[-1], Fail)
    assert isinstance(steps[-1].error, KlingSubmissionInDoubtError)
    assert {step.external_task_id for step in steps if isinstance(step, Post)} == {"x"}


@pytest.mark.parametrize(
    "doubt",
    [
        CUT,
        KlingServerError(5000, "", http_status=500),
        KlingServerError(5001, "", http_status=503),
        KlingServerError(5002, "", http_status=504),
        KlingResponseError("html", http_status=200),
        KlingResponseError("html", http_status=502),
        KlingResponseError("request timeout", http_status=408),
    ],
)
def test_doubt_is_look_wait_look_and_then_the_same_id_again(doubt):
    submission = first_try()
    assert walk(submission, Problem(doubt)) == LookUp("x")
    for seconds in LOOK_AGAIN_AFTER:
        assert submission.on(Absent()) == Wait(seconds)
        assert submission.on(Waited()) == LookUp("x")
    assert submission.on(Absent()) == Post("x")
    assert submission.on(Found(task())) == Done(task(), adopted=False, attempt=1)


def test_a_doubtful_post_that_did_create_is_adopted():
    assert walk(first_try(), Problem(CUT), Found(task())) == Done(task(), adopted=True, attempt=1)


def test_a_doubtful_post_whose_task_failed_meanwhile_is_this_tries_answer():
    failed = task(TaskStatus.FAILED)
    assert walk(first_try(), Problem(CUT), Found(failed)) == Done(failed, adopted=True, attempt=1)


def test_a_resend_that_is_refused_as_duplicate_adopts():
    outcomes = [Problem(CUT), Absent(), Waited(), Absent(), Waited(), Absent(), Problem(DUPLICATE), Found(task())]
    assert walk(first_try(), *outcomes) == Done(task(), adopted=True, attempt=1)


def test_endless_doubt_ends_in_an_error_that_says_what_a_retry_does():
    round_ = [Problem(CUT), Absent(), Waited(), Absent(), Waited(), Absent()]
    step = walk(first_try(), *round_ * MAX_SENDS)
    assert isinstance(step, Fail)
    assert step.error.transient
    assert "looks this id up before it sends" in str(step.error)


@pytest.mark.parametrize(
    "refusal",
    [
        NO_SLOT,
        KlingAuthenticationError(1002, "", http_status=401),
        KlingAccountError(1102, "", http_status=429),
        KlingRequestError(1201, "", http_status=400),
        KlingResponseError("a proxy's 413 page", http_status=413),
    ],
)
def test_a_refusal_created_nothing_and_ends_the_submission(refusal):
    assert not leaves_doubt(refusal)
    assert walk(first_try(), Problem(refusal)) == Fail(refusal)


def test_a_retry_looks_before_it_sends():
    assert retry().start() == LookUp("x")
    assert walk(retry(), Absent()) == Post("x")


@pytest.mark.parametrize("status", [TaskStatus.SUBMITTED, TaskStatus.PROCESSING, TaskStatus.SUCCEED])
def test_a_retry_adopts_whatever_has_not_failed(status):
    assert walk(retry(), Found(task(status))) == Done(task(status), adopted=True, attempt=1)


def test_a_retry_walks_past_failed_attempts_to_the_first_free_one():
    failed = Found(task(TaskStatus.FAILED))
    submission = retry()
    assert walk(submission, failed) == LookUp("x-2")
    assert submission.on(failed) == LookUp("x-3")
    assert submission.on(Absent()) == Post("x-3")
    assert submission.on(Found(task())) == Done(task(), adopted=False, attempt=3)


def test_a_chain_of_failures_has_an_end():
    submission = retry()
    step = submission.start()
    for _ in range(MAX_ATTEMPTS):
        step = submission.on(Found(task(TaskStatus.FAILED)))
    assert isinstance(step, Fail)
    assert "because" in str(step.error)


def test_not_being_able_to_look_is_not_the_same_as_not_being_there():
    error = KlingConnectionError("no network")
    assert walk(retry(), Problem(error)) == Fail(error)


def test_not_being_able_to_look_after_a_doubtful_post_says_that_there_is_doubt():
    step = walk(first_try(), Problem(CUT), Problem(KlingConnectionError("no network")))
    assert isinstance(step, Fail)
    assert isinstance(step.error, KlingSubmissionInDoubtError)


def test_an_outcome_that_does_not_belong_to_the_step_is_a_bug_and_says_so():
    submission = first_try()
    submission.start()
    with pytest.raises(TypeError, match="not an outcome"):
        submission.on(Waited())


@dataclasses.dataclass
class Ledger:
    """Kling's side, as measured: one namespace of ids, a re-use refused, answers that may be lost."""

    tasks: dict[str, TaskStatus] = dataclasses.field(default_factory=dict)

    def post(self, name: str, fate: str) -> object:
        if fate == "lost before":
            return Problem(CUT)
        if fate == "no slot":
            return Problem(NO_SLOT)
        if name in self.tasks:
            return Problem(DUPLICATE)
        self.tasks[name] = TaskStatus.FAILED if fate == "created, failed" else TaskStatus.SUBMITTED
        return Problem(CUT) if fate == "lost after" else Found(task(self.tasks[name]))

    def look(self, name: str, fate: str) -> object:
        if fate == "lost before":
            return Problem(CUT)
        return Found(task(self.tasks[name])) if name in self.tasks else Absent()


FATES = st.sampled_from(["fine", "lost before", "lost after", "no slot", "created, failed"])


@pytest.mark.timeout(3600)
@settings(max_examples=500 * STEPS, deadline=None)
@given(st.lists(st.tuples(st.lists(FATES, min_size=1, max_size=30), st.integers(0, 30)), min_size=1, max_size=6))
def test_whatever_is_lost_wherever_a_worker_dies_at_most_one_task_is_alive(tries):
    """Each try of the Airflow task runs the protocol and may be killed after any number of steps."""
    ledger = Ledger()
    for number, (fates, dies_after) in enumerate(tries):
        submission = Submission("x", look_up_first=number > 0)
        step = submission.start()
        for index in range(dies_after):
            fate = fates[index % len(fates)]
            match step:
                case Post(name):
                    step = submission.on(ledger.post(name, fate))
                case LookUp(name):
                    step = submission.on(ledger.look(name, fate))
                case Wait():
                    step = submission.on(Waited())
                case Done() | Fail():
                    break
        alive = [name for name, status in ledger.tasks.items() if status is not TaskStatus.FAILED]
        assert len(alive) <= 1
        if isinstance(step, Done) and step.task.status is not TaskStatus.FAILED:
            assert alive, "a submission that is done has its task at Kling"
        if isinstance(step, Fail):
            assert isinstance(step.error, KlingError)


def test_a_request_that_never_left_this_machine_is_no_doubt():
    error = KlingConnectionError("no such host", nothing_sent=True)
    assert walk(first_try(), Problem(error)) == Fail(error)
    assert leaves_doubt(KlingConnectionError("cut"))
