"""
Whether this trigger is still the one that works on the batch (a fencing token).

A triggerer that was paused, or cut off from its database, may go on with a batch that a Clear has started again,
perhaps with other items. Each deferral writes its token to a small file beside the manifest. A trigger that reads
another token there, or learns from Airflow that the task is not deferred any more, submits and writes nothing more.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING

from airflow_provider_kling.batch import files
from airflow_provider_kling.results import object_files
from airflow_provider_kling.utils._airflow.object_storage import place_of
from airflow_provider_kling.utils.untrusted import reason
from airflow_provider_kling.waiting.threads import Work, in_thread

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger(__name__)

#: Seconds to wait for an answer of the storage or of Airflow; without one, the last answer counts.
ANSWER_TIMEOUT = 10.0

#: Bytes that are read of a token's file.
_TOKEN_BYTES = 200


class SupersededError(Exception):
    """Another run of the Airflow task works on the batch now. Internal."""


def write_token(uri: str, token: str, conn_id: str | None) -> None:
    """
    Write the token: from now on only its deferral works on the batch.

    :param uri: the token's file.
    :param token: unique for each deferral.
    :param conn_id: Airflow connection of the storage.
    """
    files.write_bytes(uri, token.encode(), conn_id)


def token_uri(manifest_uri: str, name: str) -> str:
    """
    Return the URI of the token's file, beside the manifest that it guards.

    :param manifest_uri: the manifest.
    :param name: names the Airflow task instance.
    """
    folder, slash, _ = manifest_uri.rpartition("/")
    return f"{folder}{slash}.{name}.current"


class Fence:
    """
    Checks the token from time to time; in between the last answer counts.

    :param uri: the token's file; empty when there is none, as of an older version of the package.
    :param token: of this trigger's deferral.
    :param conn_id: Airflow connection of the storage.
    :param still_deferred: asks Airflow; blocks. ``None`` when Airflow cannot be asked.
    :param every: seconds between two checks.
    """

    def __init__(
        self, uri: str, token: str, conn_id: str | None, *, still_deferred: Callable[[], bool] | None, every: float
    ) -> None:
        self._uri = uri
        self._token = token
        self._conn_id = conn_id
        self._still_deferred = still_deferred
        self._every = every
        self._checked_at = 0.0
        self._check_task: asyncio.Task[None] | None = None
        self._superseded = False

    async def check(self) -> None:
        """
        Return when this trigger may go on, or when that is not known: an error is no answer.

        :raises SupersededError: when another one works on the batch.
        """
        if not (self._superseded or abs(time.time() - self._checked_at) < self._every):
            if self._check_task is None or self._check_task.done():
                self._check_task = asyncio.create_task(self._refresh())
            await asyncio.wait([self._check_task], timeout=ANSWER_TIMEOUT)
            self._checked_at = time.time()
        if self._superseded:
            raise SupersededError

    async def _refresh(self) -> None:
        try:
            self._superseded = not await in_thread(Work.REPORT, self._is_current)
        except Exception as error:  # noqa: BLE001 - storage or Airflow may not answer for a moment
            log.debug("It is not known now whether this trigger still works on the batch: %s", reason(error))

    def _is_current(self) -> bool:
        if self._still_deferred is not None and not self._still_deferred():
            return False
        if not self._uri or not self._token:
            return True
        try:
            content = object_files.read_bytes(place_of(self._uri, self._conn_id), _TOKEN_BYTES)
            return content.decode(errors="replace").strip() == self._token
        except FileNotFoundError:  # somebody deleted it
            return True
