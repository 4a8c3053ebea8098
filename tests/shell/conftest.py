"""The account of the simulator, named by environment variables."""

from __future__ import annotations

import pytest


@pytest.fixture
def account(kling, monkeypatch):
    """The environment's key is the simulator's; no Airflow connection exists."""
    monkeypatch.delenv("AIRFLOW_CONN_KLING_DEFAULT", raising=False)
    monkeypatch.setenv("KLINGAI_API_KEY", kling.api_key)
    monkeypatch.setenv("KLINGAI_BASE_URL", kling.url)
    return kling
