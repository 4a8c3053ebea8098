"""The simulator in a separate process, so that its CPU time is not part of the measurement."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self

import requests

from airflow_provider_kling.simulator.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterable

ACCOUNT = Settings()


class Kling:
    """
    Runs the simulator's command during a ``with`` block.

    :param port: its port.
    :param seconds: processing time of a task.
    :param scale: instead of ``seconds``, factor of the usual processing time, which depends on the video's duration.
    :param concurrency: its slots.
    """

    def __init__(self, port: int, *, seconds: float | None = None, scale: float = 1.0, concurrency: int = 2000) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._session = requests.Session()
        self._session.trust_env = False
        options = {
            "port": port,
            **({"time-scale": scale} if seconds is None else {"seconds": seconds}),
            "concurrency": concurrency,
            "units": 1_000_000,
            "video-size": "small",
        }
        self._command = [sys.executable, "-m", "airflow_provider_kling.simulator"]
        for name, value in options.items():
            self._command += [f"--{name}", str(value)]

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(self._command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line.startswith("listening"):
            raise RuntimeError(f"the simulator did not start: {line}")
        return self

    def __exit__(self, *_exception: object) -> None:
        self._process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(10)
        self._process.kill()
        self._process.wait()

    def control(self, path: str) -> Any:
        """Read a control route."""
        return self._session.get(f"{self.url}/_simulator/{path}", timeout=60).json()

    def arm(self, **fault: Any) -> None:
        """Arm a fault."""
        self._session.post(f"{self.url}/_simulator/faults", json=fault, timeout=10).raise_for_status()

    def requests_so_far(self) -> int:
        """Number of received requests, without those to control routes."""
        return int(self.control("")["requests"])

    def tasks_since(self, moment: float) -> list[dict[str, Any]]:
        """The tasks that were created after an epoch second, oldest first."""
        return [task for task in self.control("tasks") if task["created_at"] >= moment * 1000]

    def prompts_since(self, moment: float) -> list[str]:
        """The prompts of the accepted create calls after an epoch second, oldest first."""
        calls = self.control("requests")
        accepted = (call for call in calls if call["method"] == "POST" and call["status"] == 200)
        return [call["body"]["prompt"] for call in accepted if call["at"] >= moment * 1000]

    def refusals_since(self, moment: float) -> Counter[str]:
        """Number of 1303 responses after an epoch second, by ``external_task_id``."""
        calls = self.control("requests")
        refused = (call for call in calls if call["method"] == "POST" and call["status"] == 429)
        return Counter(call["body"]["external_task_id"] for call in refused if call["at"] >= moment * 1000)

    def create(self, count: int) -> list[str]:
        """Create tasks; returns their ids."""
        return list(self._create(count))

    def _create(self, count: int) -> Iterable[str]:
        headers = {"Authorization": f"Bearer {ACCOUNT.api_key}"}
        for number in range(count):
            body = {"model_name": "kling-v3", "prompt": f"Video {number}", "duration": "5"}
            answer = self._session.post(f"{self.url}/v1/videos/text2video", json=body, headers=headers, timeout=30)
            answer.raise_for_status()
            yield answer.json()["data"]["task_id"]


def connection(url: str, *, jwt: bool = True) -> dict[str, Any]:
    """The fields of an Airflow connection to it, with AccessKey and SecretKey or with an API key."""
    credential = {"login": ACCOUNT.access_key, "password": ACCOUNT.secret_key} if jwt else {"password": ACCOUNT.api_key}
    return {"conn_type": "kling", "host": url, **credential, "extra": {"allow_private_urls": True}}


def http_connection(url: str) -> dict[str, Any]:
    """The fields of a generic HTTP connection to it; its extra becomes headers."""
    extra = {"Authorization": f"Bearer {ACCOUNT.api_key}", "Content-Type": "application/json"}
    return {"conn_type": "http", "host": url, "extra": extra}


def wait_until(moment: float) -> None:
    """Sleep until an epoch second."""
    time.sleep(max(0.0, moment - time.time()))
