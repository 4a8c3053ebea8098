"""What a local Airflow is told through its environment, and the empty database that it starts from."""

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
    """Ports of the loopback interface that nobody listens on, all different."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for listener in sockets:
            listener.bind((LOOPBACK, 0))
        return [listener.getsockname()[1] for listener in sockets]


def clean_environment() -> dict[str, str]:
    """The caller's environment without any Airflow of their own, and without a proxy for the loopback."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    # Without byte code each worker process compiles what it imports: twice the CPU time of most tasks.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    for name in ("NO_PROXY", "no_proxy"):
        environment[name] = ",".join(filter(None, [environment.get(name), LOOPBACK, "localhost"]))
    return environment | {"PYTHONUNBUFFERED": "1"}


def home_secrets(home: Path) -> dict[str, str]:
    """The keys of this home: made once, so that components and whole Airflows can be restarted on it."""
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
    """Every Dags folder as a bundle of its own, in the JSON that Airflow reads."""
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
    """The configuration of one local Airflow; ``ports`` are those of the API and of the two log servers."""
    api, worker_logs, trigger_logs = ports
    options = {
        "core.executor": "LocalExecutor",
        # LocalExecutor forks all of its workers at the start.
        "core.parallelism": 8,
        "core.load_examples": False,
        "core.plugins_folder": home / PLUGINS,
        "core.dags_folder": folders[0].resolve(),
        "core.dags_are_paused_at_creation": False,
        "core.simple_auth_manager_all_admins": True,
        "core.test_connection": "Enabled",
        "core.execution_api_server_url": f"http://{LOOPBACK}:{api}/execution/",
        # The default asks a name server, which may be slow or absent.
        "core.hostname_callable": "socket.gethostname",
        "core.min_serialized_dag_update_interval": 0,
        "api.host": LOOPBACK,
        # Airflow 3.0 starts four, which import everything at once and are not healthy for a minute.
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
    Put ours into the folder of plugins when the installation does not name it.

    An installation in place keeps the entry points of the day on which it was made.
    """
    if not entry_points(group="airflow.plugins", name="kling"):
        (home / PLUGINS).mkdir(exist_ok=True)
        (home / PLUGINS / "kling.py").write_text("from airflow_provider_kling.plugins.plugin import KlingPlugin\n")


def create_database(home: Path) -> None:
    """Give ``home`` an empty, migrated database; migrating happens once for each version of Airflow."""
    template = CACHE / f"airflow-{version('apache-airflow-core')}.db"
    if not template.exists():
        _migrate(template)
    shutil.copyfile(template, home / "airflow.db")


def _migrate(template: Path) -> None:
    """Let Airflow create its tables in a folder of its own, then move the file to ``template``."""
    template.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=template.parent) as folder:
        home = Path(folder)
        environment = clean_environment() | airflow_settings(home, [home], free_ports(3))
        command = [sys.executable, "-m", "airflow", "db", "migrate"]
        result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if result.returncode:
            raise RuntimeError(f"airflow db migrate failed:\n{result.stdout}\n{result.stderr}")
        with closing(sqlite3.connect(home / "airflow.db")) as database:
            # Readers and a writer at the same time: five processes share this file.
            database.execute("PRAGMA journal_mode = WAL")
        (home / "airflow.db").replace(template)
