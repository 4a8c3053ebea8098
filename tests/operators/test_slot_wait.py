"""Events of the slot trigger, read by the resumed task."""

from __future__ import annotations

import math

import pytest

from airflow_provider_kling.operators.slot_wait import SlotWait


def test_a_wait_continues_where_its_trigger_left_it():
    assert SlotWait.of({"status": "slot", "since": 1.5, "until": 20}) == (1.5, 20)


@pytest.mark.parametrize("since", [math.nan, math.inf, -math.inf, -1, 1e305, 10**400, "1", None, [1]])
def test_an_invalid_time_begins_the_wait_again(since):
    """The XCom about the submission would fail on it, after the task is paid."""
    assert SlotWait.of({"since": since, "until": 20}) is None
    assert SlotWait.of({"since": 1, "until": since}) is None


@pytest.mark.parametrize("event", [None, [], "slot", {}, {"since": 1}])
def test_an_event_of_another_shape_begins_the_wait_again(event):
    assert SlotWait.of(event) is None
