"""The files that a batch's trigger reads before it begins. A storage that does not answer is asked again."""

from __future__ import annotations

import asyncio
import functools
import itertools
import logging
import time
from typing import TYPE_CHECKING, TypeVar

from airflow_provider_kling.batch import files
from airflow_provider_kling.batch.plan import plan_error, read_plan
from airflow_provider_kling.batch.records import Records, read_record
from airflow_provider_kling.exceptions import KlingBatchError
from airflow_provider_kling.utils.untrusted import reason
from airflow_provider_kling.waiting.threads import Work, in_thread

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_kling.batch.actions import Pace
    from airflow_provider_kling.batch.plan import Plan
    from airflow_provider_kling.batch.trigger_arguments import BatchArguments

log = logging.getLogger(__name__)

_R = TypeVar("_R")

#: How often a missing plan is read: a storage with a problem may say that a file is missing.
PLAN_READS = 5


class _UnreadableError(Exception):
    """A file that cannot be read, and why."""


class BatchFiles:
    """
    The plan of a batch, and the manifest of an earlier run.

    :param batch: says where they are.
    :param pace: how long a storage that does not answer is asked again.
    :param on_storage_error: logs that the storage does not answer.
    """

    def __init__(self, batch: BatchArguments, pace: Pace, on_storage_error: Callable[[Exception], None]) -> None:
        self._batch = batch
        self._pace = pace
        self._on_storage_error = on_storage_error

    async def plan(self) -> Plan:
        """
        Read the plan.

        :raises KlingBatchError: when it is broken, or cannot be read until the batch has to end.
        """
        read = functools.partial(read_plan, count=self._batch.items)
        uri = self._batch.plan_uri
        try:
            return await self._read_with_retries(read, uri, until=self._batch.end_time)
        except _UnreadableError as error:
            raise plan_error(uri, f"it cannot be read: {error}") from None

    async def manifest(self) -> tuple[Records, bool]:
        """Return the records of an earlier run, and whether an unreadable one may have sent something."""
        until = time.time() + self._pace.max_pause
        try:
            return await self._read_with_retries(_read_records, self._batch.manifest_uri, until=until)
        except _UnreadableError as error:
            log.warning("The manifest of an earlier run is not used: %s (%s)", error, self._batch.manifest_uri)
            return Records(), True

    async def _read_with_retries(self, read: Callable[[str, str | None], _R], uri: str, *, until: float) -> _R:
        for times in itertools.count(1):
            try:
                return await in_thread(Work.REPORT, read, uri, self._batch.output_conn_id or None)
            except (KlingBatchError, _UnreadableError):
                raise
            except Exception as error:  # noqa: BLE001 - whatever the storage raises
                pause = self._pace.pause(times)
                missing = isinstance(error, FileNotFoundError) and times >= PLAN_READS
                if missing or time.time() + pause >= until:
                    raise _UnreadableError(reason(error)) from None
                self._on_storage_error(error)
                await asyncio.sleep(pause)
        raise AssertionError


def _read_records(uri: str, conn_id: str | None) -> tuple[Records, bool]:
    """Return the records of a manifest, and whether some lines cannot be read."""
    known: list[bytes] = []
    lines = 0
    try:
        for line, value in files.each_line(uri, conn_id):
            lines += 1
            if read_record(value):
                known.append(line)
    except FileNotFoundError:
        return Records(), False
    except ValueError as error:
        raise _UnreadableError(f"it is no file of JSON lines: {reason(error)}") from None
    return Records(known), len(known) < lines
