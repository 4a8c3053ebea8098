"""The reconciler of a batch with a minimal in-memory Kling, so that thousands of failure sequences can be tested."""

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
    DEFAULT_THREADS,
    MAX_BACKLOG_PER_THREAD,
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
from airflow_provider_kling.batch.records import Record, read_record
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


def done(reconciler: Reconciler, key: int, units="1", now=START) -> None:
    reconciler.observed(f"k{key}", finished(key, units), now)
    reconciler.stored(f"k{key}", [{"uri": "u"}])


def test_it_submits_in_order_up_to_the_concurrency_and_a_few_at_once():
    reconciler = batch(10, concurrency=6)
    assert submits(reconciler.decide(START)) == ["k0", "k1", "k2", "k3"][:SENDERS]
    for number in range(SENDERS):
        reconciler.observed(f"k{number}", task(f"x{number}"), START)
    actions = reconciler.decide(START)
    assert submits(actions) == ["k4", "k5"]
    assert kinds(actions).count("Watch") == SENDERS
    assert submits(reconciler.decide(START)) == []


def test_a_complete_observation_needs_no_further_lookups():
    reconciler = batch()
    reconciler.observe_all({"x1": task("x1")}, complete=True, sent_before=True, now=START)
    assert [action for action in reconciler.decide(START) if isinstance(action, Submit)] == [
        Submit("k0", look_up_first=False),
        Submit("k2", look_up_first=False),
    ]


def test_after_an_incomplete_observation_a_restart_looks_up_first():
    reconciler = batch(1)
    reconciler.observe_all({}, complete=False, sent_before=True, now=START)
    assert Submit("k0", look_up_first=True) in reconciler.decide(START)


def test_no_slot_waits_until_one_of_ours_has_ended_or_a_while_has_passed():
    reconciler = batch(4, concurrency=4)
    reconciler.decide(START)
    reconciler.observed("k0", task("x0"), START)
    for key in ("k1", "k2", "k3"):
        reconciler.not_submitted(key, FULL, START)
    assert submits(reconciler.decide(START)) == []
    done(reconciler, 0, now=START + 1)
    assert submits(reconciler.decide(START + 1)) == ["k1"], "the slot that our own task left"
    reconciler.observed("k1", task("x1", task_id="t1"), START + 1)
    assert submits(reconciler.decide(START + 1)) == []
    assert submits(reconciler.decide(START + 100)) == ["k2"], "others may have left a slot: one try"


def test_a_rate_limit_pauses_everything():
    reconciler = batch(5, concurrency=5)
    reconciler.decide(START)
    reconciler.not_submitted("k0", KlingRateLimitError(1302, "too fast", http_status=429), START)
    assert submits(reconciler.decide(START + 1)) == []
    assert submits(reconciler.decide(START + 3)) == ["k0"]


def test_what_is_in_doubt_holds_its_place_and_comes_first():
    reconciler = batch(3, concurrency=1)
    reconciler.decide(START)
    reconciler.not_submitted("k0", CUT, START)
    assert submits(reconciler.decide(START)) == []
    assert [action for action in reconciler.decide(START + 60) if isinstance(action, Submit)] == [Submit("k0", True)]


def test_a_stopped_batch_looks_for_what_is_in_doubt_and_does_not_send_it():
    reconciler = batch(2, concurrency=2, stop_on_failure=True)
    reconciler.decide(START)
    reconciler.not_submitted("k0", KlingRequestError(1201, "bad", http_status=400), START)
    reconciler.not_submitted("k1", CUT, START)
    assert FindTask("k1", "x1") in reconciler.decide(START + 60)
    reconciler.lookup_failed("k1", START + 60)
    assert FindTask("k1", "x1") in reconciler.decide(START + 120)
    reconciler.not_found("k1")
    assert reconciler.decide(START + 120) == [Finish("item_failure")]
    assert [line["status"] for line in reconciler.records(ended=True)] == ["failed", "stopped"]


@pytest.mark.parametrize("retries", [0, 1, 2])
def test_attempts_are_counted_and_those_before_this_run_are_not(retries):
    reconciler = batch(1, item_retries=retries)
    reconciler.observe_all(
        {"x0": task("x0", TaskStatus.FAILED, created=START - 100)}, complete=True, sent_before=True, now=START
    )
    for number in range(retries + 1):
        assert submits(reconciler.decide(START)) == ["k0"]
        reconciler.observed("k0", task(f"x0-{number + 2}", TaskStatus.FAILED, task_id=f"t{number}"), START)
    assert reconciler.decide(START) == [Finish("done")]
    assert reconciler.records()[0]["error"]["error"] == "KlingTaskFailedError"


def test_what_moderation_stopped_is_never_sent_again_not_even_by_a_retry():
    reconciler = batch(1, item_retries=5)
    stopped = task("x0", TaskStatus.FAILED, message="Failure to pass the risk control system", created=START - 100)
    reconciler.observe_all({"x0": stopped}, complete=True, sent_before=True, now=START)
    assert reconciler.decide(START) == [Finish("done")]
    assert reconciler.records()[0]["error"]["permanent"] is True


def test_an_error_of_the_account_stops_everything_but_what_runs():
    reconciler = batch(8, concurrency=3)
    reconciler.decide(START)
    reconciler.observed("k0", task("x0"), START)
    refusal = KlingAccountError(1102, "used up", http_status=429)
    reconciler.not_submitted("k1", refusal, START)
    reconciler.not_submitted("k2", refusal, START)
    assert kinds(reconciler.decide(START)) == ["Watch", "Wait"]
    done(reconciler, 0)
    (finish,) = reconciler.decide(START)
    assert (finish.reason, finish.failure.code) == ("refused", 1102)


def test_a_rejected_key_ends_the_batch_the_third_time():
    reconciler, now = batch(1), START
    for _ in range(3):
        assert submits(reconciler.decide(now)) == ["k0"]
        reconciler.not_submitted("k0", KlingAuthenticationError(1002, "unknown", http_status=401), now)
        now += 100
    assert reconciler.decide(now)[0].reason == "refused"


def test_max_units_counts_what_runs_and_learns_the_price_from_one():
    reconciler = batch(10, concurrency=5, max_units=7)
    assert submits(reconciler.decide(START)) == ["k0"], "the price is not known yet"
    done(reconciler, 0, units="2")
    assert submits(reconciler.decide(START)) == ["k1", "k2"]
    done(reconciler, 1, units="2")
    done(reconciler, 2, units="2")
    assert reconciler.decide(START) == [Finish("max_units")]
    assert [line["status"] for line in reconciler.records(ended=True)].count("stopped") == 7


def stores(actions) -> list[tuple[str, bool]]:
    return [(action.key, action.fresh) for action in actions if isinstance(action, Store)]


def test_a_storage_that_is_slower_than_kling_does_not_pile_up_results():
    full = MAX_BACKLOG_PER_THREAD + 1
    reconciler = batch(full + 3, store_concurrency=1)
    reconciler.observe_all(
        {f"x{key}": finished(key) for key in range(full)}, complete=True, sent_before=True, now=START
    )
    assert submits(reconciler.decide(START)) == [], "one is being stored, and as many wait as may"
    reconciler.stored("k0", [{"uri": "u"}])
    assert submits(reconciler.decide(START)) == [f"k{full}", f"k{full + 1}", f"k{full + 2}"]


def test_results_are_copied_a_few_at_once_and_tried_again_with_fresh_links():
    reconciler = batch(3, store_concurrency=2)
    reconciler.observe_all({f"x{key}": finished(key) for key in range(3)}, complete=True, sent_before=True, now=START)
    assert stores(reconciler.decide(START)) == [("k0", False), ("k1", False)]
    reconciler.not_stored("k0", KlingResultError("dead link"), START)
    reconciler.stored("k1", [{"uri": "u"}])
    assert stores(reconciler.decide(START)) == [("k2", False)]
    assert stores(reconciler.decide(START + 60)) == [("k0", True)]


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
    reconciler, now = batch(1, end_time=START + 3600), START
    reconciler.observe_all({"x0": finished(0)}, complete=True, sent_before=True, now=now)
    tries = 0
    while not isinstance(reconciler.decide(now)[-1], Finish):
        if stores(reconciler.decide(now)) or reconciler.progress()["storing"]:
            reconciler.not_stored("k0", error, now)
            tries += 1
        now += 61
        assert reconciler.records()[0]["status"] == "storing"
        if now > START + 3600:
            break
    assert tries > 20
    assert reconciler.decide(START + 3600) == [Finish("timeout")]
    assert reconciler.records(ended=True)[0]["error"]["permanent"] is False


def test_a_result_that_is_not_what_was_asked_for_is_not_fetched_forever():
    class WrongLengthError(KlingResultError):
        transient = False

    reconciler = batch(1)
    reconciler.observe_all({"x0": finished(0)}, complete=True, sent_before=True, now=START)
    reconciler.decide(START)
    reconciler.not_stored("k0", WrongLengthError("plays 3 s"), START)
    assert reconciler.records()[0]["status"] == "failed"


def test_a_manifest_lists_what_is_stored_and_what_was_refused():
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


def recall(reconciler: Reconciler, *lines) -> None:
    for line in lines:
        if record := read_record(line):
            reconciler.restore(record)


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
    reconciler = batch(1)
    recall(reconciler, line)
    assert reconciler.records()[0]["status"] == "waiting"


def test_an_error_of_a_manifest_may_have_more_or_less_than_ours():
    reconciler = batch(1)
    error = {"error": "KlingContentPolicyError", "permanent": True, "at": START + 1, "something_new": [1]}
    recall(reconciler, {"key": "k0", "external_task_id": "x0", "status": "failed", "error": error, "more": 1})
    assert reconciler.records()[0]["error"]["error"] == "KlingContentPolicyError"
    assert reconciler.records()[0]["status"] == "failed"


def test_a_task_that_cannot_be_read_is_watched_again_until_the_end():
    reconciler, now = batch(1, end_time=START + 3600), START
    reconciler.decide(now)
    reconciler.observed("k0", task("x0", task_id="77"), now)
    for _ in range(30):
        assert [action.task.task_id for action in reconciler.decide(now) if isinstance(action, Watch)] == ["77"]
        reconciler.unreadable("k0", "no such task 77.", now)
        assert kinds(reconciler.decide(now)) == ["Wait"]
        now += 100
    assert reconciler.records()[0]["status"] == "running"
    assert "77" in reconciler.records()[0]["error"]["message"]
    assert reconciler.decide(START + 3601) == [Finish("timeout")]


def test_an_error_page_for_one_submission_is_about_that_item_and_looked_into():
    reconciler = batch(8, concurrency=8)
    reconciler.decide(START)
    reconciler.not_submitted("k0", PAGE, START)
    for key in ("k1", "k2", "k3"):
        reconciler.observed(key, task(f"x{key[1:]}", task_id=key), START)
    assert submits(reconciler.decide(START)) == ["k4", "k5", "k6", "k7"]
    for key in ("k4", "k5", "k6", "k7"):
        reconciler.observed(key, task(f"x{key[1:]}", task_id=key), START)
    assert [action for action in reconciler.decide(START + 60) if isinstance(action, Submit)] == [Submit("k0", True)]


def test_an_item_whose_submission_always_meets_an_error_page_is_looked_for_before_it_is_given_up():
    reconciler, now, sent = batch(1), START, 0
    while "FindTask" not in kinds(actions := reconciler.decide(now)):
        sent += len(submits(actions))
        if submits(actions):
            reconciler.not_submitted("k0", PAGE, now)
        now += 61
        assert sent < 20
    reconciler.not_found("k0")
    assert reconciler.records()[0]["error"]["permanent"] is False
    assert reconciler.decide(now) == [Finish("done")]


def test_error_pages_for_all_items_pause_everything_and_end_it_only_when_they_last():
    reconciler, now, sent = batch(1000, concurrency=1000), START, 0
    while not isinstance((actions := reconciler.decide(now))[0], Finish):
        for key in submits(actions):
            reconciler.not_submitted(key, PAGE, now)
            sent += 1
        for action in actions:
            if isinstance(action, FindTask):
                reconciler.not_found(action.key)
        now += 10
        assert now < START + 7200
    assert sent < 200
    assert (actions[0].reason, actions[0].failure.permanent) == ("refused", False)
    assert now - START >= Pace().patience


def test_a_connection_that_is_missing_for_a_while_is_waited_for():
    reconciler, now = batch(2), START
    for _ in range(3):
        for key in submits(reconciler.decide(now)):
            reconciler.not_submitted(key, KlingConfigurationError("not defined in the triggerer"), now)
        assert submits(reconciler.decide(now)) == []
        now += 61
    assert submits(reconciler.decide(now)) == ["k0", "k1"]
    while not isinstance((actions := reconciler.decide(now))[0], Finish):
        for key in ("k0", "k1"):
            reconciler.not_submitted(key, KlingConfigurationError("not defined in the triggerer"), now)
        now += 61
    assert (actions[0].reason, actions[0].failure.permanent) == ("refused", False)


def test_an_image_that_cannot_be_read_for_a_while_keeps_its_item_and_holds_no_slot():
    reconciler = batch(2, concurrency=1)
    assert submits(reconciler.decide(START)) == ["k0"]
    reconciler.not_submitted("k0", ImageUnavailableError("storage is away"), START)
    assert submits(reconciler.decide(START)) == ["k1"]
    done_by = START + 61
    reconciler.observed("k1", finished(1), done_by)
    assert submits(reconciler.decide(done_by)) == ["k0"]


def test_several_threads_that_meet_a_refused_key_in_one_moment_count_once():
    reconciler = batch(8, concurrency=8)
    keys = submits(reconciler.decide(START))
    for key in keys:
        reconciler.not_submitted(key, KlingAuthenticationError(1002, "unknown", http_status=401), START)
    assert submits(reconciler.decide(START + 60)) == keys


def test_a_thread_that_hangs_holds_the_end_only_for_a_while():
    reconciler = batch(2, end_time=START + 10)
    reconciler.decide(START)
    reconciler.observed("k0", finished(0), START)
    reconciler.decide(START)
    late = START + 10 + Pace().grace_period
    assert reconciler.decide(late - 1) == [Wait(1.0)]
    assert reconciler.decide(late) == [Finish("timeout")]
    assert [line["status"] for line in reconciler.records(ended=True)] == ["storing", "running"]


@pytest.mark.parametrize("units", ["NaN", "-1", "Infinity", "1e999999", "x", ""])
def test_units_that_are_no_amount_are_unknown(units):
    reconciler = batch(3, concurrency=1, max_units=10)
    reconciler.decide(START)
    done(reconciler, 0, units=units)
    assert reconciler.progress()["units"] == 0.0
    assert submits(reconciler.decide(START)) == ["k1"]


def test_a_decision_costs_what_it_decides_however_many_items_there_are():
    def seconds(count: int) -> float:
        reconciler = batch(count, concurrency=count)
        reconciler.observe_all(
            {f"x{key}": finished(key) for key in range(count)}, complete=True, sent_before=True, now=START
        )
        reconciler.decide(START)
        began = time.process_time()
        for key in range(500):
            reconciler.stored(f"k{key}", [{"uri": "u"}])
            reconciler.decide(START)
        return time.process_time() - began

    seconds(1000)
    assert seconds(20_000) < 10 * max(seconds(1000), 0.005)


def test_the_deadline_ends_it_but_not_while_a_thread_is_at_work():
    reconciler = batch(3, concurrency=2, end_time=START + 10)
    assert reconciler.decide(START)[-1] == Wait(10.0)
    reconciler.observed("k0", task("x0"), START)
    assert Finish("timeout") not in reconciler.decide(START + 11)
    reconciler.observed("k1", task("x1", task_id="t1"), START + 11)
    assert reconciler.decide(START + 11) == [Finish("timeout")]
    assert reconciler.progress() == {
        "items": 3,
        "done": 0,
        "failed": 0,
        "running": 2,
        "storing": 0,
        "waiting": 1,
        "units": 0.0,
        "cash": 0.0,
    }


def test_what_a_post_paid_account_is_charged_is_in_the_manifest_and_is_read_again():
    reconciler = batch(1)
    reconciler.decide(START)
    reconciler.observed("k0", dataclasses.replace(finished(0), cash="0.42"), START)
    (line,) = reconciler.records()
    assert line["cash"] == "0.42"
    record = read_record(line)
    assert record is not None
    assert (record.cash, record.task("image2video").cash) == ("0.42", "0.42")


def test_what_all_videos_cost_in_cash_is_added_up_and_what_is_not_an_amount_is_not():
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
def test_an_invalid_time_in_a_manifest_does_not_end_an_item(at):
    error = {"error": "KlingContentPolicyError", "permanent": True, "at": at}
    record = read_record({"key": "k", "external_task_id": "x", "status": "failed", "error": error})
    assert record.permanent_failure_since(START) is None


@pytest.mark.parametrize("task_id", ["../../account/costs", "a b", "", None, 7.5, "x" * 500])
def test_a_manifest_cannot_name_a_task_by_what_is_not_an_id(task_id):
    record = read_record({"key": "k", "external_task_id": "x", "status": "running", "task_id": task_id})
    assert (record.task_id, record.may_be_paid) == ("", False)


class Kling:
    """Tasks by external id, and the rule that an id is taken once."""

    def __init__(self, slots: int) -> None:
        self.slots = slots
        self.tasks: dict[str, Task] = {}
        self.numbers = itertools.count(1)

    def alive(self) -> list[str]:
        return [name for name, reconciler in self.tasks.items() if not reconciler.status.is_terminal]

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
    """State machine: all events of a batch, in any order."""

    @initialize(count=st.integers(1, 9), concurrency=st.integers(1, 4), slots=st.integers(1, 5), calm=st.booleans())
    def begin(self, count, concurrency, slots, calm):
        self.calm = calm
        self.now, self.count, self.concurrency = START + 1, count, concurrency
        self.kling = Kling(slots)
        self.orphans: list[tuple[str, bool]] = []
        self.disorder = 0
        self.observers = [self.fresh(complete=True)]

    def fresh(self, *, complete: bool) -> Observer:
        reconciler = batch(self.count, concurrency=self.concurrency, item_retries=2)
        known = dict(itertools.islice(self.kling.tasks.items(), None if complete else len(self.kling.tasks) // 2))
        reconciler.observe_all(known, complete=complete, sent_before=True, now=self.now)
        return Observer(reconciler)

    def protocol(self, name: str, look_up_first: bool, faults: list[str]) -> protocol.Done | protocol.Fail:
        """Run the real pay-once protocol with this Kling."""
        machine = protocol.Submission(name, look_up_first=look_up_first)
        step, faults = machine.start(), list(faults)
        while not isinstance(step, (protocol.Done, protocol.Fail)):
            fault = faults.pop(0) if faults else ""
            match step:
                case protocol.Wait():
                    outcome = protocol.Waited()
                case protocol.LookUp(attempt):
                    found = self.kling.tasks.get(attempt)
                    outcome = protocol.Found(found) if found else protocol.Absent()
                    outcome = protocol.Problem(CUT) if fault == "blind" else outcome
                case protocol.Post(attempt):
                    outcome = None if fault == "before" else self.kling.create(attempt, self.now)
                    outcome = protocol.Problem(CUT) if fault in ("lost", "before") else outcome
            step = machine.next_step(outcome)
        return step

    def carry_out(self, observer: Observer, action, faults: list[str]) -> bool:
        """Whether the action is over."""
        reconciler, fault = observer.reconciler, faults[0] if faults else ""
        match action:
            case Submit(key, look_up_first):
                result = self.protocol(f"x{key[1:]}", look_up_first, faults)
                if isinstance(result, protocol.Done):
                    reconciler.observed(key, result.task, self.now)
                else:
                    reconciler.not_submitted(key, result.error, self.now)
            case Watch(key, watched):
                current = self.kling.tasks[watched.external_task_id]
                if fault:
                    reconciler.unreadable(key, "not found, three times", self.now)
                    return True
                if not current.status.is_terminal:
                    return False
                reconciler.observed(key, current, self.now)
            case Store(key, _, _):
                if fault:
                    reconciler.not_stored(key, STORE_FAULTS[fault], self.now)
                else:
                    reconciler.stored(key, [{"uri": key}])
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
        sent = (
            [reconciler for reconciler in self.observers[index].pending if isinstance(reconciler, Submit)]
            if in_the_air
            else []
        )
        self.orphans += [(f"x{reconciler.key[1:]}", reconciler.look_up_first) for reconciler in sent]
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
            chain = [reconciler for name, reconciler in self.kling.tasks.items() if name.split("-")[0] == f"x{number}"]
            assert sum(reconciler.status is not TaskStatus.FAILED for reconciler in chain) <= 1

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
                observer.pending = [
                    reconciler for reconciler in observer.pending if not self.carry_out(observer, reconciler, [])
                ]
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
        return next(name for name, reconciler in self.kling.tasks.items() if reconciler.task_id == record["task_id"])


TestBatch = Batch.TestCase
TestBatch.settings = settings(max_examples=100 * STEPS, stateful_step_count=50, deadline=None)


def mixed(*pools: int, **policy) -> Reconciler:
    desired = [Desired(f"k{number}", f"x{number}", pool) for number, pool in enumerate(pools)]
    return Reconciler(
        desired, Policy(**{"concurrency": 9, "started_at": START, "end_time": FOREVER, **policy}), jitter=lambda: 0.5
    )


def test_a_model_without_a_slot_holds_up_its_own_items_only():
    reconciler = mixed(0, 0, 0, 1, 1, submit_concurrency=1)
    assert submits(reconciler.decide(START)) == ["k0"]
    reconciler.observed("k0", task("x0"), START)
    assert submits(reconciler.decide(START)) == ["k1"]
    reconciler.not_submitted("k1", FULL, START)
    assert submits(reconciler.decide(START)) == ["k3"]
    reconciler.observed("k3", task("x3"), START)
    assert submits(reconciler.decide(START)) == ["k4"]
    reconciler.observed("k4", task("x4"), START)
    assert submits(reconciler.decide(START)) == []
    done(reconciler, 3)
    assert submits(reconciler.decide(START)) == [], "that slot is of no use to the first model"
    done(reconciler, 0)
    assert submits(reconciler.decide(START)) == ["k1"]


def test_the_limit_of_the_batch_counts_all_of_its_models():
    reconciler = mixed(0, 1, 0, 1, concurrency=3)
    assert submits(reconciler.decide(START)) == ["k0", "k1", "k2"]


def test_items_of_several_models_are_submitted_in_their_order():
    reconciler = mixed(1, 0, 1, 0, submit_concurrency=9)
    assert submits(reconciler.decide(START)) == ["k0", "k1", "k2", "k3"]


def test_what_was_being_sent_when_a_run_ended_is_looked_for_first():
    reconciler = batch(2)
    reconciler.observe_all({}, complete=True, sent_before=True, now=START)
    reconciler.restore(Record("k0", "x0", "running"))
    reconciler.restore(Record("k1", "x1", "waiting"))
    assert [action for action in reconciler.decide(START) if isinstance(action, Submit)] == [
        Submit("k0", look_up_first=True),
        Submit("k1", look_up_first=False),
    ]
