"""The simulator as a process of its own, that can be killed and comes back with everything it had accepted."""

from __future__ import annotations

import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self

import requests

from airflow_provider_kling.simulator import Settings
from dev.local_airflow import Component, ComponentError, stop
from dev.local_airflow.settings import LOOPBACK, clean_environment, free_ports

if TYPE_CHECKING:
    from pathlib import Path


class Kling:
    """
    One simulated account.

    :param folder: of its log and its state.
    :param concurrency: slots; fewer than there are tasks.
    :param seconds: how long a video takes.
    """

    def __init__(self, folder: Path, *, concurrency: int, seconds: float) -> None:
        (port,) = free_ports(1)
        self.url = f"http://{LOOPBACK}:{port}"
        self._log = folder / "simulator.log"
        options = {
            "port": port,
            "concurrency": concurrency,
            "seconds": seconds,
            "video-size": "small",
            "units": 1_000_000,
            "state": folder / "state.jsonl",
        }
        words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
        self._command = [sys.executable, "-m", "airflow_provider_kling.simulator", *words]
        self._session = requests.Session()
        self._session.trust_env = False
        self._process: Component | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exception: object) -> None:
        if self._process:
            stop([self._process])

    @property
    def connection(self) -> dict[str, Any]:
        """The fields of an Airflow connection; answers that take longer than 5 s are given up."""
        settings = Settings()
        return {
            "conn_type": "kling",
            "host": self.url,
            "login": settings.access_key,
            "password": settings.secret_key,
            "extra": {"allow_private_urls": True, "timeout_seconds": 5},
        }

    def start(self, timeout: float = 60) -> None:
        """Start, and wait until it answers."""
        self._process = Component("simulator", self._command, clean_environment(), self._log)
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline and self._process.running:
            with suppress(requests.RequestException):
                self._ask("GET", "")
                return
            time.sleep(0.1)
        raise ComponentError(f"the simulator does not answer:\n{self._process.tail()}")

    def kill(self) -> None:
        """End it without warning."""
        if self._process:
            self._process.reap()

    def tasks(self) -> list[dict[str, Any]]:
        """Every task, oldest first."""
        return list(self._ask("GET", "tasks"))

    def charges(self) -> set[str]:
        """The ids of the tasks that the ledger lists as paid."""
        return {charge["task_id"] for charge in self._ask("GET", "ledger")["charges"]}

    def arm(self, fault: dict[str, Any]) -> int:
        """Arm a fault; returns its number, which counts from 1 in every life of the process."""
        return int(self._ask("POST", "faults", json=fault)["id"])

    def untouched(self) -> set[int]:
        """The numbers of the faults that no request has met yet."""
        return {fault["id"] for fault in self._ask("GET", "faults") if not fault["matched"]}

    def end_faults(self) -> None:
        """Disarm every fault."""
        self._ask("DELETE", "faults")

    def download(self, url: str) -> bytes:
        """A result, fetched without the package."""
        answer = self._session.get(url, timeout=30)
        answer.raise_for_status()
        return answer.content

    def _ask(self, method: str, path: str, **arguments: Any) -> Any:
        answer = self._session.request(method, f"{self.url}/_simulator/{path}", timeout=30, **arguments)
        answer.raise_for_status()
        return answer.json()
