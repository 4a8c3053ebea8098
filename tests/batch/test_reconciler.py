"""The reconciler of a batch against a Kling of a few lines: cheap enough to go wrong thousands of times."""

from __future__ import annotations

import dataclasses
import itertools
import time

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from support import STEPS

from airflow_provider_kling.batch.actions import (
    BACKLOG_SHARE,
    DEFAULT_THREADS,
    Desired,
    FindTask,
    Finish,
    ImageUnavailableError,
    Pace,
    Policy,
    Store,
    Submit,
    Wait,
    Watch,
)
from airflow_provider_kling.batch.reconciler import Reconciler
from airflow_provider_kling.batch.records import read_record
from airflow_provider_kling.exceptions import (
    KlingAccountError,
    KlingAuthenticationError,
    KlingConcurrencyError,
    KlingConfigurationError,
    KlingConnectionError,
    KlingContentPolicyError,
    KlingDuplicateTaskError,
    KlingRateLimitError,
    KlingRequestError,
    KlingResponseError,
    KlingResultError,
    KlingTaskNotFoundError,
)
from airflow_provider_kling.models import Task, TaskStatus, Video
from airflow_provider_kling.submission import protocol

CUT = KlingConnectionError("cut")
PAGE = KlingResponseError("an HTML page", http_status=403)
FULL = KlingConcurrencyError(1303, "parallel task over resource pack limit", http_status=429)
SENDERS = STORERS = DEFAULT_THREADS
START = 1_000_000.0
FOREVER = START + 1e9
VIDEO = (Video("v", "https://kling.example/v.mp4"),)


def task(name: str, status=TaskStatus.SUBMITTED, *, task_id="1", message="", units="", created=START + 1) -> Task:
    videos = VIDEO if status is TaskStatus.SUCCEED else ()
    return Task(task_id, status, "image2video", message, name, int(created * 1000), 0, units=units, results=videos)


def batch(count=3, **policy) -> Reconciler:
    desired = [Desired(f"k{number}", f"x{number}") for number in range(count)]
    return Reconciler(
        desired, Policy(**{"concurrency": 5, "started_at": START, "end_time": FOREVER, **policy}), jitter=lambda: 0.5
    )


def kinds(actions) -> list[str]:
    return [type(action).__name__ for action in actions]


def submits(actions) -> list[str]:
    return [action.key for action in actions if isinstance(action, Submit)]


def finished(key: int, units="1") -> Task:
    return task(f"x{key}", TaskStatus.SUCCEED, task_id=f"t{key}", units=units)


def done(one: Reconciler, key: int, units="1", now=START) -> None:
    one.observed(f"k{key}", finished(key, units), now)
    one.stored(f"k{key}", [{"uri": "u"}])


def test_it_submits_in_order_up_to_the_concurrency_and_a_few_at_once():
    one = batch(10, concurrency=6)
    assert submits(one.decide(START)) == ["k0", "k1", "k2", "k3"][:SENDERS]
    for number in range(SENDERS):
        one.observed(f"k{number}", task(f"x{number}"), START)
    actions = one.decide(START)
    assert submits(actions) == ["k4", "k5"]
    assert kinds(actions).count("Watch") == SENDERS
    assert submits(one.decide(START)) == []


def test_a_survey_that_is_complete_needs_no_further_looks():
    one = batch()
    one.observe_all({"x1": task("x1")}, complete=True, sent_before=True, now=START)
    assert [action for action in one.decide(START) if isinstance(action, Submit)] == [
        Submit("k0", look_up_first=False),
        Submit("k2", look_up_first=False),
    ]


def test_after_an_incomplete_survey_a_restart_looks_first():
    one = batch(1)
    one.observe_all({}, complete=False, sent_before=True, now=START)
    assert Submit("k0", look_up_first=True) in one.decide(START)


def test_no_slot_waits_until_one_of_ours_has_ended_or_a_while_has_passed():
    one = batch(4, concurrency=4)
    one.decide(START)
    one.observed("k0", task("x0"), START)
    for key in ("k1", "k2", "k3"):
        one.not_submitted(key, FULL, START)
    assert submits(one.decide(START)) == []
    done(one, 0, now=START + 1)
    assert submits(one.decide(START + 1)) == ["k1"], "the slot that our own task left"
    one.observed("k1", task("x1", task_id="t1"), START + 1)
    assert submits(one.decide(START + 1)) == []
    assert submits(one.decide(START + 100)) == ["k2"], "others may have left a slot: one try"


def test_a_rate_limit_pauses_everything():
    one = batch(5, concurrency=5)
    one.decide(START)
    one.not_submitted("k0", KlingRateLimitError(1302, "too fast", http_status=429), START)
    assert submits(one.decide(START + 1)) == []
    assert submits(one.decide(START + 3)) == ["k0"]


def test_what_is_in_doubt_holds_its_place_and_comes_first():
    one = batch(3, concurrency=1)
    one.decide(START)
    one.not_submitted("k0", CUT, START)
    assert submits(one.decide(START)) == []
    assert [action for action in one.decide(START + 60) if isinstance(action, Submit)] == [Submit("k0", True)]


def test_a_stopped_batch_looks_for_what_is_in_doubt_and_does_not_send_it():
    one = batch(2, concurrency=2, stop_on_failure=True)
    one.decide(START)
    one.not_submitted("k0", KlingRequestError(1201, "bad", http_status=400), START)
    one.not_submitted("k1", CUT, START)
    assert FindTask("k1", "x1") in one.decide(START + 60)
    one.lookup_failed("k1", START + 60)
    assert FindTask("k1", "x1") in one.decide(START + 120)
    one.not_found("k1")
    assert one.decide(START + 120) == [Finish("item_failure")]
    assert [line["status"] for line in one.records(ended=True)] == ["failed", "stopped"]


@pytest.mark.parametrize("retries", [0, 1, 2])
def test_attempts_are_counted_and_those_before_this_run_are_not(retries):
    one = batch(1, item_retries=retries)
    one.observe_all(
        {"x0": task("x0", TaskStatus.FAILED, created=START - 100)}, complete=True, sent_before=True, now=START
    )
    for number in range(retries + 1):
        assert submits(one.decide(START)) == ["k0"]
        one.observed("k0", task(f"x0-{number + 2}", TaskStatus.FAILED, task_id=f"t{number}"), START)
    assert one.decide(START) == [Finish("done")]
    assert one.records()[0]["error"]["error"] == "KlingTaskFailedError"


def test_what_moderation_stopped_is_never_sent_again_not_even_by_a_retry():
    one = batch(1, item_retries=5)
    stopped = task("x0", TaskStatus.FAILED, message="Failure to pass the risk control system", created=START - 100)
    one.observe_all({"x0": stopped}, complete=True, sent_before=True, now=START)
    assert one.decide(START) == [Finish("done")]
    assert one.records()[0]["error"]["permanent"] is True


def test_an_error_of_the_account_stops_everything_but_what_runs():
    one = batch(8, concurrency=3)
    one.decide(START)
    one.observed("k0", task("x0"), START)
    refusal = KlingAccountError(1102, "used up", http_status=429)
    one.not_submitted("k1", refusal, START)
    one.not_submitted("k2", refusal, START)
    assert kinds(one.decide(START)) == ["Watch", "Wait"]
    done(one, 0)
    (finish,) = one.decide(START)
    assert (finish.reason, finish.failure.code) == ("refused", 1102)


def test_a_refused_key_is_believed_the_third_time():
    one, now = batch(1), START
    for _ in range(3):
        assert submits(one.decide(now)) == ["k0"]
        one.not_submitted("k0", KlingAuthenticationError(1002, "unknown", http_status=401), now)
        now += 100
    assert one.decide(now)[0].reason == "refused"


def test_max_units_counts_what_runs_and_learns_the_price_from_one():
    one = batch(10, concurrency=5, max_units=7)
    assert submits(one.decide(START)) == ["k0"], "the price is not known yet"
    done(one, 0, units="2")
    assert submits(one.decide(START)) == ["k1", "k2"]
    done(one, 1, units="2")
    done(one, 2, units="2")
    assert one.decide(START) == [Finish("max_units")]
    assert [line["status"] for line in one.records(ended=True)].count("stopped") == 7


def stores(actions) -> list[tuple[str, bool]]:
    return [(action.key, action.fresh) for action in actions if isinstance(action, Store)]


def test_a_storage_that_is_slower_than_kling_lets_no_results_pile_up():
    full = BACKLOG_SHARE + 1
    reconciler = batch(full + 3, store_concurrency=1)
    reconciler.observe_all(
        {f"x{key}": finished(key) for key in range(full)}, complete=True, sent_before=True, now=START
    )
    assert submits(reconciler.decide(START)) == [], "one is being stored, and as many wait as may"
    reconciler.stored("k0", [{"uri": "u"}])
    assert submits(reconciler.decide(START)) == [f"k{full}", f"k{full + 1}", f"k{full + 2}"]


def test_results_are_copied_a_few_at_once_and_tried_again_with_fresh_links():
    one = batch(3, store_concurrency=2)
    one.observe_all({f"x{key}": finished(key) for key in range(3)}, complete=True, sent_before=True, now=START)
    assert stores(one.decide(START)) == [("k0", False), ("k1", False)]
    one.not_stored("k0", KlingResultError("dead link"), START)
    one.stored("k1", [{"uri": "u"}])
    assert stores(one.decide(START)) == [("k2", False)]
    assert stores(one.decide(START + 60)) == [("k0", True)]


@pytest.mark.parametrize(
    "error",
    [
        KlingResultError("HTTP 503"),
        KlingConnectionError("storage is away"),
        KlingAuthenticationError(1002, "unknown", http_status=401),
        KlingTaskNotFoundError(1201, "no such task", http_status=404),
        KlingConfigurationError("no connection"),
    ],
)
def test_a_paid_video_is_stored_until_the_batch_has_ended(error):
    one, now = batch(1, end_time=START + 3600), START
    one.observe_all({"x0": finished(0)}, complete=True, sent_before=True, now=now)
    tries = 0
    while not isinstance(one.decide(now)[-1], Finish):
        if stores(one.decide(now)) or one.progress()["storing"]:
            one.not_stored("k0", error, now)
            tries += 1
        now += 61
        assert one.records()[0]["status"] == "storing"
        if now > START + 3600:
            break
    assert tries > 20
    assert one.decide(START + 3600) == [Finish("timeout")]
    assert one.records(ended=True)[0]["error"]["permanent"] is False


def test_a_result_that_is_not_what_was_asked_for_is_not_fetched_for_ever():
    class WrongLengthError(KlingResultError):
        transient = False

    one = batch(1)
    one.observe_all({"x0": finished(0)}, complete=True, sent_before=True, now=START)
    one.decide(START)
    one.not_stored("k0", WrongLengthError("plays 3 s"), START)
    assert one.records()[0]["status"] == "failed"


def test_a_manifest_says_what_is_stored_and_what_was_refused():
    first = batch(3)
    first.decide(START)
    done(first, 0)
    first.not_submitted("k1", KlingContentPolicyError(1301, "no", http_status=400), START)
    second = batch(3)
    second.observe_all({"x0": finished(0)}, complete=True, sent_before=True, now=START)
    recall(second, *first.records(), {"key": "k9"}, {}, {"key": "k2", "external_task_id": "another", "files": [1]})
    assert [line["status"] for line in second.records()] == ["succeed", "failed", "waiting"]
    later = batch(3, started_at=START + 1)
    recall(later, first.records()[1])
    assert later.records()[1]["status"] == "waiting", "a Clear tries what was refused again"


def recall(one: Reconciler, *lines) -> None:
    for line in lines:
        if record := read_record(line):
            one.restore(record)


def test_what_was_paid_is_never_paid_again_even_if_kling_does_not_list_it():
    first = batch(3)
    first.decide(START)
    done(first, 0)
    first.observed("k1", task("x1", task_id="t1"), START)
    second = batch(3)
    second.observe_all({}, complete=True, sent_before=True, now=START)
    recall(second, *first.records())
    assert [line["status"] for line in second.records()] == ["succeed", "running", "waiting"]
    actions = second.decide(START)
    assert submits(actions) == ["k2"]
    assert [action.task.task_id for action in actions if isinstance(action, Watch)] == ["t1"]
    assert second.records()[0]["task_id"] == "t0"
    assert second.progress()["units"] == 1.0


def test_a_stored_file_that_is_gone_is_copied_again():
    first = batch(1)
    first.decide(START)
    done(first, 0)
    second = batch(1)
    second.observe_all({"x0": finished(0)}, complete=True, sent_before=True, now=START)
    second.restore(read_record(first.records()[0]), files_exist=False)
    assert stores(second.decide(START)) == [("k0", False)]


@pytest.mark.parametrize(
    "line",
    [
        *(None, [], "x", 7, {"key": 1, "external_task_id": "x0"}, {"key": "k0"}),
        {"key": "k0", "external_task_id": "x0", "status": "failed", "error": {"new": 1}},
        {"key": "k0", "external_task_id": "x0", "status": "failed", "error": "text"},
        {"key": "k0", "external_task_id": "x0", "status": ["failed"], "error": {"error": "E", "permanent": True}},
        {"key": "k0", "external_task_id": "x0", "status": "succeed", "files": "f", "task_id": None},
        {"key": "k0", "external_task_id": "x0", "status": "succeed", "files": [1, {"uri": 5}], "task_id": 7.5},
        {"key": "k0", "external_task_id": "x0", "status": "failed", "error": {"error": "E", "code": "x", "at": "now"}},
    ],
)
def test_a_manifest_of_another_shape_is_as_good_as_none(line):
    one = batch(1)
    recall(one, line)
    assert one.records()[0]["status"] == "waiting"


def test_an_error_of_a_manifest_may_have_more_or_less_than_ours():
    one = batch(1)
    error = {"error": "KlingContentPolicyError", "permanent": True, "at": START + 1, "something_new": [1]}
    recall(one, {"key": "k0", "external_task_id": "x0", "status": "failed", "error": error, "more": 1})
    assert one.records()[0]["error"]["error"] == "KlingContentPolicyError"
    assert one.records()[0]["status"] == "failed"


def test_a_task_that_cannot_be_read_is_watched_again_until_the_end():
    one, now = batch(1, end_time=START + 3600), START
    one.decide(now)
    one.observed("k0", task("x0", task_id="77"), now)
    for _ in range(30):
        assert [action.task.task_id for action in one.decide(now) if isinstance(action, Watch)] == ["77"]
        one.unreadable("k0", "no such task 77.", now)
        assert kinds(one.decide(now)) == ["Wait"]
        now += 100
    assert one.records()[0]["status"] == "running"
    assert "77" in one.records()[0]["error"]["message"]
    assert one.decide(START + 3601) == [Finish("timeout")]


def test_an_error_page_for_one_submission_is_about_that_item_and_looked_into():
    one = batch(8, concurrency=8)
    one.decide(START)
    one.not_submitted("k0", PAGE, START)
    for key in ("k1", "k2", "k3"):
        one.observed(key, task(f"x{key[1:]}", task_id=key), START)
    assert submits(one.decide(START)) == ["k4", "k5", "k6", "k7"]
    for key in ("k4", "k5", "k6", "k7"):
        one.observed(key, task(f"x{key[1:]}", task_id=key), START)
    assert [action for action in one.decide(START + 60) if isinstance(action, Submit)] == [Submit("k0", True)]


def test_an_item_whose_submission_always_meets_an_error_page_is_looked_for_before_it_is_given_up():
    one, now, sent = batch(1), START, 0
    while "FindTask" not in kinds(actions := one.decide(now)):
        sent += len(submits(actions))
        if submits(actions):
            one.not_submitted("k0", PAGE, now)
        now += 61
        assert sent < 20
    one.not_found("k0")
    assert one.records()[0]["error"]["permanent"] is False
    assert one.decide(now) == [Finish("done")]


def test_error_pages_for_all_items_pause_everything_and_end_it_only_when_they_last():
    one, now, sent = batch(1000, concurrency=1000), START, 0
    while not isinstance((actions := one.decide(now))[0], Finish):
        for key in submits(actions):
            one.not_submitted(key, PAGE, now)
            sent += 1
        for action in actions:
            if isinstance(action, FindTask):
                one.not_found(action.key)
        now += 10
        assert now < START + 7200
    assert sent < 200
    assert (actions[0].reason, actions[0].failure.permanent) == ("refused", False)
    assert now - START >= Pace().patience


def test_a_connection_that_is_missing_for_a_while_is_waited_for():
    one, now = batch(2), START
    for _ in range(3):
        for key in submits(one.decide(now)):
            one.not_submitted(key, KlingConfigurationError("not defined in the triggerer"), now)
        assert submits(one.decide(now)) == []
        now += 61
    assert submits(one.decide(now)) == ["k0", "k1"]
    while not isinstance((actions := one.decide(now))[0], Finish):
        for key in ("k0", "k1"):
            one.not_submitted(key, KlingConfigurationError("not defined in the triggerer"), now)
        now += 61
    assert (actions[0].reason, actions[0].failure.permanent) == ("refused", False)


def test_an_image_that_cannot_be_read_for_a_while_keeps_its_item_and_holds_no_slot():
    one = batch(2, concurrency=1)
    assert submits(one.decide(START)) == ["k0"]
    one.not_submitted("k0", ImageUnavailableError("storage is away"), START)
    assert submits(one.decide(START)) == ["k1"]
    done_by = START + 61
    one.observed("k1", finished(1), done_by)
    assert submits(one.decide(done_by)) == ["k0"]


def test_several_threads_that_meet_a_refused_key_in_one_moment_count_once():
    one = batch(8, concurrency=8)
    keys = submits(one.decide(START))
    for key in keys:
        one.not_submitted(key, KlingAuthenticationError(1002, "unknown", http_status=401), START)
    assert submits(one.decide(START + 60)) == keys


def test_a_thread_that_hangs_holds_the_end_only_for_a_while():
    one = batch(2, end_time=START + 10)
    one.decide(START)
    one.observed("k0", finished(0), START)
    one.decide(START)
    late = START + 10 + Pace().last_steps
    assert one.decide(late - 1) == [Wait(1.0)]
    assert one.decide(late) == [Finish("timeout")]
    assert [line["status"] for line in one.records(ended=True)] == ["storing", "running"]


@pytest.mark.parametrize("units", ["NaN", "-1", "Infinity", "1e999999", "x", ""])
def test_units_that_are_no_amount_are_unknown(units):
    one = batch(3, concurrency=1, max_units=10)
    one.decide(START)
    done(one, 0, units=units)
    assert one.progress()["units"] == 0.0
    assert submits(one.decide(START)) == ["k1"]


def test_a_decision_costs_what_it_decides_however_many_items_there_are():
    def seconds(count: int) -> float:
        one = batch(count, concurrency=count)
        one.observe_all({f"x{key}": finished(key) for key in range(count)}, complete=True, sent_before=True, now=START)
        one.decide(START)
        began = time.process_time()
        for key in range(500):
            one.stored(f"k{key}", [{"uri": "u"}])
            one.decide(START)
        return time.process_time() - began

    seconds(1000)
    assert seconds(20_000) < 10 * max(seconds(1000), 0.005)


def test_the_deadline_ends_it_but_not_while_a_thread_is_at_work():
    one = batch(3, concurrency=2, end_time=START + 10)
    assert one.decide(START)[-1] == Wait(10.0)
    one.observed("k0", task("x0"), START)
    assert Finish("timeout") not in one.decide(START + 11)
    one.observed("k1", task("x1", task_id="t1"), START + 11)
    assert one.decide(START + 11) == [Finish("timeout")]
    assert one.progress() == {
        "items": 3,
        "done": 0,
        "failed": 0,
        "running": 2,
        "storing": 0,
        "waiting": 1,
        "units": 0.0,
        "cash": 0.0,
    }


def test_what_a_post_paid_account_is_charged_stands_in_the_manifest_and_is_read_again():
    reconciler = batch(1)
    reconciler.decide(START)
    reconciler.observed("k0", dataclasses.replace(finished(0), cash="0.42"), START)
    (line,) = reconciler.records()
    assert line["cash"] == "0.42"
    record = read_record(line)
    assert record is not None
    assert (record.cash, record.task("image2video").cash) == ("0.42", "0.42")


def test_what_all_videos_cost_in_cash_is_added_up_and_what_is_no_amount_is_not():
    reconciler = batch(4)
    for number, cash in enumerate(["0.42", "0.08", "NaN", "-1"]):
        reconciler.observed(f"k{number}", dataclasses.replace(finished(number), cash=cash), START)
    assert reconciler.progress()["cash"] == 0.5
    reconciler.observed("k0", dataclasses.replace(finished(0), cash="0.40"), START)
    assert reconciler.progress()["cash"] == pytest.approx(0.48), "an item counts once"


@pytest.mark.parametrize("hours", [-2, 2])
def test_an_item_gets_its_further_attempts_and_no_more_whatever_kling_calls_the_time(hours):
    reconciler, sent = batch(1, item_retries=2), 0
    for number in range(1, 8):
        for action in reconciler.decide(START + number):
            if isinstance(action, Submit):
                sent += 1
                name = "x0" if sent == 1 else f"x0-af-{sent}"
                failed = task(name, TaskStatus.FAILED, task_id=f"t{sent}", created=START + 3600 * hours)
                reconciler.observed("k0", failed, START + number)
    assert sent == 3
    assert reconciler.progress()["failed"] == 1


def test_a_retry_tries_again_what_had_failed_before_it_also_when_klings_clock_is_ahead():
    failed = task("x0", TaskStatus.FAILED, created=START + 3600)
    reconciler = batch(1, item_retries=0)
    reconciler.observe_all({"x0": failed}, complete=True, sent_before=True, now=START)
    error = {"error": "KlingTaskFailedError", "message": "busy", "permanent": False, "at": START - 60}
    line = {"key": "k0", "external_task_id": "x0", "status": "failed", "task_id": "1", "error": error}
    reconciler.restore(read_record(line))
    assert submits(reconciler.decide(START)) == ["k0"]


def test_an_item_whose_attempts_are_used_up_is_not_asked_for_until_the_deadline():
    reconciler = batch(1, item_retries=1000)
    names = ["x0", *(f"x0-af-{number}" for number in range(2, protocol.MAX_ATTEMPTS + 1))]
    tasks = {name: task(name, TaskStatus.FAILED, task_id=name, created=START - 1) for name in names}
    reconciler.observe_all(tasks, complete=True, sent_before=True, now=START)
    assert reconciler.decide(START) == [Finish("done")]
    assert reconciler.records()[0]["status"] == "failed"


@pytest.mark.parametrize("at", [10**400, -(10**400), True, "soon", None, float("nan"), float("inf")])
def test_a_time_in_a_manifest_that_is_none_makes_nothing_final(at):
    error = {"error": "KlingContentPolicyError", "permanent": True, "at": at}
    record = read_record({"key": "k", "external_task_id": "x", "status": "failed", "error": error})
    assert record.failed_for_good_since(START) is None


@pytest.mark.parametrize("task_id", ["../../account/costs", "a b", "", None, 7.5, "x" * 500])
def test_a_manifest_cannot_name_a_task_by_what_is_no_id(task_id):
    record = read_record({"key": "k", "external_task_id": "x", "status": "running", "task_id": task_id})
    assert (record.task_id, record.may_be_paid) == ("", False)


class Kling:
    """Tasks by external id, and the rule that an id is taken once."""

    def __init__(self, slots: int) -> None:
        self.slots = slots
        self.tasks: dict[str, Task] = {}
        self.numbers = itertools.count(1)

    def alive(self) -> list[str]:
        return [name for name, one in self.tasks.items() if not one.status.is_terminal]

    def create(self, name: str, now: float) -> protocol.Outcome:
        if name in self.tasks:
            return protocol.Problem(KlingDuplicateTaskError(1201, "already exists", http_status=400))
        if len(self.alive()) >= self.slots:
            return protocol.Problem(FULL)
        self.tasks[name] = task(name, task_id=f"t{next(self.numbers)}", created=now)
        return protocol.Found(self.tasks[name])

    def end(self, name: str, status: TaskStatus, message: str = "") -> None:
        old = self.tasks[name]
        self.tasks[name] = task(
            name, status, task_id=old.task_id, message=message, units="1", created=old.created_at / 1000
        )


STORE_FAULTS = {
    "lost": KlingResultError("HTTP 503"),
    "before": KlingConnectionError("storage is away"),
    "blind": KlingTaskNotFoundError(1201, "no such task", http_status=404),
}


class Observer:
    """One triggerer's run of the batch: a reconciler, and what its threads have not carried out yet."""

    def __init__(self, reconciler: Reconciler) -> None:
        self.reconciler = reconciler
        self.pending: list = []
        self.finish: Finish | None = None

    def decide(self, now: float) -> None:
        if self.finish:
            return
        for action in self.reconciler.decide(now):
            if isinstance(action, Finish):
                self.finish = action
            elif not isinstance(action, Wait):
                self.pending.append(action)


FAULTS = st.sampled_from([[], [], [], ["lost"], ["lost", "blind"], ["before", "blind"], ["before"], ["blind"]])


class Batch(RuleBasedStateMachine):
    """Everything that can happen to a batch, in any order."""

    @initialize(count=st.integers(1, 9), concurrency=st.integers(1, 4), slots=st.integers(1, 5), calm=st.booleans())
    def begin(self, count, concurrency, slots, calm):
        self.calm = calm
        self.now, self.count, self.concurrency = START + 1, count, concurrency
        self.kling = Kling(slots)
        self.orphans: list[tuple[str, bool]] = []
        self.disorder = 0
        self.observers = [self.fresh(complete=True)]

    def fresh(self, *, complete: bool) -> Observer:
        one = batch(self.count, concurrency=self.concurrency, item_retries=2)
        known = dict(itertools.islice(self.kling.tasks.items(), None if complete else len(self.kling.tasks) // 2))
        one.observe_all(known, complete=complete, sent_before=True, now=self.now)
        return Observer(one)

    def protocol(self, name: str, look_up_first: bool, faults: list[str]) -> protocol.Done | protocol.Fail:
        """The real pay-once protocol against this Kling."""
        machine = protocol.Submission(name, look_up_first=look_up_first)
        step, faults = machine.start(), list(faults)
        while not isinstance(step, (protocol.Done, protocol.Fail)):
            fault = faults.pop(0) if faults else ""
            match step:
                case protocol.Wait():
                    outcome = protocol.Waited()
                case protocol.LookUp(one):
                    found = self.kling.tasks.get(one)
                    outcome = protocol.Found(found) if found else protocol.Absent()
                    outcome = protocol.Problem(CUT) if fault == "blind" else outcome
                case protocol.Post(one):
                    outcome = None if fault == "before" else self.kling.create(one, self.now)
                    outcome = protocol.Problem(CUT) if fault in ("lost", "before") else outcome
            step = machine.on(outcome)
        return step

    def carry_out(self, observer: Observer, action, faults: list[str]) -> bool:
        """Whether the action is over."""
        one, fault = observer.reconciler, faults[0] if faults else ""
        match action:
            case Submit(key, look_up_first):
                result = self.protocol(f"x{key[1:]}", look_up_first, faults)
                if isinstance(result, protocol.Done):
                    one.observed(key, result.task, self.now)
                else:
                    one.not_submitted(key, result.error, self.now)
            case Watch(key, watched):
                current = self.kling.tasks[watched.external_task_id]
                if fault:
                    one.unreadable(key, "not found, three times", self.now)
                    return True
                if not current.status.is_terminal:
                    return False
                one.observed(key, current, self.now)
            case Store(key, _, _):
                if fault:
                    one.not_stored(key, STORE_FAULTS[fault], self.now)
                else:
                    one.stored(key, [{"uri": key}])
            case FindTask():
                raise AssertionError("nothing stops this batch early")
        return True

    @rule(data=st.data(), faults=FAULTS)
    def the_loop_turns(self, data, faults):
        observer = data.draw(st.sampled_from(self.observers))
        observer.decide(self.now)
        self.a_thread_of(observer, data, faults)

    @rule(data=st.data(), faults=FAULTS)
    def a_thread_comes_back(self, data, faults):
        self.a_thread_of(data.draw(st.sampled_from(self.observers)), data, faults)

    def a_thread_of(self, observer, data, faults):
        if observer.pending:
            action = observer.pending.pop(data.draw(st.integers(0, len(observer.pending) - 1)))
            if not self.carry_out(observer, action, faults):
                observer.pending.append(action)

    @rule(data=st.data(), bad=st.sampled_from(["", "", "", "busy", "risk control"]))
    def kling_ends_a_task(self, data, bad):
        if alive := self.kling.alive():
            name = data.draw(st.sampled_from(alive))
            self.kling.end(name, TaskStatus.FAILED if bad else TaskStatus.SUCCEED, bad)

    @rule(seconds=st.sampled_from([0.1, 1.0, 5.0, 100.0]))
    def time_passes(self, seconds):
        self.now += seconds

    @precondition(lambda self: not self.calm)
    @rule(data=st.data(), complete=st.booleans(), in_the_air=st.booleans())
    def a_triggerer_restarts(self, data, complete, in_the_air):
        index = data.draw(st.integers(0, len(self.observers) - 1))
        sent = [one for one in self.observers[index].pending if isinstance(one, Submit)] if in_the_air else []
        self.orphans += [(f"x{one.key[1:]}", one.look_up_first) for one in sent]
        self.disorder += len(sent)
        self.observers[index] = self.fresh(complete=complete)

    @precondition(lambda self: not self.calm and len(self.observers) < 2)
    @rule(complete=st.booleans())
    def a_second_triggerer_runs_the_same(self, complete):
        self.disorder += self.concurrency
        self.observers.append(self.fresh(complete=complete))

    @precondition(lambda self: self.orphans)
    @rule(faults=FAULTS)
    def a_request_of_a_dead_triggerer_arrives(self, faults):
        self.protocol(*self.orphans.pop(), faults)

    @invariant()
    def an_item_has_one_task_alive_and_never_a_second_success(self):
        if not hasattr(self, "kling"):
            return
        for number in range(self.count):
            chain = [one for name, one in self.kling.tasks.items() if name.split("-")[0] == f"x{number}"]
            assert sum(one.status is not TaskStatus.FAILED for one in chain) <= 1

    @invariant()
    def what_is_paid_is_never_given_up(self):
        for observer in getattr(self, "observers", ()):
            for record in observer.reconciler.records():
                if record["status"] == "failed":
                    assert self.kling.tasks[self.named(record)].status is TaskStatus.FAILED

    @invariant()
    def no_more_run_than_were_asked_for(self):
        if hasattr(self, "kling"):
            assert len(self.kling.alive()) <= self.concurrency + self.disorder

    def teardown(self):
        if not hasattr(self, "kling"):
            return
        while self.orphans:
            self.protocol(*self.orphans.pop(), [])
        for _ in range(300):
            self.now += 200
            for observer in self.observers:
                observer.decide(self.now)
                observer.pending = [one for one in observer.pending if not self.carry_out(observer, one, [])]
            for name in self.kling.alive():
                self.kling.end(name, TaskStatus.SUCCEED)
            if all(observer.finish for observer in self.observers):
                break
        for observer in self.observers:
            assert observer.finish == Finish("done")
            self.check_that_nothing_is_lost(observer.reconciler.records(ended=True))

    def check_that_nothing_is_lost(self, records):
        assert {record["status"] for record in records} <= {"succeed", "failed"}
        for record in records:
            if record["status"] == "failed":
                assert record["error"]["error"] in {"KlingTaskFailedError", "KlingContentPolicyError"}
            else:
                assert self.kling.tasks[self.named(record)].status is TaskStatus.SUCCEED
                assert record["files"]

    def named(self, record) -> str:
        return next(name for name, one in self.kling.tasks.items() if one.task_id == record["task_id"])


TestBatch = Batch.TestCase
TestBatch.settings = settings(max_examples=100 * STEPS, stateful_step_count=50, deadline=None)
