"""Exponential backoff and its jitter."""

from __future__ import annotations

import math

import pytest

from airflow_provider_kling.utils import backoff


@pytest.mark.parametrize(("times", "seconds"), [(0, 2), (1, 2), (2, 4), (3, 8), (5, 32), (6, 60), (10**9, 60)])
def test_a_pause_doubles_up_to_its_end(times, seconds):
    assert backoff.exponential(times, first=2.0, longest=60.0) == seconds


def test_a_pause_without_an_end_stays_a_number():
    assert math.isfinite(backoff.exponential(10**9, first=1.0, longest=math.inf))


@pytest.mark.parametrize(("chance", "seconds"), [(0.0, 8.0), (0.5, 10.0), (1.0, 12.0)])
def test_chance_moves_a_pause_by_a_fifth(chance, seconds):
    assert backoff.add_jitter(10.0, lambda: chance) == pytest.approx(seconds)
