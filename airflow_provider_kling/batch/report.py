"""What a running batch shows: the manifest on storage, a line in the log, numbers in Airflow's UI."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, Any

from airflow_provider_kling.batch import files
from airflow_provider_kling.threads import Work, in_thread

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from airflow_provider_kling.batch.reconcile import Reconciler

#: Seconds between two manifests, and between two lines in the log, at least.
MANIFEST_EVERY, PROGRESS_EVERY = 5.0, 10.0

#: A manifest that takes long to write is written less often: this many times as long lies between two.
WRITE_SHARE = 10.0


class Reporter:
    """
    Writes only what has changed, and never makes the batch wait.

    :param manifest_uri: where the manifest goes.
    :param conn_id: Airflow connection of that storage.
    :param announce: shows the progress to people.
    :param complain: says in the log that a report failed; the batch goes on.
    """

    def __init__(
        self,
        manifest_uri: str,
        conn_id: str | None,
        *,
        announce: Callable[[dict[str, Any]], Awaitable[None]],
        complain: Callable[[Exception], None],
    ) -> None:
        self._manifest_uri = manifest_uri
        self._conn_id = conn_id
        self._announce = announce
        self._complain = complain
        self._job: asyncio.Task[None] | None = None
        self._written: list[dict[str, Any]] = []
        self._announced: dict[str, Any] = {}
        self._next_manifest = self._next_progress = 0.0

    def tick(self, reconciler: Reconciler) -> None:
        """Report when it is time to; returns at once."""
        now = time.monotonic()
        if (self._job is None or self._job.done()) and now >= min(self._next_manifest, self._next_progress):
            self._job = asyncio.create_task(self._report(reconciler, now))

    async def settle(self) -> None:
        """Wait for a report that is under way, so that it cannot come after a later one."""
        if self._job is not None:
            with contextlib.suppress(asyncio.CancelledError):
                await self._job

    async def finish(self, records: list[dict[str, Any]], progress: dict[str, Any]) -> None:
        """Write the last manifest; it counts as the batch's result, so that it must succeed."""
        await in_thread(Work.REPORT, files.write_lines, self._manifest_uri, records, self._conn_id)
        await self._announce(progress)

    async def _report(self, reconciler: Reconciler, now: float) -> None:
        try:
            if now >= self._next_manifest:
                await self._write(reconciler.records())
            if now >= self._next_progress:
                self._next_progress = now + PROGRESS_EVERY
                await self._announce_change(reconciler.progress())
        except Exception as error:  # noqa: BLE001 - storage may be away for a moment; what runs at Kling runs on
            self._complain(error)

    async def _announce_change(self, progress: dict[str, Any]) -> None:
        if progress != self._announced:
            await self._announce(progress)
            self._announced = progress

    async def _write(self, records: list[dict[str, Any]]) -> None:
        started = time.monotonic()
        self._next_manifest = started + MANIFEST_EVERY
        if records != self._written:
            await in_thread(Work.REPORT, files.write_lines, self._manifest_uri, records, self._conn_id)
            self._written = records
            ended = time.monotonic()
            self._next_manifest = ended + max(MANIFEST_EVERY, WRITE_SHARE * (ended - started))
