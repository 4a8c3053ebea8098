"""Sets a temporary AIRFLOW_HOME before Airflow is imported; fixtures that many tests share."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from google_store import google_store  # noqa: F401 - a fixture
from object_store import object_store  # noqa: F401 - a fixture
from support import FakeTaskInstance, connect

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_kling.simulator.simulator import KlingSimulator

HERE = Path(__file__).parent

#: Names the process of the tests with a real Airflow.
AIRFLOW = "airflow"

# Processes of pytest-xdist share no database.
HOME = HERE.parent / ".airflow" / f"tests{os.environ.get('PYTEST_XDIST_WORKER', '')}"

os.environ.update(
    AIRFLOW_HOME=str(HOME),
    AIRFLOW__CORE__LOAD_EXAMPLES="False",
    AIRFLOW__DATABASE__LOAD_DEFAULT_CONNECTIONS="False",
    AIRFLOW__CORE__DAGS_FOLDER=str(HERE.parent / "example_dags"),
    # gcsfs would ask for the kind of a bucket by gRPC, which the server of the tests does not speak: a minute each.
    GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT="false",
    # A process for each video that a test stores; tests of posters switch it on.
    AIRFLOW__KLING__POSTERS="False",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests with a real Airflow begin first: they last longest."""
    items.sort(key=lambda item: _process_of(item.nodeid) != AIRFLOW)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """
    One process for all tests with a real Airflow, of which there is one; the other files go where there is room.

    pytest-xdist's own groups do nothing with pytest 9.2 (its 3.8.0 writes them into a name that pytest does not read).
    """
    from xdist.scheduler import LoadScopeScheduling

    class ByProcess(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return _process_of(nodeid)

    return ByProcess(config, log)


def _process_of(nodeid: str) -> str:
    path = nodeid.partition("::")[0]
    return AIRFLOW if path.startswith(("tests/e2e/", "tests/browser/")) else path


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


@pytest.fixture
def ti() -> FakeTaskInstance:
    return FakeTaskInstance()


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], list[str]]:
    """What an operator or trigger logs from now on, formatted; Airflow's loggers do not reach pytest's caplog."""
    lines: list[str] = []

    class Log:
        def __getattr__(self, _level: str) -> Callable[..., None]:
            return lambda message, *arguments: lines.append(message % arguments)

    def record(speaker: Any) -> list[str]:
        monkeypatch.setattr(type(speaker), "log", Log())
        return lines

    return record
