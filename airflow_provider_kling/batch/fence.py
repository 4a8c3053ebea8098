"""
Whether this trigger is still the one that works on the batch.

A triggerer that was frozen, or cut off from its database, wakes up and goes on with a batch that a Clear has started
anew, perhaps with other items. Each deferral leaves its token in a small file beside the manifest; a trigger that reads
another token there, or hears from Airflow that the task is not deferred any more, submits and writes nothing more.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING

from airflow_provider_kling.batch import files
from airflow_provider_kling.results import object_files
from airflow_provider_kling.utils._airflow.object_storage import place_of
from airflow_provider_kling.utils.foreign import reason
from airflow_provider_kling.waiting.threads import Work, in_thread

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger(__name__)

#: Seconds that an answer of the storage or of Airflow is waited for; until then the last one counts.
ANSWER_WITHIN = 10.0

#: Bytes that are read of a token's file.
_TOKEN_BYTES = 200


class SupersededError(Exception):
    """Another run of the Airflow task works on the batch now. Internal."""


def mark(uri: str, token: str, conn_id: str | None) -> None:
    """
    Say that from now on only the deferral with this token works on the batch.

    :param uri: the token's file.
    :param token: another one for each deferral.
    :param conn_id: Airflow connection of the storage.
    """
    files.write_bytes(uri, token.encode(), conn_id)


def token_uri(manifest_uri: str, name: str) -> str:
    """
    Return where the token stands: beside the manifest that it guards.

    :param manifest_uri: the manifest.
    :param name: names the Airflow task instance.
    """
    folder, slash, _ = manifest_uri.rpartition("/")
    return f"{folder}{slash}.{name}.current"


class Fence:
    """
    Asks now and then; between two answers the last one counts.

    :param uri: the token's file; empty when there is none, as of an older version of the package.
    :param token: of this trigger's deferral.
    :param conn_id: Airflow connection of the storage.
    :param still_deferred: asks Airflow; blocks. ``None`` when Airflow cannot be asked.
    :param every: seconds between two questions.
    """

    def __init__(
        self, uri: str, token: str, conn_id: str | None, *, still_deferred: Callable[[], bool] | None, every: float
    ) -> None:
        self._uri = uri
        self._token = token
        self._conn_id = conn_id
        self._still_deferred = still_deferred
        self._every = every
        self._asked_at = 0.0
        self._question: asyncio.Task[None] | None = None
        self._superseded = False

    async def check(self) -> None:
        """
        Return when this trigger may go on, or nobody can tell; not being able to ask is no answer.

        :raises SupersededError: when another one works on the batch.
        """
        if not (self._superseded or abs(time.time() - self._asked_at) < self._every):
            if self._question is None or self._question.done():
                self._question = asyncio.create_task(self._ask())
            await asyncio.wait([self._question], timeout=ANSWER_WITHIN)
            self._asked_at = time.time()
        if self._superseded:
            raise SupersededError

    async def _ask(self) -> None:
        try:
            self._superseded = not await in_thread(Work.REPORT, self._holds)
        except Exception as error:  # noqa: BLE001 - storage or Airflow may be away for a moment
            log.debug("It is not known now whether this trigger still works on the batch: %s", reason(error))

    def _holds(self) -> bool:
        if self._still_deferred is not None and not self._still_deferred():
            return False
        if not self._uri or not self._token:
            return True
        try:
            content = object_files.read_bytes(place_of(self._uri, self._conn_id), _TOKEN_BYTES)
            return content.decode(errors="replace").strip() == self._token
        except FileNotFoundError:  # somebody tidied up
            return True
