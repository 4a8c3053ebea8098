"""A hook of the simulator's connection."""

from __future__ import annotations

import pytest

from airflow_provider_kling.hooks import KlingHook


@pytest.fixture
def hook(kling) -> KlingHook:
    return KlingHook()
