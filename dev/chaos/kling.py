"""The simulator in a separate process, which can be killed and restarted with its state."""

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
    A simulated account.

    :param folder: folder for its log and state.
    :param concurrency: slots; fewer than tasks.
    :param seconds: processing time of a video.
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
        options_list = [word for name, value in options.items() for word in (f"--{name}", str(value))]
        self._command = [sys.executable, "-m", "airflow_provider_kling.simulator", *options_list]
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
        """The fields of an Airflow connection; requests time out after 5 s."""
        settings = Settings()
        return {
            "conn_type": "kling",
            "host": self.url,
            "login": settings.access_key,
            "password": settings.secret_key,
            "extra": {"allow_private_urls": True, "timeout_seconds": 5},
        }

    def start(self, timeout: float = 60) -> None:
        """Start the process and wait until it responds."""
        self._process = Component("simulator", self._command, clean_environment(), self._log)
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline and self._process.running:
            with suppress(requests.RequestException):
                self._control_request("GET", "")
                return
            time.sleep(0.1)
        raise ComponentError(f"the simulator does not respond:\n{self._process.tail()}")

    def kill(self) -> None:
        """Kill the process."""
        if self._process:
            self._process.reap()

    def tasks(self) -> list[dict[str, Any]]:
        """Every task, oldest first."""
        return list(self._control_request("GET", "tasks"))

    def charges(self) -> set[str]:
        """The ids of the charged tasks."""
        return {charge["task_id"] for charge in self._control_request("GET", "ledger")["charges"]}

    def arm(self, fault: dict[str, Any]) -> int:
        """Arm a fault; returns its number, which starts at 1 after every restart."""
        return int(self._control_request("POST", "faults", json=fault)["id"])

    def unmatched_faults(self) -> set[int]:
        """The numbers of the faults that no request has matched yet."""
        return {fault["id"] for fault in self._control_request("GET", "faults") if not fault["matched"]}

    def end_faults(self) -> None:
        """Disarm every fault."""
        self._control_request("DELETE", "faults")

    def download(self, url: str) -> bytes:
        """Download a result, without the package."""
        response = self._session.get(url, timeout=30)
        response.raise_for_status()
        return response.content

    def _control_request(self, method: str, path: str, **arguments: Any) -> Any:
        response = self._session.request(method, f"{self.url}/_simulator/{path}", timeout=30, **arguments)
        response.raise_for_status()
        return response.json()
