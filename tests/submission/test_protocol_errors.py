"""Which errors leave doubt whether a task was created."""

from __future__ import annotations

import pytest
from support_protocol import CUT, NO_SLOT, first_try, retry, take_steps, task

from airflow_provider_kling.exceptions import (
    KLING_CODES,
    KlingAccountError,
    KlingAuthenticationError,
    KlingConfigurationError,
    KlingConnectionError,
    KlingRequestError,
    KlingSubmissionInDoubtError,
    KlingValidationError,
)
from airflow_provider_kling.submission.protocol import (
    Absent,
    Done,
    Fail,
    Found,
    LookUp,
    Post,
    Problem,
    Submission,
    Waited,
    leaves_doubt,
)
from airflow_provider_kling.utils._airflow.compat import AirflowFailException

RELAY_CODES = [0, 200, 201, 400, 1205, 1399, 4999, 9999, -1]


@pytest.mark.parametrize("code", RELAY_CODES)
@pytest.mark.parametrize("http_status", [200, 201])
def test_a_code_that_the_table_does_not_know_leaves_doubt(code, http_status):
    assert leaves_doubt(KlingRequestError(code, "refused", http_status=http_status))
    assert take_steps(first_try(), Problem(KlingRequestError(code, "no", http_status=http_status))) == LookUp("x")


@pytest.mark.parametrize("code", [code for code in KLING_CODES if code < 5000])
def test_a_code_of_the_table_below_5000_is_certain(code):
    error = KLING_CODES[code].error(code, "no", http_status=200)
    assert take_steps(first_try(), Problem(error)) == Fail(error)


@pytest.mark.parametrize("error", [KlingConfigurationError("no host"), KlingValidationError(["bad"])])
def test_what_this_machine_refuses_leaves_no_doubt(error):
    assert take_steps(first_try(), Problem(error)) == Fail(error)


def test_what_never_left_this_machine_is_not_doubt():
    error = KlingConnectionError("a proxy URL that cannot be parsed", nothing_sent=True)
    assert take_steps(first_try(), Problem(error)) == Fail(error)


ONE_DOUBT = [Problem(CUT), Absent(), Waited(), Absent(), Waited(), Absent()]


@pytest.mark.parametrize("refusal", [KlingAccountError(1102, "", http_status=429), KlingRequestError(1201, "no")])
def test_a_refusal_after_doubt_is_about_the_second_post_only(refusal):
    assert take_steps(first_try(), *ONE_DOUBT) == Post("x")
    assert take_steps(first_try(), *ONE_DOUBT, Problem(refusal)) == LookUp("x")
    found = take_steps(first_try(), *ONE_DOUBT, Problem(refusal), Found(task()))
    assert found == Done(task(), adopted=True, attempt=1, answer_lost=True)
    step = take_steps(first_try(), *ONE_DOUBT, Problem(refusal), Absent())
    assert isinstance(step, Fail)
    assert isinstance(step.error, KlingSubmissionInDoubtError)
    assert step.error.transient


def test_1303_after_doubt_is_a_wait_that_starts_with_a_lookup():
    assert take_steps(first_try(), *ONE_DOUBT, Problem(NO_SLOT)) == LookUp("x")
    assert take_steps(first_try(), *ONE_DOUBT, Problem(NO_SLOT), Absent()) == Fail(NO_SLOT)


def test_a_post_that_never_left_after_doubt_stays_in_doubt():
    error = KlingConnectionError("no route", nothing_sent=True)
    step = take_steps(first_try(), *ONE_DOUBT, Problem(error), Absent())
    assert isinstance(step, Fail)
    assert isinstance(step.error, KlingSubmissionInDoubtError)


@pytest.mark.parametrize(
    "words",
    [
        "External_task_id x already exists",
        "duplicated external_task_id",
        "externalTaskId must be unique",
        "external task id 重复",
        "外部任务 campaign-7 已存在",
    ],
)
def test_a_1201_about_the_id_is_looked_up_whatever_its_message(words):
    submission = Submission("campaign-7", look_up_first=False)
    assert take_steps(submission, Problem(KlingRequestError(1201, words, http_status=400))) == LookUp("campaign-7")


@pytest.mark.parametrize("words", ["任务不存在", "task does not exist", ""])
def test_a_1201_with_another_message_on_a_read_is_neither_an_absence_nor_the_end(words):
    step = take_steps(retry(), Problem(KlingRequestError(1201, words, http_status=400)))
    assert isinstance(step, Fail)
    assert step.error.transient
    assert not isinstance(step.error, AirflowFailException)


@pytest.mark.parametrize("error", [KlingAuthenticationError(1002, ""), KlingConnectionError("no network")])
def test_an_error_that_prevents_a_lookup_is_raised_unchanged(error):
    assert take_steps(retry(), Problem(error)) == Fail(error)
