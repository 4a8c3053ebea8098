"""The pages over real HTTP: our application below ``/kling`` of another one, as Airflow mounts it."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
import requests
import uvicorn
from airflow.api_fastapi.core_api import security
from airflow.models.dag import DagModel
from fastapi import FastAPI

from airflow_provider_kling.plugins import run_items, run_routes, task_routes
from airflow_provider_kling.plugins.plugin import URL_PREFIX, LazyApp
from airflow_provider_kling.utils._airflow.compat import AIRFLOW_V_3_1_PLUS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_kling.utils._airflow.api_server import TaskKey, TaskRecord
    from airflow_provider_kling.utils._airflow.run_reader import RunTask


class AuthManager:
    """Lets ``reader`` read everything of the Dag ``open``, and ``guest`` all but its XComs; remembers each question."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, str]] = []

    async def get_user_from_token(self, token: str) -> str:
        return token

    def is_authorized_dag(self, *, method: str, access_entity: Any, details: Any, user: str) -> bool:
        self.asked.append((method, access_entity.value, details.id))
        if details.id != "open":
            return False
        return user == "reader" or (user == "guest" and access_entity.value != "XCOM")


class Pages:
    """
    A browser's view of the pages.

    :param url: of the server.
    :param auth: what it asks.
    :param records: what Airflow knows, by task instance; ``tasks`` is what it knows of the run ``r``.
    """

    def __init__(self, url: str, auth: AuthManager, records: dict[TaskKey, TaskRecord]) -> None:
        self.url = url
        self.auth = auth
        self.records = records
        self.reads: list[TaskKey] = []
        self.tasks: list[RunTask] = []
        self.run_reads: list[tuple[str, str, tuple[str, int] | None]] = []

    def get(self, path: str, *, user: str = "reader", headers: dict[str, str] | None = None, **query: Any):
        """One request, with the session's cookie as a browser sends it."""
        asked = {"dag_id": "open", "run_id": "r", "task_id": "t", "map_index": "{MAP_INDEX}", **query}
        return requests.get(
            f"{self.url}/kling/{path}",
            params=asked,
            headers=headers,
            cookies={"_token": user} if user else {},
            timeout=30,
            allow_redirects=False,
        )


@contextmanager
def served(app: Any) -> Iterator[str]:
    """An ASGI application on a free port."""
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.02)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join(10)


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pages]:
    """The pages, with Airflow's own checks of permission in front of them."""
    if not AIRFLOW_V_3_1_PLUS:
        pytest.skip("Airflow 3.1 is the first with a place for the pages")
    auth, records = AuthManager(), {}
    monkeypatch.setattr(security, "get_auth_manager", lambda: auth)
    # Before Airflow 3.2 a Dag belongs to no team.
    monkeypatch.setattr(DagModel, "get_team_name", lambda dag_id: None, raising=False)
    airflow = FastAPI()
    airflow.mount(URL_PREFIX, LazyApp())
    with served(airflow) as url:
        pages = Pages(url, auth, records)

        def read(key: TaskKey) -> TaskRecord | None:
            pages.reads.append(key)
            return records.get(key)

        def read_run(dag_id: str, run_id: str, task: tuple[str, int] | None = None) -> list[RunTask]:
            pages.run_reads.append((dag_id, run_id, task))
            wanted = [ti for ti in pages.tasks if task in (None, (ti.task_id, ti.map_index))]
            return wanted if (dag_id, run_id) == ("open", "r") else []

        monkeypatch.setattr(task_routes, "read_task", read)
        monkeypatch.setattr(run_routes, "read_run", read_run)
        run_items._cache.clear()
        yield pages
