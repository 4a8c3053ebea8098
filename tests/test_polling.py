"""The decision after a poll; clock and jitter are arguments."""

from __future__ import annotations

import pytest

from airflow_provider_kling import polling
from airflow_provider_kling.exceptions import (
    KlingAccountError,
    KlingAuthenticationError,
    KlingConfigurationError,
    KlingConnectionError,
    KlingContentPolicyError,
    KlingRequestError,
    KlingResponseError,
    KlingResultError,
    KlingResultExpiredError,
    KlingTaskFailedError,
    KlingTaskNotFoundError,
    KlingTimeoutError,
)
from airflow_provider_kling.models import Task, TaskStatus, Video
from airflow_provider_kling.polling import Event, PollDecision, Sleep, check_links
from airflow_provider_kling.utils._airflow.compat import AirflowFailException

VIDEO = Video("1", "https://example.com/v.mp4", "5.041")


def task(status: TaskStatus, **kwargs) -> Task:
    return Task(task_id="7", status=status, endpoint="image2video", **kwargs)


def poller(end_time: float = 1000.0, interval: float = 10.0, jitter: float = 0.5) -> PollDecision:
    return PollDecision("7", end_time=end_time, poll_interval=interval, jitter=lambda: jitter)


@pytest.mark.parametrize("status", [TaskStatus.SUBMITTED, TaskStatus.PROCESSING])
def test_a_running_task_is_polled_again_after_the_interval(status):
    assert poller().on_task(task(status), now=0) == Sleep(10.0)


@pytest.mark.parametrize(("jitter", "seconds"), [(0.0, 8.0), (0.5, 10.0), (0.999999, 12.0)])
def test_the_interval_has_a_fifth_of_jitter(jitter, seconds):
    decision = poller(jitter=jitter).on_task(task(TaskStatus.PROCESSING), now=0)
    assert decision.seconds == pytest.approx(seconds, abs=0.001)


def test_success_and_failure_end_the_wait():
    assert poller().on_task(task(TaskStatus.SUCCEED), now=0) == Event("success", "7")
    assert poller().on_task(task(TaskStatus.FAILED, message="no"), now=0) == Event("failed", "7", "no")


def test_a_task_that_ends_after_the_deadline_still_counts():
    assert poller(end_time=5).on_task(task(TaskStatus.SUCCEED), now=99).status == "success"


def test_the_last_poll_is_at_the_deadline_and_then_the_wait_times_out():
    assert poller(end_time=13).on_task(task(TaskStatus.PROCESSING), now=10) == Sleep(3)
    assert poller(end_time=13).on_task(task(TaskStatus.PROCESSING), now=13).status == "timeout"


def test_transient_errors_slow_the_wait_down_and_never_end_it_before_the_deadline():
    decider = poller(end_time=1e9)
    pauses = [decider.on_error(KlingConnectionError("cut"), now=0).seconds for _ in range(20)]
    assert pauses[0] == 20
    assert pauses == sorted(pauses)
    assert pauses[-1] == polling.MAX_BACKOFF


def test_a_response_resets_the_backoff():
    decider = poller()
    decider.on_error(KlingConnectionError("cut"), now=0)
    decider.on_error(KlingConnectionError("cut"), now=0)
    decider.on_task(task(TaskStatus.PROCESSING), now=0)
    assert decider.on_error(KlingConnectionError("cut"), now=0) == Sleep(20)


def test_transient_errors_end_at_the_deadline():
    assert poller(end_time=5).on_error(KlingConnectionError("cut"), now=5).status == "timeout"


REFUSALS = [
    KlingTaskNotFoundError(1201, "Task not found by id/external id: 7"),
    KlingRequestError(1201, "任务不存在"),
    KlingAuthenticationError(1002, "api key not found"),  # a key that was just rotated
    KlingAccountError(1103, "no"),
    KlingResponseError("unknown status", transient=False),
]


@pytest.mark.parametrize("refusal", REFUSALS)
def test_a_refusal_never_ends_the_wait_for_a_task_that_kling_accepted(refusal):
    decider = poller(end_time=1e9)
    pauses = [decider.on_error(refusal, now=0).seconds for _ in range(20)]
    assert pauses == sorted(pauses)
    assert pauses[-1] == polling.MAX_BACKOFF
    end = decider.on_error(refusal, now=1e9)
    assert end.status == "timeout"
    assert refusal.message in end.message


@pytest.mark.parametrize("refusal", REFUSALS)
def test_a_refusal_about_a_task_that_was_never_read_counts_the_third_time(refusal):
    decider = poller(end_time=None)
    assert isinstance(decider.on_error(refusal, now=0), Sleep)
    assert isinstance(decider.on_error(refusal, now=0), Sleep)
    assert decider.on_error(refusal, now=0).status == "error"


def test_once_read_a_task_is_known_to_exist():
    decider = poller(end_time=None)
    decider.on_task(task(TaskStatus.PROCESSING), now=0)
    assert [decider.on_error(REFUSALS[0], now=0) for _ in range(5)][-1] == Sleep(polling.MAX_BACKOFF)


def test_a_wait_for_a_task_that_nobody_can_read_has_an_end_too():
    decider = PollDecision("7", end_time=None, timeout=60, poll_interval=10, jitter=lambda: 0.5)
    assert decider.on_error(KlingConnectionError("cut"), now=100) == Sleep(20)
    assert decider.on_error(KlingConnectionError("cut"), now=160).status == "timeout"


def test_a_connection_that_stays_unreadable_here_sends_the_wait_to_a_worker():
    decider = poller(end_time=1e9)
    decisions = [decider.on_error(KlingConfigurationError("no such connection"), now=0) for _ in range(3)]
    assert [type(decision) for decision in decisions] == [Sleep, Sleep, Event]
    again = polling.read_event(decisions[-1].payload(), {"7"})
    assert again == decisions[-1]
    assert again.needs_worker


@pytest.mark.parametrize(
    ("endpoint", "interval", "now", "delay"),
    [
        ("image2video", 15, 100, 30),  # two intervals come before a quarter of 164 s
        ("image2video", 60, 100, 41),  # a quarter of 164 s comes before two intervals
        ("text2video", 60, 100, 79.75),
        ("image2video", 15, 120, 10),  # part of it has passed
        ("image2video", 15, 500, 0),  # an adopted task is looked at straight away
    ],
)
def test_the_first_poll_waits_until_a_result_is_plausible(endpoint, interval, now, delay):
    assert polling.first_poll_delay(endpoint, accepted_at=100, poll_interval=interval, now=now) == delay


def test_the_deadline_counts_from_klings_acceptance():
    assert polling.end_time_of(task(TaskStatus.SUBMITTED, created_at=900_000), timeout=60, now=1000) == 960
    assert polling.end_time_of(task(TaskStatus.SUBMITTED), timeout=60, now=1000) == 1060


def test_a_finished_task_is_returned_whatever_the_event_contains():
    done = task(TaskStatus.SUCCEED, results=(VIDEO,))
    for status in ("success", "timeout", "error", "failed"):
        assert polling.require_success(done, Event(status, "7")) is done


def test_success_without_a_result_is_an_error():
    with pytest.raises(KlingResultError, match="lists no result"):
        polling.require_success(task(TaskStatus.SUCCEED), Event("success", "7"))


def test_the_error_of_a_failed_task_has_klings_reason_and_no_cost():
    with pytest.raises(KlingTaskFailedError, match="Image pixel is invalid.*not charged") as caught:
        polling.require_success(task(TaskStatus.FAILED, message="Image pixel is invalid"), Event("failed", "7"))
    assert caught.value.transient
    assert caught.value.kling_task_id == "7"


def test_moderation_is_a_content_policy_error():
    failed = task(TaskStatus.FAILED, message="Failure to pass the risk control system")
    with pytest.raises(KlingContentPolicyError, match="risk control") as caught:
        polling.require_success(failed, Event("failed", "7"))
    assert not caught.value.transient


def test_a_timeout_reports_that_the_task_runs_on_and_what_a_retry_does():
    with pytest.raises(KlingTimeoutError, match="still running and will be billed.*re-attaches"):
        polling.require_success(task(TaskStatus.PROCESSING), Event("timeout", "7", "60 s have passed"))


def test_a_broken_wait_reports_that_the_task_runs_on():
    with pytest.raises(KlingResultError, match="its wait failed.*was processing.*boom"):
        polling.require_success(task(TaskStatus.PROCESSING), Event("error", "7", "boom"))


def test_an_event_survives_its_way_through_airflow():
    event = Event("timeout", "7", "late")
    assert polling.read_event(event.payload(), {"7"}) == event


@pytest.mark.parametrize(
    "payload",
    [
        None,
        {},
        "success",
        {"status": "done", "kling_task_id": "7"},
        {"status": "success"},
        {"status": "success", "kling_task_id": "8"},
        {"since": 1.0, "until": 2.0},
    ],
)
def test_an_event_that_is_not_ours_never_passes_for_success(payload):
    assert polling.read_event(payload, {"7"}) is None


@pytest.mark.parametrize(("days", "dead"), [(29, False), (31, True)])
def test_links_that_kling_has_deleted_are_not_delivered(days, dead):
    finished = Task("7", TaskStatus.SUCCEED, "image2video", updated_at=1_790_000_000_000, request_id="r-1")
    now = 1_790_000_000 + days * 86_400
    if not dead:
        check_links(finished, now=now)
        return
    with pytest.raises(KlingResultExpiredError, match="deleted its result after 30 days") as caught:
        check_links(finished, now=now)
    assert not caught.value.transient
    assert isinstance(caught.value, AirflowFailException)
