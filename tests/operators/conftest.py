"""A connection whose tasks share a cap for a day."""

from __future__ import annotations

from typing import Any

import pytest
from support import connect
from support_spending import PRICE


@pytest.fixture
def daily(kling, monkeypatch, tmp_path):
    """A connection whose users may spend two videos a day together."""

    def allow(usd: float, **more: Any) -> None:
        extra = {"allow_private_urls": True, "max_usd_per_day": usd, "budget_uri": f"file://{tmp_path}/budget"}
        connect(monkeypatch, kling, extra={**extra, **more})

    allow(2 * PRICE)
    return allow
