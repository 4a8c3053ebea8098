"""What a running batch shows: the manifest on storage, a line in the log, numbers in Airflow's UI."""

from __future__ import annotations

import asyncio
import itertools
import time
from typing import TYPE_CHECKING, Any

from airflow_provider_kling.batch import files
from airflow_provider_kling.batch.fence import SupersededError
from airflow_provider_kling.exceptions import KlingBatchError
from airflow_provider_kling.utils.foreign import reason
from airflow_provider_kling.waiting.threads import Work, in_thread

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from airflow_provider_kling.batch.actions import Pace
    from airflow_provider_kling.batch.fence import Fence
    from airflow_provider_kling.batch.reconciler import Reconciler

#: Progress is told twenty times in the age of a batch: each 10 s at first, each 2 minutes when it is 40 minutes old.
PROGRESS_SHARE = 20.0
MAX_PROGRESS_PAUSE = 120.0

#: Seconds that a report under way is waited for at the end; a storage that hangs does not hold the batch.
SETTLE_WITHIN = 30.0

#: A manifest that takes long to write is written less often: this many times as long lies between two.
WRITE_SHARE = 10.0


async def lines_of(reconciler: Reconciler, *, ended: bool = False) -> list[bytes]:
    """
    Return the manifest's lines; other coroutines run meanwhile, however many they are.

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
    Writes only what has changed, and never makes the batch wait.

    :param manifest_uri: where the manifest goes.
    :param conn_id: Airflow connection of that storage.
    :param fence: whether this trigger may write.
    :param pace: how often.
    :param announce: shows the progress to people.
    :param complain: says in the log that a report failed; the batch goes on.
    """

    def __init__(
        self,
        manifest_uri: str,
        conn_id: str | None,
        fence: Fence,
        pace: Pace,
        *,
        announce: Callable[[dict[str, Any]], Awaitable[None]],
        complain: Callable[[Exception], None],
    ) -> None:
        self._manifest_uri = manifest_uri
        self._conn_id = conn_id
        self._fence = fence
        self._pace = pace
        self._announce = announce
        self._complain = complain
        self._job: asyncio.Task[None] | None = None
        self._written_version = -1
        self._announced: dict[str, Any] = {}
        self._started = time.monotonic()
        self._next_manifest = self._next_progress = 0.0

    def tick(self, reconciler: Reconciler) -> None:
        """Report when it is time to; returns at once."""
        now = time.monotonic()
        if (self._job is None or self._job.done()) and now >= min(self._next_manifest, self._next_progress):
            self._job = asyncio.create_task(self._report(reconciler, now))

    async def settle(self) -> None:
        """Wait for a report that is under way, so that it cannot come after a later one."""
        if self._job is not None:
            await asyncio.wait([self._job], timeout=SETTLE_WITHIN)

    async def finish(self, reconciler: Reconciler, *, deadline: float) -> None:
        """
        Write the last manifest; it counts as the batch's result, so that it is tried until the deadline.

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
                self._complain(error)
                await asyncio.sleep(pause)
        await self._announce(reconciler.progress())

    async def _report(self, reconciler: Reconciler, now: float) -> None:
        try:
            if now >= self._next_manifest:
                await self._write(reconciler)
            if now >= self._next_progress:
                age = now - self._started
                self._next_progress = now + max(
                    self._pace.progress_every, min(MAX_PROGRESS_PAUSE, age / PROGRESS_SHARE)
                )
                await self._announce_change(reconciler.progress())
        except SupersededError:
            return  # the loop asks the fence too, and ends
        except Exception as error:  # noqa: BLE001 - storage may be away for a moment; what runs at Kling runs on
            self._complain(error)

    async def _announce_change(self, progress: dict[str, Any]) -> None:
        if progress != self._announced:
            await self._announce(progress)
            self._announced = progress

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
                self._pace.manifest_every, WRITE_SHARE * (ended - started), len(lines) / self._pace.lines_per_second
            )
