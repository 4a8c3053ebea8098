"""The reports of a running batch: the manifest in storage, a line in the log, numbers in Airflow's UI."""

from __future__ import annotations

import asyncio
import itertools
import time
from typing import TYPE_CHECKING, Any

from airflow_provider_kling.batch import files
from airflow_provider_kling.batch.fence import SupersededError
from airflow_provider_kling.exceptions import KlingBatchError
from airflow_provider_kling.utils.untrusted import reason
from airflow_provider_kling.waiting.threads import Work, in_thread

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from airflow_provider_kling.batch.actions import Pace
    from airflow_provider_kling.batch.fence import Fence
    from airflow_provider_kling.batch.reconciler import Reconciler

#: Between two progress reports lies a twentieth of the batch's age: 10 s at first, 2 minutes after 40 minutes.
PROGRESS_SHARE = 20.0
MAX_PROGRESS_PAUSE = 120.0

#: Seconds that the end waits for a report under way; a storage that hangs must not hold the batch.
REPORT_TIMEOUT = 30.0

#: Seconds of pause after a manifest for each second that its write took.
PAUSE_PER_WRITE = 10.0


async def lines_of(reconciler: Reconciler, *, ended: bool = False) -> list[bytes]:
    """
    Return the manifest's lines, and let other coroutines run in between.

    :param reconciler: of the batch.
    :param ended: whether nothing more will be submitted.
    """
    lines: list[bytes] = []
    for piece in reconciler.line_slices(ended=ended):
        lines += piece
        await asyncio.sleep(0)
    return lines


class Reporter:
    """
    Writes manifests and progress when they have changed, without making the batch wait.

    :param manifest_uri: where the manifest goes.
    :param conn_id: Airflow connection of that storage.
    :param fence: whether this trigger may write.
    :param pace: how often.
    :param show_progress: logs and pushes the progress.
    :param on_storage_error: logs that a report failed; the batch goes on.
    """

    def __init__(
        self,
        manifest_uri: str,
        conn_id: str | None,
        fence: Fence,
        pace: Pace,
        *,
        show_progress: Callable[[dict[str, Any]], Awaitable[None]],
        on_storage_error: Callable[[Exception], None],
    ) -> None:
        self._manifest_uri = manifest_uri
        self._conn_id = conn_id
        self._fence = fence
        self._pace = pace
        self._show_progress = show_progress
        self._on_storage_error = on_storage_error
        self._report_task: asyncio.Task[None] | None = None
        self._written_version = -1
        self._shown: dict[str, Any] = {}
        self._started = time.monotonic()
        self._next_manifest = self._next_progress = 0.0

    def tick(self, reconciler: Reconciler) -> None:
        """Start a report if one is due; return at once."""
        now = time.monotonic()
        if (self._report_task is None or self._report_task.done()) and now >= min(
            self._next_manifest, self._next_progress
        ):
            self._report_task = asyncio.create_task(self._report(reconciler, now))

    async def wait_for_report(self) -> None:
        """Wait for a report that is under way, so that it cannot come after a later one."""
        if self._report_task is not None:
            await asyncio.wait([self._report_task], timeout=REPORT_TIMEOUT)

    async def finish(self, reconciler: Reconciler, *, deadline: float) -> None:
        """
        Write the last manifest. It is the batch's result, so the write is repeated until the deadline.

        :param reconciler: of the batch.
        :param deadline: epoch seconds.
        :raises KlingBatchError: when it could not be written.
        """
        lines = await lines_of(reconciler, ended=True)
        for times in itertools.count(1):
            try:
                await self._fence.check()
                await in_thread(Work.REPORT, files.write_chunks, self._manifest_uri, lines, self._conn_id)
                break
            except SupersededError:
                raise
            except Exception as error:  # noqa: BLE001 - whatever the storage raises
                pause = self._pace.pause(times)
                if time.time() + pause >= deadline:
                    raise KlingBatchError(
                        f"Check the storage: the manifest of the batch cannot be written. {self._manifest_uri}: "
                        f"{reason(error)}"
                    ) from None
                self._on_storage_error(error)
                await asyncio.sleep(pause)
        await self._show_progress(reconciler.progress())

    async def _report(self, reconciler: Reconciler, now: float) -> None:
        try:
            if now >= self._next_manifest:
                await self._write(reconciler)
            if now >= self._next_progress:
                age = now - self._started
                self._next_progress = now + max(
                    self._pace.progress_every, min(MAX_PROGRESS_PAUSE, age / PROGRESS_SHARE)
                )
                await self._show_change(reconciler.progress())
        except SupersededError:
            return  # the loop checks the fence too, and ends
        except Exception as error:  # noqa: BLE001 - storage may be away for a moment; what runs at Kling runs on
            self._on_storage_error(error)

    async def _show_change(self, progress: dict[str, Any]) -> None:
        if progress != self._shown:
            await self._show_progress(progress)
            self._shown = progress

    async def _write(self, reconciler: Reconciler) -> None:
        started, version = time.monotonic(), reconciler.version
        self._next_manifest = started + self._pace.manifest_every
        if version != self._written_version:
            await self._fence.check()
            lines = await lines_of(reconciler)
            await in_thread(Work.REPORT, files.write_chunks, self._manifest_uri, lines, self._conn_id)
            self._written_version = version
            ended = time.monotonic()
            self._next_manifest = ended + max(
                self._pace.manifest_every, PAUSE_PER_WRITE * (ended - started), len(lines) / self._pace.lines_per_second
            )
