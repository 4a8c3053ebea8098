"""Pytest fixture ``kling_simulator``.

pytest imports this module at every start, in every project that has the package installed, so it imports nothing heavy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_kling.simulator.simulator import KlingSimulator


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker that changes the settings of the fixture."""
    config.addinivalue_line(
        "markers", "kling_simulator(**settings): settings of the simulator of this test, e.g. concurrency=1"
    )


@pytest.fixture
def kling_simulator(request: pytest.FixtureRequest) -> Iterator[KlingSimulator]:
    """A running simulator: tasks take a tenth of a second and videos are small.

    Change any setting with ``@pytest.mark.kling_simulator(seconds=5, concurrency=1)``.
    """
    from airflow_provider_kling.simulator import KlingSimulator

    marker = request.node.get_closest_marker("kling_simulator")
    chosen = {"seconds": 0.1, "video_size": "small"} | (marker.kwargs if marker else {})
    with KlingSimulator(**chosen) as simulator:
        yield simulator
