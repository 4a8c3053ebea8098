"""Every branch of the pay-once protocol; no I/O, no clock."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import STEPS

from airflow_provider_kling.exceptions import (
    KLING_CODES,
    KlingAccountError,
    KlingAuthenticationError,
    KlingConcurrencyError,
    KlingConfigurationError,
    KlingConnectionError,
    KlingDuplicateTaskError,
    KlingError,
    KlingRequestError,
    KlingResponseError,
    KlingServerError,
    KlingSubmissionInDoubtError,
    KlingValidationError,
)
from airflow_provider_kling.models import Task, TaskStatus
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
    Submission,
    Wait,
    Waited,
    leaves_doubt,
)
from airflow_provider_kling.utils._airflow.compat import AirflowFailException

CUT = KlingConnectionError("cut")
DUPLICATE = KlingDuplicateTaskError(1201, "External_task_id x already exists", http_status=400)
NO_SLOT = KlingConcurrencyError(1303, "parallel task over resource pack limit", http_status=429)


def task(status: TaskStatus = TaskStatus.SUBMITTED) -> Task:
    return Task(task_id="867283741759111202", status=status, endpoint="image2video", message="because")


def first_try() -> Submission:
    return Submission("x", look_up_first=False)


def retry() -> Submission:
    return Submission("x", look_up_first=True)


def foreign_task(status: TaskStatus = TaskStatus.SUBMITTED) -> Task:
    """A task that carries somebody else's id."""
    return dataclasses.replace(task(status), external_task_id="monday-s-cat")


def take_steps(submission: Submission, *outcomes):
    step = submission.start()
    for outcome in outcomes:
        step = submission.next_step(outcome)
    return step


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
