"""The simulator for Python: a server in a background thread, with methods for the control routes."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self, TypeVar

from airflow_provider_kling.simulator.server import Server
from airflow_provider_kling.simulator.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path

Result = TypeVar("Result")


class KlingSimulator:
    """A simulator that runs during a ``with`` block.

    .. code-block:: python

        with KlingSimulator(seconds=0.2, video_size="small") as kling:
            kling.fault(code=1303, operation="create")
            ...  # point a client at kling.url with kling.access_key and kling.secret_key, or kling.api_key

    :param settings: settings to start from.
    :param changes: fields of :class:`.settings.Settings` to change, such as ``concurrency=1``.
    """

    def __init__(self, settings: Settings | None = None, **changes: Any) -> None:
        self.settings = replace(settings or Settings(), **changes)
        # Not the loop of the policy: uvicorn sets uvloop, with which stop() once did not return.
        self._loop = asyncio.SelectorEventLoop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="kling-simulator", daemon=True)
        self._server = Server(self.settings)
        self._control = self._server.control

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start the server; when this returns, it accepts requests."""
        self._thread.start()
        try:
            self._run(self._server.start())
        except BaseException:
            self._end_thread()
            raise

    def stop(self) -> None:
        """Stop the server and its thread; a second call does nothing."""
        if self._loop.is_closed():
            return
        self._run(self._server.stop())
        self._end_thread()

    def _end_thread(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, work: Coroutine[Any, Any, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def _call(self, function: Callable[..., Result], *arguments: Any) -> Result:
        # All calls run on the server's event loop, so the service needs no locks.
        async def work() -> Result:
            return function(*arguments)

        return self._run(work())

    # ------------------------------------------------------------------ URL and credentials

    @property
    def url(self) -> str:
        """Base URL, with the path prefix if there is one."""
        return self._server.url

    @property
    def certificate(self) -> Path | None:
        """PEM file of the certificate that clients have to trust; ``None`` without TLS."""
        return self._server.certificate

    @property
    def access_key(self) -> str:
        """The account's AccessKey."""
        return self.settings.access_key

    @property
    def secret_key(self) -> str:
        """The account's SecretKey."""
        return self.settings.secret_key

    @property
    def api_key(self) -> str:
        """The account's API key."""
        return self.settings.api_key

    # ------------------------------------------------------------------ faults

    def fault(self, kind: str | None = None, **fields: Any) -> int:
        """Arm a fault; return its number.

        :param kind: kind of the fault, see :mod:`.faults`; default ``error``.
        :param fields: the other fields of :class:`.faults.Fault`, such as ``code=1303, operation="create", times=2``.
        :raises ValueError: the fault is invalid.
        """
        return self._call(self._control.add_fault, fields | ({"kind": kind} if kind else {}))

    def faults(self) -> list[dict[str, Any]]:
        """The faults that can still fire."""
        return self._call(self._control.faults)

    def clear_faults(self) -> None:
        """Disarm every fault."""
        self._call(self._control.clear_faults)

    # ------------------------------------------------------------------ inspection

    def requests(self, **wanted: Any) -> list[dict[str, Any]]:
        """The received requests, oldest first, without credentials and images.

        :param wanted: values that an entry must have, such as ``method="POST"``.
        """
        entries = self._call(self._control.requests)
        return [entry for entry in entries if wanted.items() <= {**entry}.items()] if wanted else entries

    def tasks(self) -> list[dict[str, Any]]:
        """Every task, oldest first."""
        return self._call(self._control.tasks)

    def ledger(self) -> dict[str, Any]:
        """Units bought, used and left, and every charge."""
        return self._call(self._control.ledger)

    def callbacks(self) -> list[dict[str, Any]]:
        """Every attempt to deliver a callback."""
        return self._call(self._control.callbacks)

    def overview(self) -> dict[str, Any]:
        """Counts of requests, tasks, faults and units, and the control routes."""
        return self._call(self._control.overview)

    # ------------------------------------------------------------------ time

    def advance(self, seconds: float) -> None:
        """Move the clock of tasks and result URLs forward; credentials are not affected."""
        self._call(self._control.advance, seconds)

    def finish(self, task_id: str, *, failure: str = "") -> dict[str, Any]:
        """End a task now; with ``failure`` it fails with that text.

        :param task_id: its id or external id.
        """
        return self._run(self._control.finish(task_id, failure))
