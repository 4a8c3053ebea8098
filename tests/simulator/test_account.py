"""The account alone: no I/O, no sleep, the time is an argument."""

import time
from decimal import Decimal

import pytest

from airflow_provider_kling.simulator.account import Account, Rules
from airflow_provider_kling.simulator.envelope import KlingError
from airflow_provider_kling.simulator.tasks import Task, TaskRequest

NOW = 1_795_000_000_000


def account(**rules):
    return Account(Rules(**rules), opened_at=NOW)


def order(**fields):
    base = {"product": "image2video", "model": "kling-v3", "pack": "video", "price": Decimal("2.4"), "seconds": 100.0}
    return TaskRequest(**(base | fields))


def refusal(call, *arguments, **options):
    with pytest.raises(KlingError) as caught:
        call(*arguments, **options)
    return caught.value.code, caught.value.message


def test_ids_are_eighteen_digits_and_grow_within_one_millisecond():
    ours = account(concurrency=100)
    ids = [ours.submit(order(), now=NOW).task_id for _ in range(50)]
    assert all(len(kling_task) == 18 and kling_task.isdigit() for kling_task in ids)
    assert ids == sorted(set(ids), key=int)


def test_a_task_is_submitted_then_processing_then_succeeds_and_only_then_costs_its_price():
    ours = account()
    task = ours.submit(order(), now=NOW)
    assert ours.update_statuses(NOW + 4_999) == []
    assert [(kling_task.status, kling_task.updated_at) for kling_task in ours.update_statuses(NOW + 5_000)] == [
        ("processing", NOW + 5_000)
    ]
    assert ours.update_statuses(NOW + 99_999) == []
    assert ours.units_used() == 0
    assert [(kling_task.status, kling_task.updated_at) for kling_task in ours.update_statuses(NOW + 100_000)] == [
        ("succeed", NOW + 100_000)
    ]
    assert (task.charged, ours.units_used(), ours.units_left()) == (Decimal("2.4"), Decimal("2.4"), Decimal("9997.6"))


def test_a_late_update_reports_every_change_in_order():
    ours = account()
    slow = ours.submit(order(seconds=100.0), now=NOW).task_id
    fast = ours.submit(order(seconds=10.0), now=NOW).task_id
    seen = [(kling_task.task_id, kling_task.status) for kling_task in ours.update_statuses(NOW + 1_000_000)]
    assert seen == [(fast, "processing"), (slow, "processing"), (fast, "succeed"), (slow, "succeed")]


def test_a_failed_task_costs_nothing_and_has_the_reason():
    ours = account()
    task = ours.submit(order(failure="no"), now=NOW)
    ours.update_statuses(NOW + 100_000)
    assert (task.status, task.message, task.charged, ours.units_used()) == ("failed", "no", 0, 0)


def test_a_task_does_not_end_before_its_inputs_were_looked_at():
    ours = account()
    task = ours.submit(order(media={"image": "https://x"}), now=NOW)
    ours.update_statuses(NOW + 200_000)
    assert task.status == "processing"
    assert ours.next_change() is None
    ours.record_inputs(task.task_id, inputs={}, media_info={}, failure="Image pixel is invalid", now=NOW + 200_000)
    ours.update_statuses(NOW + 200_000)
    assert (task.status, task.message, task.updated_at) == ("failed", "Image pixel is invalid", NOW + 200_000)


@pytest.mark.parametrize("failure", ["", "no"])
def test_a_slot_is_held_until_the_task_ends_in_success_or_failure(failure):
    ours = account(concurrency=1)
    ours.submit(order(failure=failure), now=NOW)
    ours.update_statuses(NOW + 50_000)
    assert refusal(ours.submit, order(), now=NOW + 50_000) == (1303, "parallel task over resource pack limit")
    assert len(ours.all_tasks()) == 1
    ours.update_statuses(NOW + 100_000)
    ours.submit(order(), now=NOW + 100_000)


def test_slots_are_counted_per_model():
    ours = account(concurrency=1)
    ours.submit(order(), now=NOW)
    ours.submit(order(model="kling-v2-6"), now=NOW)
    assert refusal(ours.submit, order(model="kling-v2-6"), now=NOW)[0] == 1303


def test_an_external_id_is_taken_once_in_the_whole_account():
    ours = account()
    ours.submit(order(external_task_id="a"), now=NOW)
    again = order(external_task_id="a", product="text2video", model="kling-v2-6")
    assert refusal(ours.submit, again, now=NOW) == (1201, "External_task_id a already exists")


@pytest.mark.parametrize("allowed", [False, True])
def test_the_id_of_a_failed_task_is_free_again_only_if_set(allowed):
    ours = account(reuse_after_failure=allowed)
    ours.submit(order(external_task_id="a", failure="no"), now=NOW)
    ours.update_statuses(NOW + 100_000)
    again = order(external_task_id="a")
    if allowed:
        second = ours.submit(again, now=NOW + 100_000)
        assert ours.find("a") is second
    else:
        assert refusal(ours.submit, again, now=NOW + 100_000)[0] == 1201


def test_a_duplicate_is_reported_as_such_even_when_no_slot_is_free():
    ours = account(concurrency=1)
    ours.submit(order(external_task_id="a"), now=NOW)
    assert refusal(ours.submit, order(external_task_id="a"), now=NOW)[0] == 1201


def test_an_exhausted_pack_refuses_with_1102():
    ours = account(units=Decimal("2.4"))
    ours.submit(order(), now=NOW)
    ours.update_statuses(NOW + 100_000)
    assert refusal(ours.submit, order(), now=NOW + 100_000) == (1102, "Account balance not enough")


def test_too_many_creates_within_a_second_get_1302_and_the_next_second_is_free():
    ours = account(creates_per_second=2)
    for _ in range(2):
        ours.submit(order(), now=NOW)
    assert refusal(ours.submit, order(), now=NOW + 999)[0] == 1302
    ours.submit(order(), now=NOW + 1_000)


def test_a_task_of_another_product_is_not_found():
    ours = account()
    task = ours.submit(order(), now=NOW)
    assert ours.find(task.task_id, product="image2video") is task
    message = f"Task not found by id/external id: {task.task_id}"
    assert refusal(ours.find, task.task_id, product="text2video") == (1201, message)


def test_a_task_asked_for_twice_in_one_batch_is_listed_once():
    ours = account()
    task = ours.submit(order(external_task_id="a"), now=NOW)
    assert ours.by_ids([task.task_id, "unknown"], ["a"]) == [task]


def test_end_soon_ends_a_running_task_and_leaves_an_ended_one_alone():
    ours = account()
    task = ours.submit(order(), now=NOW)
    ours.end_soon(task.task_id, failure="stop", now=NOW + 1)
    ours.update_statuses(NOW + 1)
    assert (task.status, task.message, task.updated_at) == ("failed", "stop", NOW + 1)
    ours.end_soon(task.task_id, failure="other", now=NOW)
    assert (task.failure, task.ends_at) == ("stop", NOW + 1)


def test_what_is_dumped_is_loaded_with_ids_charges_and_open_slots():
    ours = account(concurrency=1)
    ours.submit(order(external_task_id="a"), now=NOW)
    ours.update_statuses(NOW + 100_000)
    ours.submit(order(external_task_id="b"), now=NOW + 100_000)
    other = account(concurrency=1)
    other.load(ours.dump())
    assert other.dump() == ours.dump()
    assert other.units_used() == Decimal("2.4")
    assert refusal(other.submit, order(), now=NOW + 100_000)[0] == 1303
    other.update_statuses(NOW + 200_000)
    assert int(other.submit(order(), now=NOW).task_id) > int(other.find("b").task_id)


def test_a_task_survives_json_unchanged():
    task = account().submit(order(external_task_id="a", recipe={"fps": 24}), now=NOW)
    assert Task.from_json(task.as_json()) == task


def test_ten_thousand_open_tasks_cost_a_request_no_more_than_one_does():
    ours = account(concurrency=10**6, units=Decimal(10**6))
    began = time.process_time()
    for number in range(10_000):
        ours.update_statuses(NOW + number)
        ours.submit(order(seconds=3600), now=NOW + number)
        assert ours.next_change() == NOW + 180_000
    # Two walks through what is open for each would be a hundred million steps.
    assert time.process_time() - began < 5
    assert len(ours.update_statuses(NOW + 3_700_000)) == 20_000
    assert ours.next_change() is None


def test_a_task_that_is_ended_early_ends_once_and_leaves_nothing_to_wait_for():
    ours = account(concurrency=1)
    task = ours.submit(order(), now=NOW)
    ours.end_soon(task.task_id, now=NOW + 10)
    assert [changed.status for changed in ours.update_statuses(NOW + 10)] == ["processing", "succeed"]
    assert ours.next_change() is None
    assert ours.update_statuses(NOW + 200_000) == []
    # Its slot was given back once: one more fits, and not two.
    ours.submit(order(), now=NOW + 200_000)
    assert refusal(ours.submit, order(), now=NOW + 200_000)[0] == 1303


def test_a_task_whose_inputs_come_late_ends_when_they_are_there():
    ours = account()
    task = ours.submit(order(media={"image": "http://x"}), now=NOW)
    assert [changed.status for changed in ours.update_statuses(NOW + 100_000)] == ["processing"]
    assert ours.next_change() is None
    ours.record_inputs(task.task_id, inputs={}, media_info={}, failure="", now=NOW + 150_000)
    assert ours.next_change() == NOW + 150_000
    (ended,) = ours.update_statuses(NOW + 150_000)
    assert (ended.status, ended.updated_at) == ("succeed", NOW + 150_000)
