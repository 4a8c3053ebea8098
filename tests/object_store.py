"""An S3 server on loopback that Airflow's own filesystem talks to; rights can be taken away."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

REFUSED = b"""<?xml version="1.0" encoding="UTF-8"?>
<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"""

BUCKET = "videos"


def _action(environ: dict[str, Any]) -> str:
    """Name a request as a policy does."""
    has_key = "/" in environ["PATH_INFO"].strip("/")
    method = environ["REQUEST_METHOD"]
    if method == "DELETE":
        return "abort" if "uploadId" in environ.get("QUERY_STRING", "") else "delete"
    if method == "PUT" and not has_key:
        return "create_bucket"
    if method == "PUT" and environ.get("HTTP_X_AMZ_COPY_SOURCE"):
        return "copy"
    if method in {"GET", "HEAD"}:
        return "get" if has_key else "list"
    return "put"


class ObjectStore:
    """
    Moto's S3 behind a guard.

    :param refused: actions that are answered with 403, of ``put``, ``get``, ``list``, ``copy``, ``delete``, ``abort``.
    :param broken: given the environment of a request, whether it is answered with 503.
    """

    def __init__(self) -> None:
        from moto.server import DomainDispatcherApplication, create_backend_app
        from werkzeug.serving import make_server

        self.refused: set[str] = set()
        self.broken: Callable[[dict[str, Any]], bool] = lambda environ: False
        self.actions: list[str] = []
        self._app = DomainDispatcherApplication(create_backend_app)
        self._server = make_server("127.0.0.1", 0, self._guarded, threaded=True)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.port}"
        self.client.create_bucket(Bucket=BUCKET)
        self.actions.clear()

    def _guarded(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        action = _action(environ)
        self.actions.append(action)
        status = "403 Forbidden" if action in self.refused else "503 Slow Down" if self.broken(environ) else ""
        if status:
            environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            start(status, [("Content-Type", "application/xml"), ("Content-Length", str(len(REFUSED)))])
            # What follows the head of an answer to HEAD is no part of it, and breaks the client's connection.
            return [] if environ["REQUEST_METHOD"] == "HEAD" else [REFUSED]
        return self._app(environ, start)

    @property
    def client(self) -> Any:
        import boto3

        keys = {"aws_access_key_id": "access", "aws_secret_access_key": "secretsecret", "region_name": "us-east-1"}
        return boto3.client("s3", endpoint_url=self.url, **keys)

    @property
    def connection(self) -> str:
        return json.dumps(
            {
                "conn_type": "aws",
                "login": "access",
                "password": "secretsecret",
                "extra": {
                    "endpoint_url": self.url,
                    "region_name": "us-east-1",
                    "config_kwargs": {"retries": {"total_max_attempts": 1}},
                },
            }
        )

    def keys(self) -> list[str]:
        return [entry["Key"] for entry in self.client.list_objects_v2(Bucket=BUCKET).get("Contents", [])]

    def read(self, key: str) -> bytes:
        return self.client.get_object(Bucket=BUCKET, Key=key)["Body"].read()

    def write(self, key: str, content: bytes) -> None:
        self.client.put_object(Bucket=BUCKET, Key=key, Body=content)

    def buckets(self) -> list[str]:
        return [entry["Name"] for entry in self.client.list_buckets()["Buckets"]]

    def uploads(self) -> list[Any]:
        return self.client.list_multipart_uploads(Bucket=BUCKET).get("Uploads", [])

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def object_store(monkeypatch: pytest.MonkeyPatch) -> Iterator[ObjectStore]:
    """S3 with the bucket ``videos``, reached by the Airflow connection ``store``."""
    pytest.importorskip("moto.server", reason="needs moto[server]")
    pytest.importorskip("airflow.providers.amazon.aws.fs.s3", reason="needs apache-airflow-providers-amazon[s3fs]")
    pytest.importorskip("s3fs", reason="needs apache-airflow-providers-amazon[s3fs]")
    from airflow.sdk.io import attach
    from moto.s3.models import s3_backends

    s3_backends.reset()
    store = ObjectStore()
    monkeypatch.setenv("AIRFLOW_CONN_STORE", store.connection)
    # Airflow keeps filesystems for the life of a process; each test has a server of its own.
    attach("s3", "store").__dict__.pop("fs", None)
    yield store
    attach("s3", "store").__dict__.pop("fs", None)
    store.close()
