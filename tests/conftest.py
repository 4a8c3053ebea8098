"""Every test gets an Airflow home of its own, before anything imports Airflow; and the fixtures of many tests."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from airflow_provider_kling.simulator.simulator import KlingSimulator

HOME = Path(__file__).parent.parent / ".airflow" / "tests"

os.environ.update(
    AIRFLOW_HOME=str(HOME),
    AIRFLOW__CORE__LOAD_EXAMPLES="False",
    AIRFLOW__DATABASE__LOAD_DEFAULT_CONNECTIONS="False",
    AIRFLOW__CORE__DAGS_FOLDER=str(Path(__file__).parent.parent / "example_dags"),
)

PHOTOGRAPH = Path(__file__).parent.parent / "example_dags" / "images" / "rocket.jpg"


def connect(
    monkeypatch: pytest.MonkeyPatch, simulator: KlingSimulator, *, api_key: bool = False, **fields: Any
) -> None:
    """Point ``kling_default`` at a simulator, with a key pair or with an API key."""
    connection = {
        "conn_type": "kling",
        "host": simulator.url,
        "login": "" if api_key else simulator.access_key,
        "password": simulator.api_key if api_key else simulator.secret_key,
        "extra": {"allow_private_urls": True, "timeout_seconds": 5},
    }
    monkeypatch.setenv("AIRFLOW_CONN_KLING_DEFAULT", json.dumps({**connection, **fields}))


@pytest.fixture
def kling(kling_simulator: KlingSimulator, monkeypatch: pytest.MonkeyPatch) -> KlingSimulator:
    """A simulator that ``kling_default`` points at, with AccessKey and SecretKey."""
    connect(monkeypatch, kling_simulator)
    return kling_simulator


@pytest.fixture
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Pauses of the submission and of the worker's wait take no time; the list shows what they would have taken."""
    pauses: list[float] = []
    monkeypatch.setattr("airflow_provider_kling.hooks.time.sleep", pauses.append)
    return pauses


@dataclass
class FakeTaskInstance:
    """What an operator sees of its task instance; the end-to-end tests have the real one."""

    dag_id: str = "dag"
    run_id: str = "run"
    task_id: str = "animate"
    map_index: int = -1
    try_number: int = 1
    max_tries: int = 0
    xcoms: dict[str, Any] = field(default_factory=dict)

    def xcom_push(self, key: str, value: Any) -> None:
        json.dumps(value)
        self.xcoms[key] = value

    def xcom_pull(self, task_ids: str, key: str, map_indexes: int) -> Any:
        assert (task_ids, map_indexes) == (self.task_id, self.map_index)
        return self.xcoms.get(key)


@pytest.fixture
def ti() -> FakeTaskInstance:
    return FakeTaskInstance()
