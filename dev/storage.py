"""A local object storage with a login, for the examples that use private files."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import requests

from dev.local_airflow import Component, ComponentError, stop
from dev.local_airflow.settings import LOOPBACK, clean_environment, free_ports

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BUCKET = "studio"
KEYS = {"login": "demo-access-key", "password": "demo-secret-key"}


@contextmanager
def storage(files: Path, log: Path) -> Iterator[dict[str, Any]]:
    """
    Run an S3 server that holds the files of a folder in the bucket ``studio``.

    :param files: folder with the files.
    :param log: log file of the server.
    :return: the Airflow connection to it.
    """
    (port,) = free_ports(1)
    log.unlink(missing_ok=True)
    server = Component("storage", [sys.executable, "-m", "moto.server", "-p", str(port)], clean_environment(), log)
    try:
        url = f"http://{LOOPBACK}:{port}"
        _fill(server, url, files)
        yield {"conn_type": "aws", **KEYS, "extra": {"endpoint_url": url, "region_name": "us-east-1"}}
    finally:
        stop([server])


def _fill(server: Component, url: str, files: Path, timeout: float = 60) -> None:
    """Create the bucket as soon as the server listens, and upload the files."""
    session = requests.Session()
    session.trust_env = False
    deadline = time.monotonic() + timeout
    while server.running and time.monotonic() < deadline:
        with suppress(requests.ConnectionError):
            session.put(f"{url}/{BUCKET}", timeout=10).raise_for_status()
            break
        time.sleep(0.1)
    else:
        raise ComponentError(f"the storage did not start:\n{server.tail()}")
    for file in (file for file in files.iterdir() if file.suffix in {".mp4", ".mp3"}):
        session.put(f"{url}/{BUCKET}/{file.name}", data=file.read_bytes(), timeout=30).raise_for_status()
