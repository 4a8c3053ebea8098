"""A client of the public REST API of a local Airflow."""

from __future__ import annotations

import json
import time
import uuid
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import requests

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    TaskInstances = list[dict[str, Any]]
    #: What a Clear takes: a task id, or the pair of a task id and a map index.
    ToClear = str | list[str | int]

FINISHED = frozenset({"success", "failed"})
#: Seconds for which a clear is retried after a database error.
CLEAR_TIMEOUT = 60.0
# Keys of a log entry that are the same for the whole task, or formatted separately.
_LOG_CONTEXT = frozenset(
    {"timestamp", "level", "event", "error_detail", "logger", "filename", "lineno"}
    | {"dag_id", "run_id", "task_id", "map_index", "try_number", "ti_id", "ti"}
)


class DagNotFoundError(LookupError):
    """Airflow has not found the Dag; the message contains its import errors."""


class AirflowClient:
    """Sends requests to the API server at ``url`` as administrator."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._session = requests.Session()
        # The user's proxy and .netrc must not be used for the loopback.
        self._session.trust_env = False

    def request(self, method: str, path: str, **arguments: Any) -> requests.Response:
        """Send a request below ``/api/v2``; an error status raises with the body of the response."""
        self._log_in()
        response = self._session.request(method, f"{self.url}/api/v2/{path}", timeout=60, **arguments)
        if not response.ok:
            message = f"{method} {path}: {response.status_code} {response.text[:2000]}"
            raise requests.HTTPError(message, response=response)
        return response

    def get(self, path: str, **query: Any) -> Any:
        """The JSON body of a GET."""
        return self.request("GET", path, params=query).json()

    def page(self, path: str, headers: Mapping[str, str] | None = None, **query: Any) -> requests.Response:
        """Send a GET outside of ``/api/v2``; any status is returned. Airflow before 3.2 requires a token here too."""
        self._log_in()
        return self._session.get(f"{self.url}/{path}", params=query, headers=headers, timeout=60)

    def health(self) -> dict[str, Any]:
        """The body of ``/monitor/health``, which needs no token."""
        return dict(self._session.get(f"{self.url}/api/v2/monitor/health", timeout=5).json())

    def trigger_dag(
        self, dag_id: str, conf: Mapping[str, Any] | None = None, run_id: str | None = None, timeout: float = 60
    ) -> str:
        """Start a run, waiting up to ``timeout`` seconds for Airflow to find the Dag; returns the run id."""
        self.wait_for_dag(dag_id, timeout)
        run_id = run_id or f"manual__{uuid.uuid4().hex}"
        body = {"logical_date": None, "conf": dict(conf or {}), "dag_run_id": run_id}
        self._post_with_retries(f"dags/{dag_id}/dagRuns", body, time.monotonic() + timeout)
        return run_id

    def _post_with_retries(self, path: str, body: dict[str, Any], deadline: float) -> None:
        """POST, with retries after database errors: while tasks start, Airflow's SQLite database may be locked."""
        retried = False
        while True:
            try:
                self.request("POST", path, json=body)
            except requests.HTTPError as error:
                if retried and error.response.status_code == HTTPStatus.CONFLICT:
                    return
                if time.monotonic() > deadline or "Database error" not in error.response.text:
                    raise
                retried = True
                time.sleep(1)
            else:
                return

    def wait_for_dag(self, dag_id: str, timeout: float = 60) -> None:
        """Return as soon as Airflow has parsed the Dag."""
        deadline = time.monotonic() + timeout
        while not self._has_dag(dag_id):
            if time.monotonic() > deadline:
                raise DagNotFoundError(f"{dag_id} not found in {timeout:.0f} s; {self.import_errors() or 'no errors'}")
            time.sleep(0.2)

    def import_errors(self) -> str:
        """The stack traces of the Dag files that could not be imported."""
        errors = self.get("importErrors", limit=100)["import_errors"]
        return "\n".join(f"{error['filename']}:\n{error['stack_trace']}" for error in errors)

    def run_state(self, dag_id: str, run_id: str) -> str:
        """The state of a run."""
        return str(self.get(f"dags/{dag_id}/dagRuns/{run_id}")["state"])

    def wait_for_run(
        self,
        dag_id: str,
        run_id: str,
        timeout: float = 120,
        on_progress: Callable[[TaskInstances], object] | None = None,
        interval: float = 0.3,
    ) -> str:
        """Wait for the end of a run and return its state; connection errors are retried.

        ``on_progress`` is called with all task instances at every poll, including the last. Polls cost CPU time of the
        API server, so measurements use a longer ``interval``.
        """
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            with suppress(requests.ConnectionError, requests.Timeout):
                state = self.run_state(dag_id, run_id)
                if on_progress:
                    on_progress(self.task_instances(dag_id, run_id))
                if state in FINISHED:
                    return state
            time.sleep(interval)
        raise TimeoutError(f"{dag_id} {run_id} did not end in {timeout:.0f} s: {self.states(dag_id, run_id)}")

    def task_instances(self, dag_id: str, run_id: str) -> TaskInstances:
        """All task instances of a run, mapped ones included."""
        found: TaskInstances = []
        while True:
            path = f"dags/{dag_id}/dagRuns/{run_id}/taskInstances"
            page = self.get(path, limit=100, offset=len(found))
            found += page["task_instances"]
            if len(found) >= page["total_entries"] or not page["task_instances"]:
                return found

    def task_instance(self, dag_id: str, run_id: str, task_id: str, map_index: int = -1) -> dict[str, Any]:
        """One task instance."""
        return dict(self.get(_instance(dag_id, run_id, task_id, map_index)))

    def states(self, dag_id: str, run_id: str) -> dict[str, str | None]:
        """State by task id, or by ``task_id[map_index]``."""
        return {label(found): found["state"] for found in self.task_instances(dag_id, run_id)}

    def wait_for_task(
        self,
        dag_id: str,
        run_id: str,
        task_id: str,
        states: Iterable[str],
        timeout: float = 60,
        map_index: int = -1,
    ) -> str:
        """Wait until a task instance is in one of ``states``; returns that state."""
        wanted, state = set(states), None
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            state = self.task_instance(dag_id, run_id, task_id, map_index)["state"]
            if state in wanted:
                return str(state)
            time.sleep(0.1)
        raise TimeoutError(f"{dag_id}.{task_id} is {state!r} after {timeout:.0f} s, not one of {sorted(wanted)}")

    def rendered_fields(self, dag_id: str, run_id: str, task_id: str, map_index: int = -1) -> dict[str, Any]:
        """The template fields of a task instance, as the UI shows them."""
        return dict(self.task_instance(dag_id, run_id, task_id, map_index)["rendered_fields"])

    def xcom(self, dag_id: str, run_id: str, task_id: str, key: str = "return_value", map_index: int = -1) -> Any:
        """The value of an XCom."""
        path = f"dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/xcomEntries/{key}"
        return self.get(path, map_index=map_index)["value"]

    def xcom_keys(self, dag_id: str, run_id: str, task_id: str) -> set[str]:
        """The keys of a task's XComs; of all map indexes, if it is mapped."""
        entries = self.get(f"{_instance(dag_id, run_id, task_id, -1)}/xcomEntries", limit=100)["xcom_entries"]
        return {entry["key"] for entry in entries}

    def links(self, dag_id: str, run_id: str, task_id: str, map_index: int = -1) -> dict[str, str | None]:
        """The links of a task's buttons, by their names."""
        found = self.get(f"{_instance(dag_id, run_id, task_id, -1)}/links", map_index=map_index)
        return dict(found["extra_links"])

    def logs(self, dag_id: str, run_id: str, task_id: str, try_number: int | None = None, map_index: int = -1) -> str:
        """The log of one try, the latest by default, as text."""
        if try_number is None:
            try_number = self.task_instance(dag_id, run_id, task_id, map_index)["try_number"]
        path = f"dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/logs/{try_number}"
        response = self.request("GET", path, params={"map_index": map_index, "full_content": True})
        return "\n".join(map(_log_line, response.json()["content"]))

    def clear(
        self, dag_id: str, run_id: str, task_ids: Iterable[ToClear], *, only_failed: bool = False, **options: Any
    ) -> None:
        """Clear task instances as the UI does; ``options`` are those of Airflow's ``clearTaskInstances``."""
        body = {"dry_run": False, "dag_run_id": run_id, "task_ids": list(task_ids), "only_failed": only_failed}
        self._post_with_retries(f"dags/{dag_id}/clearTaskInstances", body | options, time.monotonic() + CLEAR_TIMEOUT)

    def mark(self, dag_id: str, run_id: str, task_id: str, state: str, map_index: int = -1) -> None:
        """Mark a task instance as ``success``, ``failed`` or ``skipped``, as the UI does."""
        self.request("PATCH", _instance(dag_id, run_id, task_id, map_index), json={"new_state": state})

    def set_pool(self, name: str, slots: int, *, include_deferred: bool = False) -> None:
        """Create a pool, or change it."""
        body = {"name": name, "slots": slots, "include_deferred": include_deferred, "description": ""}
        try:
            self.request("POST", "pools", json=body)
        except requests.HTTPError as error:
            if error.response.status_code != requests.codes.conflict:
                raise
            changed = {"pool": name, "slots": slots, "include_deferred": include_deferred}
            self.request("PATCH", f"pools/{name}", json=changed)

    def add_connection(self, connection_id: str, fields: Mapping[str, Any]) -> None:
        """Store a connection in Airflow's database, as ``airflow connections add`` does."""
        self.request("POST", "connections", json={"connection_id": connection_id, **_connection(fields)})

    def test_connection(self, connection_id: str, fields: Mapping[str, Any]) -> tuple[bool, str]:
        """Call what the Test button of the connection form calls."""
        body = {"connection_id": connection_id, **_connection(fields)}
        response = self.request("POST", "connections/test", json=body).json()
        return response["status"], response["message"]

    def _has_dag(self, dag_id: str) -> bool:
        try:
            self.get(f"dags/{dag_id}")
        except requests.HTTPError as error:
            if error.response.status_code == requests.codes.not_found:
                return False
            raise
        return True

    def _log_in(self) -> None:
        if "Authorization" not in self._session.headers:
            self._session.headers["Authorization"] = f"Bearer {self._token()}"

    def _token(self) -> str:
        response = self._session.get(f"{self.url}/auth/token", timeout=30)
        response.raise_for_status()
        return str(response.json()["access_token"])


def label(instance: Mapping[str, Any]) -> str:
    """The task id, with the map index if there is one."""
    mapped = instance["map_index"] >= 0
    return f"{instance['task_id']}[{instance['map_index']}]" if mapped else str(instance["task_id"])


def _instance(dag_id: str, run_id: str, task_id: str, map_index: int) -> str:
    path = f"dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}"
    return path if map_index < 0 else f"{path}/{map_index}"


def _connection(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a connection, with ``extra`` as the JSON text that the API expects."""
    return {name: json.dumps(value) if name == "extra" else value for name, value in fields.items()}


def _log_line(entry: str | Mapping[str, Any]) -> str:
    """Format an entry of a structured log: message, further keys, and traceback."""
    if isinstance(entry, str):
        return entry
    details = [f"{key}={value}" for key, value in entry.items() if key not in _LOG_CONTEXT]
    parts = [entry.get("timestamp"), str(entry.get("level", "")).upper(), entry["event"], *details]
    errors = map(_traceback, reversed(entry.get("error_detail") or []))
    return "\n".join([" ".join(str(part) for part in parts if part), *errors])


def _traceback(error: Mapping[str, Any]) -> str:
    frames = [f'  File "{found["filename"]}", line {found["lineno"]}, in {found["name"]}' for found in error["frames"]]
    return "\n".join([*frames, f"{error['exc_type']}: {error['exc_value']}"])
