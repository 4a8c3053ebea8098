"""The pay-once protocol: a retry, doubt about a POST, and the next attempt."""

from __future__ import annotations

import dataclasses

import pytest
from support_protocol import CUT, DUPLICATE, NO_SLOT, first_try, foreign_task, retry, take_steps, task

from airflow_provider_kling.exceptions import (
    KlingAccountError,
    KlingAuthenticationError,
    KlingConnectionError,
    KlingRequestError,
    KlingResponseError,
    KlingServerError,
    KlingSubmissionInDoubtError,
)
from airflow_provider_kling.models import TaskStatus
from airflow_provider_kling.submission.protocol import (
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
    Wait,
    Waited,
    leaves_doubt,
)


def test_a_first_try_posts_straight_away():
    assert first_try().start() == Post("x")


def test_an_accepted_post_is_done_and_not_adopted():
    assert take_steps(first_try(), Found(task())) == Done(task(), adopted=False, attempt=1)


def test_a_duplicate_is_looked_up_and_adopted():
    assert take_steps(first_try(), Problem(DUPLICATE)) == LookUp("x")
    assert take_steps(first_try(), Problem(DUPLICATE), Found(task())) == Done(task(), adopted=True, attempt=1)


def test_a_duplicate_of_a_failed_task_continues_to_the_next_attempt():
    submission = first_try()
    assert take_steps(submission, Problem(DUPLICATE), Found(task(TaskStatus.FAILED))) == LookUp("x-af-2")
    assert submission.next_step(Absent()) == Post("x-af-2")
    assert submission.next_step(Found(task())) == Done(task(), adopted=False, attempt=2)


def test_a_duplicate_that_cannot_be_found_is_looked_for_again_and_never_gets_another_id():
    submission = first_try()
    steps = [take_steps(submission, Problem(DUPLICATE))]
    while not isinstance(steps[-1], (Done, Fail)):
        step = steps[-1]
        outcome = {LookUp: Absent(), Wait: Waited(), Post: Problem(DUPLICATE)}[type(step)]
        steps.append(submission.next_step(outcome))
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
def test_doubt_is_lookup_wait_lookup_and_then_the_same_id_again(doubt):
    submission = first_try()
    assert take_steps(submission, Problem(doubt)) == LookUp("x")
    for seconds in LOOK_AGAIN_AFTER:
        assert submission.next_step(Absent()) == Wait(seconds)
        assert submission.next_step(Waited()) == LookUp("x")
    assert submission.next_step(Absent()) == Post("x")
    assert submission.next_step(Found(task())) == Done(task(), adopted=False, attempt=1)


def test_a_doubtful_post_that_did_create_is_adopted():
    assert take_steps(first_try(), Problem(CUT), Found(task())) == Done(
        task(), adopted=True, attempt=1, answer_lost=True
    )


def test_a_doubtful_post_whose_task_failed_meanwhile_is_this_tries_response():
    failed = task(TaskStatus.FAILED)
    assert take_steps(first_try(), Problem(CUT), Found(failed)) == Done(
        failed, adopted=True, attempt=1, answer_lost=True
    )


def test_a_resend_that_is_refused_as_duplicate_adopts():
    outcomes = [Problem(CUT), Absent(), Waited(), Absent(), Waited(), Absent(), Problem(DUPLICATE), Found(task())]
    assert take_steps(first_try(), *outcomes) == Done(task(), adopted=True, attempt=1, answer_lost=True)


def test_endless_doubt_ends_in_an_error_with_what_a_retry_does():
    round_ = [Problem(CUT), Absent(), Waited(), Absent(), Waited(), Absent()]
    step = take_steps(first_try(), *round_ * MAX_SENDS)
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
    assert take_steps(first_try(), Problem(refusal)) == Fail(refusal)


def test_a_retry_looks_up_before_it_sends():
    assert retry().start() == LookUp("x")
    assert take_steps(retry(), Absent()) == Post("x")


@pytest.mark.parametrize("status", [TaskStatus.SUBMITTED, TaskStatus.PROCESSING, TaskStatus.SUCCEED])
def test_a_retry_adopts_whatever_has_not_failed(status):
    assert take_steps(retry(), Found(task(status))) == Done(task(status), adopted=True, attempt=1)


def test_a_retry_walks_past_failed_attempts_to_the_first_free_one():
    failed = Found(task(TaskStatus.FAILED))
    submission = retry()
    assert take_steps(submission, failed) == LookUp("x-af-2")
    assert submission.next_step(failed) == LookUp("x-af-3")
    assert submission.next_step(Absent()) == Post("x-af-3")
    assert submission.next_step(Found(task())) == Done(task(), adopted=False, attempt=3)


def test_a_chain_of_failures_has_an_end():
    submission = retry()
    step = submission.start()
    for _ in range(MAX_ATTEMPTS):
        step = submission.next_step(Found(task(TaskStatus.FAILED)))
    assert isinstance(step, Fail)
    assert "because" in str(step.error)


def test_a_failed_lookup_is_not_an_absence():
    error = KlingConnectionError("no network")
    assert take_steps(retry(), Problem(error)) == Fail(error)


def test_a_failed_lookup_after_a_doubtful_post_reports_the_doubt():
    step = take_steps(first_try(), Problem(CUT), Problem(KlingConnectionError("no network")))
    assert isinstance(step, Fail)
    assert isinstance(step.error, KlingSubmissionInDoubtError)


def test_an_outcome_that_does_not_belong_to_the_step_is_an_error():
    submission = first_try()
    submission.start()
    with pytest.raises(TypeError, match="not an outcome"):
        submission.next_step(Waited())


def test_a_task_that_carries_another_id_is_not_adopted():
    step = take_steps(retry(), Found(foreign_task()))
    assert isinstance(step, Fail)
    assert isinstance(step.error, KlingSubmissionInDoubtError)
    assert "monday-s-cat" in step.error.message


def test_a_response_to_the_post_that_names_another_id_is_doubt():
    assert take_steps(first_try(), Found(foreign_task())) == LookUp("x")
    ours = dataclasses.replace(task(), external_task_id="x")
    assert take_steps(first_try(), Found(foreign_task()), Found(ours)) == Done(ours, True, 1, answer_lost=True)


def test_the_id_of_the_attempt_counts_not_that_of_the_submission():
    first = dataclasses.replace(task(TaskStatus.FAILED), external_task_id="x")
    step = take_steps(retry(), Found(first), Found(dataclasses.replace(task(), external_task_id="x")))
    assert isinstance(step, Fail), "the second attempt is asked for, the first one comes"
