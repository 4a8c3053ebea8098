"""Scripted servers in place of Kling."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

import pytest
from adversary.scripted import ScriptedServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., ScriptedServer]]:
    """
    Start scripted servers; ``kling_default`` points at the newest.

    Call it with what :class:`ScriptedServer` takes, and with fields of the connection to change.
    """
    with contextlib.ExitStack() as stack:

        def start(response: Any, *, extra: dict[str, Any] | None = None, **fields: Any) -> ScriptedServer:
            server = stack.enter_context(ScriptedServer(response))
            connection = {
                "conn_type": "kling",
                "host": server.url,
                "password": "api-key-kling-scripted",
                "extra": {"allow_private_urls": True, "timeout_seconds": 3, **(extra or {})},
            }
            monkeypatch.setenv("AIRFLOW_CONN_KLING_DEFAULT", json.dumps({**connection, **fields}))
            return server

        yield start
