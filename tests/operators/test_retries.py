"""Retries and Clears adopt what was paid; a changed request is a new task."""

from __future__ import annotations

import dataclasses

import pytest
from support import again
from support_operators import operator, run


def test_iterations_of_a_loop_are_separate_submissions(kling, ti):
    class Loop:
        index = 0

    for index in (0, 1, 1):
        Loop.index = index
        operator().execute({"ti": again(ti), "loop": Loop})
    assert len(kling.tasks()) == 2


def test_a_region_of_a_loop_counts_and_the_empty_region_does_not(kling, ti):
    first = run(ti)
    ti.region_id, ti.region_index = "00000000-0000-0000-0000-000000000000", 0
    assert operator().execute({"ti": again_in(ti, 0, ti.region_id)})["task_id"] == first["task_id"]
    assert (
        operator().execute({"ti": again_in(ti, 1, "6f1f9d0e-0000-0000-0000-000000000001")})["task_id"]
        != first["task_id"]
    )


def again_in(ti, index, region_id):
    later = again(ti)
    later.region_index, later.region_id = index, region_id
    return later


def test_a_retry_adopts_what_the_first_try_paid_for(kling, ti):
    first = run(ti)
    second = run(again(ti))
    assert second["task_id"] == first["task_id"]
    assert len(kling.tasks()) == 1


def test_a_clear_adopts_by_default(kling, ti):
    first = run(ti, retries=2)
    assert run(again(ti, max_tries=3), retries=2)["task_id"] == first["task_id"]


def test_a_clear_pays_for_a_new_take_when_asked_and_a_retry_never_does(kling, ti):
    ti.max_tries = 2
    first = run(ti, retries=2, on_clear="regenerate")
    assert run(again(ti), retries=2, on_clear="regenerate")["task_id"] == first["task_id"]
    cleared = again(ti, max_tries=4)
    second = run(cleared, retries=2, on_clear="regenerate")
    assert second["task_id"] != first["task_id"]
    assert run(again(cleared), retries=2, on_clear="regenerate")["task_id"] == second["task_id"]
    assert len(kling.tasks()) == 2


@pytest.mark.parametrize("change", [{"prompt": "It moves more"}, {"duration": 4}, {"mode": "pro"}])
def test_a_changed_request_is_a_new_video(kling, ti, change):
    run(ti)
    run(again(ti), **change)
    assert len(kling.tasks()) == 2


def test_an_image_that_changed_behind_the_same_path_is_a_new_video(kling, ti, tmp_path):
    from PIL import Image

    path = tmp_path / "picture.png"
    for colour, expected in (("red", 1), ("red", 1), ("blue", 2)):
        Image.new("RGB", (400, 300), colour).save(path)
        run(again(ti), image=str(path))
        assert len(kling.tasks()) == expected


def test_mapped_tasks_have_a_task_each(kling, ti):
    for index in range(3):
        run(dataclasses.replace(ti, map_index=index))
    assert len(kling.tasks()) == 3


def test_a_lost_response_in_the_middle_of_a_submit_is_one_video(kling, ti, no_waiting):
    kling.fault("cut_after", operation="create")
    manifest = run(ti)
    assert [task["task_id"] for task in kling.tasks()] == [manifest["task_id"]]
