"""Requests without an id that Kling finds: the list of tasks is searched for the one that was accepted meanwhile."""

from __future__ import annotations

import dataclasses
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import STEPS

from airflow_provider_kling import exceptions as kling
from airflow_provider_kling.api.read_plan import CLOCK_SKEW, ends_before
from airflow_provider_kling.models import Task, TaskStatus
from airflow_provider_kling.submission.protocol import (
    MAX_SENDS,
    Absent,
    Done,
    Fail,
    Found,
    Listed,
    LookUp,
    Post,
    Problem,
    Search,
    Wait,
    Waited,
)
from airflow_provider_kling.submission.unnamed import UnnamedSubmission, Window

NOW = 1_790_000_000.0
WINDOW = Window.starting_at(NOW, request_seconds=30)
CUT = kling.KlingConnectionError("cut")
NO_LIST = kling.KlingResponseError("404 page", http_status=404)
AWAY = kling.KlingConnectionError("no network")


def task(
    number: int = 1, *, at: float = NOW + 1, status: TaskStatus = TaskStatus.SUBMITTED, external: str = ""
) -> Task:
    return Task(str(number), status, "image2video", created_at=int(at * 1000), external_task_id=external)


def submission_of(**words) -> UnnamedSubmission:
    return UnnamedSubmission(**{"may_be_sent": False, "on_doubt": "fail", "window": WINDOW, **words})


def take_steps(submission, *outcomes):
    step = submission.start()
    for outcome in outcomes:
        step = submission.next_step(outcome)
    return step


def listed(*tasks, ids_of_others=()):
    return Listed(tuple(tasks), frozenset(ids_of_others))


def test_the_one_that_was_accepted_meanwhile_is_adopted():
    assert take_steps(submission_of(), Problem(CUT)) == Search(NOW)
    assert take_steps(submission_of(), Problem(CUT), listed(task())) == Wait(2.0)
    assert take_steps(submission_of(), *lost(task())) == Done(task(), True, 1, answer_lost=True)


def lost(*tasks, **words):
    """Doubt, and two lists that show the same."""
    return Problem(CUT), listed(*tasks, **words), Waited(), listed(*tasks, **words)


def test_what_turns_out_to_be_another_task_s_is_not_adopted():
    # It was accepted in the same second, and its id is pushed a moment later.
    step = take_steps(submission_of(), Problem(CUT), listed(task(2)), Waited(), listed(task(2), ids_of_others={"2"}))
    assert step == Wait(2.0)
    step = take_steps(submission_of(), Problem(CUT), listed(task(2)), Waited(), listed(task(2), task()), Waited())
    assert step == Search(NOW)
    submission = submission_of(on_doubt="resend")
    assert take_steps(submission, Problem(CUT), listed(task(2)), Waited(), listed(task())) == Wait(2.0)
    assert submission.next_step(Waited()) == Search(NOW)
    assert submission.next_step(listed(task())) == Done(task(), True, 1, answer_lost=True)


def test_a_list_that_changes_forever_is_left_to_people():
    submission, step = submission_of(on_doubt="resend"), Search(NOW)
    take_steps(submission, Problem(CUT))
    searches = 0
    while isinstance(step, (Search, Wait)):
        searches += isinstance(step, Search)
        step = submission.next_step(listed(task(searches)) if isinstance(step, Search) else Waited())
    assert (searches, type(step.error)) == (4, kling.KlingAnswerLostError)


@pytest.mark.parametrize(
    "other",
    [
        task(2, at=NOW - CLOCK_SKEW - 1),
        task(2, at=WINDOW.until + CLOCK_SKEW + 1),
        task(2, external="somebody-s"),
    ],
)
def test_what_is_older_later_or_carries_another_id_is_not_a_candidate(other):
    assert take_steps(submission_of(), *lost(other, task())) == Done(task(), True, 1, answer_lost=True)
    assert take_steps(submission_of(), Problem(CUT), listed(other)) == Wait(2.0)


def test_what_another_task_of_the_run_owns_is_not_a_candidate():
    assert take_steps(submission_of(), *lost(task(2), task(), ids_of_others={"2"})).task == task()


def test_a_task_that_a_list_shows_twice_is_one():
    assert take_steps(submission_of(), *lost(task(), task())).task == task()


@pytest.mark.parametrize("tasks", [(task(2, at=0), task()), (task(2, at=0),)])
@pytest.mark.parametrize("on_doubt", ["fail", "resend"])
def test_a_task_without_a_time_cannot_be_ruled_out_and_is_not_taken(on_doubt, tasks):
    outcomes = [Problem(CUT), *[listed(*tasks), Waited()] * 3, listed(*tasks)]
    step = take_steps(submission_of(on_doubt=on_doubt), *outcomes)
    assert isinstance(step.error, kling.KlingAnswerLostError)
    assert "2" in step.error.message


@pytest.mark.parametrize("on_doubt", ["fail", "resend"])
def test_several_candidates_are_an_error_whatever_on_doubt_is(on_doubt):
    both = listed(task(1), task(2))
    step = take_steps(submission_of(on_doubt=on_doubt), Problem(CUT), *[both, Waited()] * 3, both)
    assert isinstance(step.error, kling.KlingAnswerLostError)
    assert "1, 2" in step.error.message


def test_none_is_looked_for_again_and_then_nothing_is_sent():
    step = take_steps(submission_of(), Problem(CUT), listed(), Waited(), listed(), Waited(), listed())
    assert isinstance(step.error, kling.KlingAnswerLostError)


def test_on_doubt_resend_sends_again_a_bounded_number_of_times():
    submission, posts = submission_of(on_doubt="resend"), 0
    step = submission.start()
    while not isinstance(step, Fail):
        posts += isinstance(step, Post)
        step = submission.next_step({Post: Problem(CUT), Search: listed(), Wait: Waited()}[type(step)])
    assert (posts, step) == (MAX_SENDS, Fail(CUT))


@pytest.mark.parametrize("on_doubt", ["fail", "resend"])
def test_a_host_without_a_list_leaves_the_choice_to_the_author(on_doubt):
    step = take_steps(submission_of(on_doubt=on_doubt), Problem(CUT), Problem(NO_LIST))
    assert step == Wait(2.0) if on_doubt == "resend" else isinstance(step.error, kling.KlingAnswerLostError)


@pytest.mark.parametrize("on_doubt", ["fail", "resend"])
def test_a_list_that_is_away_is_left_to_a_retry(on_doubt):
    step = take_steps(submission_of(on_doubt=on_doubt), Problem(CUT), Problem(AWAY))
    assert isinstance(step.error, kling.KlingSubmissionInDoubtError)
    assert step.error.transient


def test_a_retry_searches_before_it_sends():
    assert take_steps(submission_of(may_be_sent=True)) == Search(NOW)
    found = listed(task()), Waited(), listed(task())
    assert take_steps(submission_of(may_be_sent=True), *found) == Done(task(), adopted=True, attempt=1)


def test_a_retry_that_does_not_know_when_it_was_sent_asks_the_author():
    step = submission_of(may_be_sent=True, window=None).start()
    assert isinstance(step.error, kling.KlingAnswerLostError)
    assert submission_of(may_be_sent=True, window=None, on_doubt="resend").start() == Post("")


def test_what_an_earlier_try_got_is_read_by_its_id():
    window = dataclasses.replace(WINDOW, task_id="7")
    retry = submission_of(may_be_sent=True, window=window)
    assert take_steps(retry) == LookUp("7")
    assert retry.next_step(Found(task(7))) == Done(task(7), adopted=True, attempt=1)
    for outcome in (Absent(), Problem(AWAY)):
        step = take_steps(submission_of(may_be_sent=True, window=window), outcome)
        assert isinstance(step.error, kling.KlingSubmissionInDoubtError)


@pytest.mark.parametrize("name", ["", "x"])
def test_a_failed_one_is_not_charged_and_not_taken_for_the_next(name):
    failed = task(7, status=TaskStatus.FAILED)
    retry = submission_of(may_be_sent=True, window=dataclasses.replace(WINDOW, task_id="7"), name=name)
    step = take_steps(retry, Found(failed))
    step = retry.next_step(Absent()) if name else step
    assert step == Post("x-af-2" if name else "")
    step = retry.next_step(Problem(CUT))
    step = retry.next_step(Absent()) if name else step
    assert step == Search(NOW)
    assert retry.next_step(listed(failed)) == Wait(2.0)


def test_a_host_that_keeps_the_name_after_all_is_asked_by_it_first():
    assert take_steps(submission_of(name="x"), Problem(CUT)) == LookUp("x")
    assert take_steps(submission_of(name="x"), Problem(CUT), Absent()) == Search(NOW)
    ours = task(3, external="x")
    assert take_steps(submission_of(name="x"), Problem(CUT), Absent(), listed(ours, task(2, external="y"))).task == ours


def test_a_name_that_exists_already_is_adopted():
    exists = Problem(kling.KlingDuplicateTaskError(1201, "External_task_id x already exists", http_status=400))
    for window in (WINDOW, None):
        assert take_steps(submission_of(name="x", window=window), exists) == LookUp("x")
        assert take_steps(submission_of(name="x", window=window), exists, Found(task())) == Done(
            task(), adopted=True, attempt=1
        )


@pytest.mark.parametrize("may_be_sent", [True, False])
def test_without_a_list_a_name_is_looked_for_again_and_nothing_is_sent(may_be_sent):
    submission = submission_of(name="x", window=None, may_be_sent=may_be_sent)
    steps = [submission.start()]
    while not isinstance(steps[-1], Fail):
        steps.append(submission.next_step({Post: Problem(CUT), LookUp: Absent(), Wait: Waited()}[type(steps[-1])]))
    looks = [LookUp("x"), Wait(2.0), LookUp("x"), Wait(5.0), LookUp("x")]
    assert steps[:-1] == (looks if may_be_sent else [Post("x"), *looks])
    assert isinstance(steps[-1].error, kling.KlingAnswerLostError)


@pytest.mark.parametrize("kept", [None, {}, "x", {"since": "x", "until": 1}, {"since": float("nan"), "until": 1}])
def test_what_is_not_a_window_is_none(kept):
    assert Window.from_dict(kept) is None


def test_a_window_is_read_as_it_was_kept():
    window = dataclasses.replace(WINDOW, task_id="7", closed=("5", "6"))
    assert json.loads(json.dumps(window.to_dict())) == window.to_dict()
    assert Window.from_dict(window.to_dict()) == window


def test_a_list_from_new_to_old_is_read_no_further_than_it_must():
    old, new = task(1, at=NOW - 100), task(2)
    assert ends_before([new, old], NOW)
    assert not ends_before([old, new], NOW), "another order says nothing"
    assert not ends_before([new, task(3)], NOW)
    assert not ends_before([], NOW)
    assert not ends_before([old, dataclasses.replace(old, task_id="4")], NOW), "one time shows no order"


@dataclasses.dataclass
class Account:
    """Kling's side without ids: every POST that arrives is a task, and others make tasks meanwhile."""

    ours: list[Task] = dataclasses.field(default_factory=list)
    others: list[Task] = dataclasses.field(default_factory=list)

    def post(self, fate: str):
        if fate == "refused":
            return Problem(kling.KlingRequestError(1201, "no", http_status=400))
        if fate == "lost before":
            return Problem(CUT)
        made = task(100 + len(self.ours), status=TaskStatus.FAILED if fate == "failed" else TaskStatus.SUBMITTED)
        self.ours.append(made)
        return Problem(CUT) if fate == "lost after" else Found(made)

    def list(self, fate: str):
        if fate == "lost before":
            return Problem(AWAY)
        if fate == "refused":
            return Problem(NO_LIST)
        if fate == "another's":
            self.others.append(task(500 + len(self.others)))
        shown = () if fate == "not visible yet" else (*self.ours, *self.others)
        return Listed(tuple(shown), frozenset(other.task_id for other in self.others))


FATES = st.sampled_from(["fine", "lost before", "lost after", "refused", "failed", "another's", "not visible yet"])


@pytest.mark.timeout(3600)
@settings(max_examples=500 * STEPS, deadline=None)
@given(st.lists(st.tuples(st.lists(FATES, min_size=1, max_size=20), st.integers(0, 20)), min_size=1, max_size=6))
def test_whatever_is_lost_wherever_a_worker_dies_nothing_is_paid_twice(tries):
    """Each try keeps its window before it sends, as the operator does, and may be killed after any number of steps."""
    account, kept = Account(), None
    for fates, dies_after in tries:
        submission = submission_of(may_be_sent=kept is not None, window=kept or WINDOW)
        was_sent = kept is not None
        step = submission.start()
        for index in range(dies_after):
            fate = fates[index % len(fates)]
            match step:
                case Post():
                    kept = submission.window
                    step = submission.next_step(account.post(fate))
                case Search():
                    step = submission.next_step(account.list(fate))
                case LookUp(task_id):
                    step = submission.next_step(Found(next(made for made in account.ours if made.task_id == task_id)))
                case Wait():
                    step = submission.next_step(Waited())
                case Done(found):
                    assert found in account.ours, "never another's"
                    kept = dataclasses.replace(submission.window, task_id=found.task_id)
                    break
                case Fail(error):
                    if not isinstance(error, kling.KlingSubmissionInDoubtError) and not was_sent:
                        kept = None
                    break
        assert sum(made.status is not TaskStatus.FAILED for made in account.ours) <= 1
