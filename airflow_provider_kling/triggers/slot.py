"""The wait for a slot at Kling, in the triggerer."""

from __future__ import annotations

import asyncio
import logging
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_provider_kling.get_provider_info import DEFAULT_CONN_NAME
from airflow_provider_kling.triggers.base import BACKSTOP_MARGIN, MIN_DEFERRAL, until_words

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

#: A slot wait that began less than this many seconds before its deferral is the first of its task; the others follow
#: each other every few seconds and say nothing new.
FIRST_WAIT = 1.0


class KlingSlotTrigger(BaseTrigger):
    """
    Wait until submitting again is worthwhile, after Kling answered that every slot is taken (1303, 1302).

    :param kling_conn_id: the Kling connection, whose account the slot is of.
    :param since: epoch seconds when the task first found no slot; decides its place in the queue.
    :param until: epoch seconds when it gives up.
    :param deferred_at: epoch seconds of the deferral.
    """

    def __init__(
        self,
        kling_conn_id: str = DEFAULT_CONN_NAME,
        since: float = 0.0,
        until: float = 0.0,
        deferred_at: float = 0.0,
        **_from_other_versions: Any,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.kling_conn_id = kling_conn_id
        self.since = since
        self.until = until
        self.deferred_at = deferred_at

    @property
    def backstop(self) -> timedelta:
        """The time after which Airflow itself ends the deferral: later than this trigger's own, clearer end."""
        return timedelta(seconds=max(self.until - time.time(), MIN_DEFERRAL) + BACKSTOP_MARGIN)

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and the arguments that rebuild this trigger."""
        return (
            "airflow_provider_kling.triggers.KlingSlotTrigger",
            {
                "kling_conn_id": self.kling_conn_id,
                "since": self.since,
                "until": self.until,
                "deferred_at": self.deferred_at,
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """
        Yield one event, whatever happens: ``{"status": "slot", "since", "until"}``.

        Whether there is a slot, only the next submission can tell.
        """
        from airflow_provider_kling.waiting.shared_poller import SharedPoller

        try:
            first = self.deferred_at - self.since < FIRST_WAIT
            level = logging.INFO if first else logging.DEBUG
            self.log.log(level, "Waiting for a slot at Kling, %s", until_words(self.until))
            await SharedPoller.of(self.kling_conn_id).slots.wait(since=self.since, until=self.until)
        except Exception:
            self.log.exception("The queue for a slot at Kling broke; submitting again")
        await asyncio.sleep(self.deferred_at + MIN_DEFERRAL - time.time())
        yield TriggerEvent({"status": "slot", "since": self.since, "until": self.until})
