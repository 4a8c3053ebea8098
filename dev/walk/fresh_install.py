"""A fresh environment with the wheel, an Airflow and a simulator, installed and started as the quickstart page says."""

from __future__ import annotations

import json
import os
import pty
import re
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import requests

from dev.demo import RETRIES
from dev.local_airflow import Component, ComponentError, stop
from dev.local_airflow.settings import LOOPBACK, clean_environment, free_ports
from dev.walk import quickstart
from dev.wheel import UV, build_wheel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

#: File in AIRFLOW_HOME with the administrator's password, which Airflow also prints.
PASSWORDS = "simple_auth_manager_passwords.json.generated"
SIMULATOR_PORT = 8780
SECONDS_TO_START = 300.0


@dataclass(frozen=True)
class FreshInstall:
    """The running Airflow and simulator, and the credentials that they printed."""

    folder: Path
    environment: dict[str, str]
    url: str
    password: str
    kling_url: str
    kling_key: str

    def run(self, words: list[str], answer: bytes) -> subprocess.CompletedProcess[str]:
        """Run a command of the page in an empty folder; ``answer`` is typed into its terminal."""
        folder = self.folder / "elsewhere"
        folder.mkdir(exist_ok=True)
        program = [str(self.folder / "venv" / "bin" / words[0]), *words[1:]]
        ours, terminal = pty.openpty()
        try:
            os.write(ours, answer)
            return subprocess.run(
                program,
                cwd=folder,
                env=self.environment,
                stdin=terminal,
                capture_output=True,
                text=True,
                check=False,
                timeout=240,
            )
        finally:
            os.close(ours)
            os.close(terminal)


@contextmanager
def open_fresh_install(folder: Path, say: Callable[[str], object]) -> Iterator[FreshInstall]:
    """Install the package, write the Dag, start the simulator and Airflow; stop both at the end."""
    _install(folder, say)
    dags = folder / "airflow" / "dags"
    dags.mkdir(parents=True)
    (dags / "paper_boat.py").write_text(quickstart.dag_file())
    api, *log_servers = free_ports(3)
    environment = _environment(folder, api, log_servers)
    url = f"http://{LOOPBACK}:{api}"
    simulator = [*quickstart.command("python", "-m", "airflow_provider_kling.simulator"), "--port", _port_of_the_page()]
    with ExitStack() as stack:
        started: list[Component] = []
        stack.callback(lambda: stop(started))
        for words in (simulator, quickstart.command("airflow", "standalone")):
            say(f"starting {' '.join(words)}")
            program = [str(folder / "venv" / "bin" / words[0]), *words[1:]]
            started.append(Component(words[0], program, environment, folder / f"{words[0]}.log"))
        kling, airflow = started
        address, key = (_printed(kling, words) for words in (r"listening on (\S+)", r"--conn-password (\S+)"))
        _wait(lambda: _healthy(url), airflow)
        password = json.loads((folder / "airflow" / PASSWORDS).read_text())["admin"]
        if password not in airflow.log.read_text():
            raise ComponentError(f"airflow standalone did not print its password:\n{airflow.tail()}")
        yield FreshInstall(folder, environment, url, password, address, key)


def _port_of_the_page() -> str:
    """The simulator's default port, as the page shows it; 0 for any free port if it is in use."""
    with socket.socket() as listener:
        # Like the simulator: connections of a server that has just stopped must not block the port.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((LOOPBACK, SIMULATOR_PORT))
        except OSError:
            return "0"
    return str(SIMULATOR_PORT)


def _install(folder: Path, say: Callable[[str], object]) -> None:
    """Install what the page's command installs, without Airflow's constraints, which need the internet."""
    wheel = build_wheel(folder / "wheel")
    ours, airflow = (
        word for word in quickstart.command("pip", "install") if re.match(r"(airflow-pro|apache-air)", word)
    )
    say(f"installing {wheel.name} and {airflow}")
    python = folder / "venv" / "bin" / "python"
    extra = ours.partition("[")[2].rstrip("]")
    wanted = [f"airflow-provider-kling[{extra}] @ {wheel.as_uri()}", airflow]
    for command in (
        [UV, "venv", "--quiet", "--python", sys.executable, folder / "venv"],
        [UV, "pip", "install", "--quiet", "--python", python, *wanted],
    ):
        subprocess.run([str(word) for word in command], env=_outside(), check=True, timeout=300)


def _environment(folder: Path, api: int, log_servers: list[int]) -> dict[str, str]:
    """Environment variables: a separate AIRFLOW_HOME and ports, without the Python paths of this checkout."""
    settings = {
        "CORE__LOAD_EXAMPLES": False,
        "API__PORT": api,
        "API__BASE_URL": f"http://{LOOPBACK}:{api}",
        "LOGGING__WORKER_LOG_SERVER_PORT": log_servers[0],
        "LOGGING__TRIGGER_LOG_SERVER_PORT": log_servers[1],
        # By default 32 workers are started at once.
        "CORE__PARALLELISM": 4,
    }
    path = os.pathsep.join([str(folder / "venv" / "bin"), os.environ.get("PATH", "")])
    named = {f"AIRFLOW__{name}": str(value) for name, value in settings.items()}
    return _outside() | RETRIES | named | {"AIRFLOW_HOME": str(folder / "airflow"), "PATH": path}


def _outside() -> dict[str, str]:
    """The environment without the Python paths of this checkout."""
    return {name: value for name, value in clean_environment().items() if name not in {"PYTHONPATH", "VIRTUAL_ENV"}}


def _printed(component: Component, pattern: str) -> str:
    """Wait until a component has printed ``pattern``; return the matched group."""
    _wait(lambda: bool(re.search(pattern, component.log.read_text())), component)
    return str(re.findall(pattern, component.log.read_text())[0])


def _healthy(url: str) -> bool:
    """Whether Airflow's health endpoint reports all components as healthy."""
    with suppress(requests.RequestException):
        parts = requests.get(f"{url}/api/v2/monitor/health", timeout=10).json()
        wanted = ("metadatabase", "scheduler", "triggerer", "dag_processor")
        return all(parts[name]["status"] == "healthy" for name in wanted)
    return False


def _wait(reached: Callable[[], bool], component: Component) -> None:
    deadline = time.monotonic() + SECONDS_TO_START
    while not reached():
        if time.monotonic() > deadline or not component.running:
            raise ComponentError(f"{component.name} did not come up:\n{component.tail()}")
        time.sleep(0.3)
