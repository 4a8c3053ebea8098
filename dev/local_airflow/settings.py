"""Environment variables and database of a local Airflow."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
from base64 import urlsafe_b64encode
from contextlib import ExitStack, closing
from importlib.metadata import entry_points, version
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

REPOSITORY = Path(__file__).resolve().parents[2]
CACHE = REPOSITORY / ".airflow" / "cache"
LOOPBACK = "127.0.0.1"
PLUGINS = "plugins"


def free_ports(count: int) -> list[int]:
    """Different unused ports of the loopback interface."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for listener in sockets:
            listener.bind((LOOPBACK, 0))
        return [listener.getsockname()[1] for listener in sockets]


def clean_environment() -> dict[str, str]:
    """The caller's environment without Airflow variables, and without a proxy for the loopback."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    # Without cached bytecode each worker process compiles its imports, which doubles the CPU time of most tasks.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    for name in ("NO_PROXY", "no_proxy"):
        environment[name] = ",".join(filter(None, [environment.get(name), LOOPBACK, "localhost"]))
    return environment | {"PYTHONUNBUFFERED": "1"}


def home_secrets(home: Path) -> dict[str, str]:
    """Secrets of this home, created once, so that components and the whole Airflow can be restarted."""
    file = home / "secrets.json"
    if not file.exists():
        file.touch(mode=0o600)
        keys = {
            "AIRFLOW__CORE__FERNET_KEY": urlsafe_b64encode(secrets.token_bytes(32)).decode(),
            "AIRFLOW__API__SECRET_KEY": secrets.token_hex(32),
            "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_hex(32),
        }
        file.write_text(json.dumps(keys))
    return dict(json.loads(file.read_text()))


def bundles(folders: Sequence[Path]) -> str:
    """The Dag bundle configuration, as JSON, with one bundle per folder."""
    return json.dumps(
        [
            {
                "name": f"{position}-{folder.name}",
                "classpath": "airflow.dag_processing.bundles.local.LocalDagBundle",
                "kwargs": {"path": str(folder.resolve())},
            }
            for position, folder in enumerate(folders)
        ]
    )


def connection_variables(connections: Mapping[str, Mapping[str, object]]) -> dict[str, str]:
    """Connections in the JSON form of ``AIRFLOW_CONN_…``."""
    return {f"AIRFLOW_CONN_{name.upper()}": json.dumps(fields) for name, fields in connections.items()}


def airflow_settings(home: Path, folders: Sequence[Path], ports: Sequence[int]) -> dict[str, str]:
    """The configuration of a local Airflow; ``ports`` of the API and of the two log servers."""
    api, worker_logs, trigger_logs = ports
    options = {
        "core.executor": "LocalExecutor",
        # LocalExecutor forks all workers at the start.
        "core.parallelism": 8,
        "core.load_examples": False,
        "core.plugins_folder": home / PLUGINS,
        "core.dags_folder": folders[0].resolve(),
        "core.dags_are_paused_at_creation": False,
        "core.simple_auth_manager_all_admins": True,
        "core.test_connection": "Enabled",
        "core.execution_api_server_url": f"http://{LOOPBACK}:{api}/execution/",
        # The default queries a DNS server, which may be slow or missing.
        "core.hostname_callable": "socket.gethostname",
        "core.min_serialized_dag_update_interval": 0,
        "api.host": LOOPBACK,
        # Airflow 3.0 starts four, whose imports take a minute.
        "api.workers": 1,
        "api.port": api,
        "api.base_url": f"http://{LOOPBACK}:{api}",
        "database.sql_alchemy_conn": f"sqlite:///{home / 'airflow.db'}",
        "database.load_default_connections": False,
        "dag_processor.dag_bundle_config_list": bundles(folders),
        "dag_processor.refresh_interval": 2,
        "dag_processor.bundle_refresh_check_interval": 1,
        "logging.base_log_folder": home / "logs",
        "logging.dag_processor_child_process_log_directory": home / "logs" / "dag_processor",
        "logging.worker_log_server_port": worker_logs,
        "logging.trigger_log_server_port": trigger_logs,
        "usage_data_collection.enabled": False,
    }
    variables = {f"AIRFLOW__{name.upper().replace('.', '__')}": str(value) for name, value in options.items()}
    return {"AIRFLOW_HOME": str(home), **variables}


def write_plugin(home: Path) -> None:
    """
    Write the plugin into the plugins folder, if no entry point is installed.

    An editable installation keeps the entry points of the time when it was installed.
    """
    if not entry_points(group="airflow.plugins", name="kling"):
        (home / PLUGINS).mkdir(exist_ok=True)
        (home / PLUGINS / "kling.py").write_text("from airflow_provider_kling.plugins.plugin import KlingPlugin\n")


def create_database(home: Path) -> None:
    """Create an empty, migrated database in ``home``; the migration is cached per version of Airflow."""
    template = CACHE / f"airflow-{version('apache-airflow-core')}.db"
    if not template.exists():
        _migrate(template)
    shutil.copyfile(template, home / "airflow.db")


def _migrate(template: Path) -> None:
    """Let Airflow create its tables in a temporary folder, then move the file to ``template``."""
    template.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=template.parent) as folder:
        home = Path(folder)
        environment = clean_environment() | airflow_settings(home, [home], free_ports(3))
        command = [sys.executable, "-m", "airflow", "db", "migrate"]
        result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if result.returncode:
            raise RuntimeError(f"airflow db migrate failed:\n{result.stdout}\n{result.stderr}")
        with closing(sqlite3.connect(home / "airflow.db")) as database:
            # WAL: five processes read and write this file at the same time.
            database.execute("PRAGMA journal_mode = WAL")
        (home / "airflow.db").replace(template)
