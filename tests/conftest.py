"""Every test gets an Airflow home of its own, before anything imports Airflow; and the fixtures of many tests."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from object_store import object_store  # noqa: F401 - a fixture
from support import FakeTaskInstance, connect

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_kling.simulator.simulator import KlingSimulator

HERE = Path(__file__).parent

# Processes of pytest-xdist share no database.
HOME = HERE.parent / ".airflow" / f"tests{os.environ.get('PYTEST_XDIST_WORKER', '')}"

os.environ.update(
    AIRFLOW_HOME=str(HOME),
    AIRFLOW__CORE__LOAD_EXAMPLES="False",
    AIRFLOW__DATABASE__LOAD_DEFAULT_CONNECTIONS="False",
    AIRFLOW__CORE__DAGS_FOLDER=str(HERE.parent / "example_dags"),
)


@pytest.hookimpl(tryfirst=True)  # pytest-xdist reads the groups in the same hook
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One process for all tests with a real Airflow, which begin first and last longest; a file stays together."""
    items.sort(key=lambda item: not _has_airflow(item))
    for item in items:
        item.add_marker(pytest.mark.xdist_group("airflow" if _has_airflow(item) else str(item.path)))


def _has_airflow(item: pytest.Item) -> bool:
    return HERE / "e2e" in item.path.parents


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
