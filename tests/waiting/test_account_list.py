"""Which lists are read to determine the free slots of an account."""

from __future__ import annotations

import dataclasses

from airflow_provider_kling.models import Task, TaskStatus
from airflow_provider_kling.waiting.account_list import ALL, NEWEST, AccountList, merged
from airflow_provider_kling.waiting.pace import SlotPace

PACE = SlotPace()


def test_a_task_in_both_lists_counts_once():
    runs = Task("7", TaskStatus.PROCESSING, "text-to-video")
    done = dataclasses.replace(runs, status=TaskStatus.SUCCEED)
    other = dataclasses.replace(runs, task_id="8")
    assert merged([[runs], [done, other]]) == merged([[done, other], [runs]]) == [done, other]


def test_only_what_is_asked_for_or_runs_is_read_and_all_of_it_now_and_then():
    lists = AccountList("videos", lambda: 0.5, PACE)
    everything = lists.endpoints_to_read(100.0)
    assert {"image2video", "text2video", "image-to-video"} <= set(everything)
    assert lists.endpoints_to_read(101.0) == []
    lists.want("text2video")
    lists.on_read({"image2video": [Task("7", TaskStatus.PROCESSING, "image2video")]}, 101.0)
    assert set(lists.endpoints_to_read(102.0)) == {"image2video", "text2video"}
    lists.read_all_next()
    assert lists.endpoints_to_read(103.0) == everything
    assert lists.endpoints_to_read(103.0 + PACE.all_products_every) == everything


def test_one_poll_at_a_time_with_a_backoff_after_failures():
    lists = AccountList("videos", lambda: 0.5, PACE)
    assert [lists.start_read(100.0), lists.start_read(100.0 + PACE.read_timeout)] == [True, False]
    lists.on_failed(101.0)
    assert lists.next_read == 101.0 + PACE.retry_first
    lists.on_failed(103.0)
    assert lists.next_read == 103.0 + 2 * PACE.retry_first
    lists.on_read({}, 107.0)
    assert lists.next_read == 107.0 + PACE.read_interval
    lists.on_failed(108.0)
    assert lists.next_read == 108.0 + PACE.retry_first


def test_the_longest_page_is_read_when_what_runs_may_not_be_among_the_newest():
    lists = AccountList("videos", lambda: 0.5, PACE)
    runs = [Task(str(number), TaskStatus.PROCESSING, "image2video") for number in range(NEWEST // 2)]
    lists.on_read({"image2video": runs}, 100.0)
    assert lists.count == NEWEST
    lists.on_read({"image2video": [*runs, Task("x", TaskStatus.PROCESSING, "image2video")]}, 101.0)
    assert lists.count == ALL
