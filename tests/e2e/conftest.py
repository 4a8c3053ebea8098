"""A real Airflow and the simulator over HTTP, started once for all end-to-end tests."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_kling.simulator import KlingSimulator, Settings
from dev.local_airflow import LocalAirflow

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
EXAMPLES = HERE.parents[1] / "example_dags"
WEBHOOK_SECRET = "whsec_dGVzdHNlY3JldHRlc3RzZWNyZXR0ZXN0c2VjcmV0MTI="


@pytest.fixture(scope="session")
def simulator() -> Iterator[KlingSimulator]:
    settings = Settings(seconds=3, video_size="small", retired="accept", concurrency=20, webhook_secret=WEBHOOK_SECRET)
    with KlingSimulator(settings) as running:
        yield running


@pytest.fixture(scope="session")
def webhook_secret() -> str:
    """What the simulator signs callbacks with."""
    return WEBHOOK_SECRET


@pytest.fixture(scope="session")
def connection(simulator: KlingSimulator) -> dict[str, Any]:
    """The fields of a connection to the simulator."""
    return {
        "conn_type": "kling",
        "host": simulator.url,
        "login": simulator.access_key,
        "password": simulator.secret_key,
        "extra": {"allow_private_urls": True},
    }


@pytest.fixture(scope="session")
def airflow(tmp_path_factory: pytest.TempPathFactory, connection: dict[str, Any]) -> Iterator[LocalAirflow]:
    folders = [HERE / "dags", EXAMPLES]
    connections = {"kling_default": connection}
    with LocalAirflow(tmp_path_factory.mktemp("airflow"), folders, connections=connections) as running:
        yield running
