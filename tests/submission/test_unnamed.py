"""Requests without an id: what was sent cannot be looked up, so nothing is sent twice unless the Dag author says so."""

from __future__ import annotations

import pytest

from airflow_provider_kling import exceptions as kling
from airflow_provider_kling.models import Task, TaskStatus
from airflow_provider_kling.submission.protocol import (
    Absent,
    Done,
    Fail,
    Found,
    LookUp,
    Post,
    Problem,
    Wait,
    Waited,
)
from airflow_provider_kling.submission.unnamed import UnnamedSubmission

TASK = Task("930801290416885790", TaskStatus.SUCCEED, "tts")

#: No answer, or one that says nothing for sure.
DOUBTS = [
    kling.KlingConnectionError("cut"),
    kling.KlingServerError(5000, "oops"),
    kling.KlingResponseError("HTML", http_status=502),
    kling.KlingRequestError(1999, "a relay's own code"),
]
#: Kling's refusals, and what never left this machine.
REFUSALS = [
    kling.KlingRequestError(1201, "Voice id not found"),
    kling.KlingConcurrencyError(1303, "no slot"),
    kling.KlingAuthenticationError(1002, "api key not found"),
    kling.KlingConnectionError("no such host", nothing_sent=True),
]


def submission_of(on_doubt="fail", may_be_sent=False):
    return UnnamedSubmission(may_be_sent=may_be_sent, on_doubt=on_doubt, look_again_after=(1.0, 2.0))


def test_a_response_is_the_end():
    for on_doubt in ("fail", "resend"):
        submission = submission_of(on_doubt)
        assert submission.start() == Post("")
        assert submission.next_step(Found(TASK)) == Done(TASK, adopted=False, attempt=1)


@pytest.mark.parametrize("error", REFUSALS)
@pytest.mark.parametrize("on_doubt", ["fail", "resend"])
def test_a_refusal_is_the_end(on_doubt, error):
    submission = submission_of(on_doubt)
    submission.start()
    assert submission.next_step(Problem(error)) == Fail(error)


@pytest.mark.parametrize("error", DOUBTS)
def test_doubt_sends_nothing_again_and_names_where_to_look(error):
    submission = submission_of()
    submission.start()
    step = submission.next_step(Problem(error))
    assert isinstance(step, Fail)
    assert isinstance(step.error, kling.KlingAnswerLostError)
    assert not step.error.transient
    assert step.error.message.startswith("Look in Kling's console whether it was made; it may be paid already. ")
    assert "on_doubt='resend'" in step.error.message
    assert error.message in step.error.message


def test_what_an_earlier_try_may_have_sent_is_not_sent_again():
    step = submission_of(may_be_sent=True).start()
    assert isinstance(step, Fail)
    assert isinstance(step.error, kling.KlingAnswerLostError)


@pytest.mark.parametrize("may_be_sent", [True, False])
@pytest.mark.parametrize("error", DOUBTS)
def test_on_doubt_resend_gets_three_tries_and_an_error_that_allows_retries(error, may_be_sent):
    submission = submission_of("resend", may_be_sent)
    steps = [submission.start()]
    while not isinstance(steps[-1], Fail):
        steps.append(submission.next_step(Waited() if isinstance(steps[-1], Wait) else Problem(error)))
    assert steps == [Post(""), Wait(1.0), Post(""), Wait(2.0), Post(""), Fail(error)]


def test_it_never_looks_anything_up():
    submission = submission_of("resend")
    submission.start()
    with pytest.raises(TypeError):
        submission.next_step(Absent())
    assert not isinstance(submission.next_step(Problem(DOUBTS[0])), LookUp)
