"""What Kling's nouns know of themselves."""

from __future__ import annotations

import pytest

from airflow_provider_kling.models import RESULT_SECONDS, Task, TaskStatus, results_expired

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
