"""Properties of the models."""

from __future__ import annotations

import datetime as dt

import pytest

from airflow_provider_kling.models import RESULT_SECONDS, TIME_LIMIT, Task, TaskStatus, is_time, results_expired

ENDED = 1_790_000_000


@pytest.mark.parametrize(
    ("status", "updated_at", "now", "expired"),
    [
        (TaskStatus.SUCCEED, ENDED * 1000, ENDED + RESULT_SECONDS + 1, True),
        (TaskStatus.SUCCEED, ENDED * 1000, ENDED + RESULT_SECONDS - 1, False),
        (TaskStatus.SUCCEED, 0, ENDED, False),
        (TaskStatus.PROCESSING, ENDED * 1000, ENDED + 2 * RESULT_SECONDS, False),
        (TaskStatus.FAILED, ENDED * 1000, ENDED + 2 * RESULT_SECONDS, False),
    ],
)
def test_results_are_gone_thirty_days_after_the_end(status, updated_at, now, expired):
    assert results_expired(Task("7", status, "image2video", updated_at=updated_at), now) is expired


@pytest.mark.parametrize("value", [0, 1, ENDED, float(ENDED), TIME_LIMIT - 1])
def test_a_time_can_be_shown(value):
    assert is_time(value)
    assert is_time(value * 1000, per_second=1000)
    assert dt.datetime.fromtimestamp(value, dt.UTC)


@pytest.mark.parametrize(
    "value", [-1, TIME_LIMIT, float("nan"), float("inf"), 10**400, True, False, "1", None, [1], b"1", {"at": 1}]
)
def test_a_value_outside_the_range_of_dates_is_not_a_time(value):
    assert not is_time(value)
    if isinstance(value, (int, float)):
        assert isinstance(value, bool) or not is_time(value * 1000, per_second=1000)
