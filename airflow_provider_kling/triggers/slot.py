"""The wait for a slot at Kling, in the triggerer."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any

from airflow_provider_kling.get_provider_info import DEFAULT_CONN_NAME
from airflow_provider_kling.models import is_time
from airflow_provider_kling.products.product import DEFAULT_ENDPOINT
from airflow_provider_kling.triggers.base import KlingTrigger, backstop, deadline_text, seconds_left
from airflow_provider_kling.waiting.arbiter import SlotRequest

if TYPE_CHECKING:
    from datetime import timedelta

    from airflow_provider_kling.waiting.slot_queue import AccountSlots

#: A slot wait that began less than this many seconds before its deferral is the first of its task; the others follow
#: each other every few seconds and say nothing new.
FIRST_WAIT = 1.0


class KlingSlotTrigger(KlingTrigger):
    """
    Wait until the task may submit again, after Kling returned that every slot is taken (1303, 1302). One waiter is
    resumed for each slot that Kling's list shows to be free.

    Its event is ``{"status": "slot", "since", "until"}``.

    :param kling_conn_id: the Kling connection, whose account the slot is of.
    :param since: epoch seconds when the task first found no slot; decides its place in the queue.
    :param until: epoch seconds when it gives up.
    :param deferred_at: epoch seconds of the deferral.
    :param refused_at: epoch seconds of the 1303; 0 when it was a 1302, which says nothing about slots.
    :param external_task_id: the id that the task at Kling will have.
    :param model_name: what is asked for; each model has slots of its own.
    :param endpoint: the product.
    :param estimate: what the task will cost by the price list, in words for its page.
    """

    path = "airflow_provider_kling.triggers.KlingSlotTrigger"

    def __init__(
        self,
        kling_conn_id: str = DEFAULT_CONN_NAME,
        since: float = 0.0,
        until: float = 0.0,
        deferred_at: float = 0.0,
        refused_at: float = 0.0,
        external_task_id: str = "",
        model_name: str = "",
        endpoint: str = DEFAULT_ENDPOINT,
        estimate: str = "",
        **_from_other_versions: Any,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.kling_conn_id = kling_conn_id
        self.since = since
        self.until = until
        self.deferred_at = deferred_at
        self.refused_at = refused_at
        self.external_task_id = external_task_id
        self.model_name = model_name
        self.endpoint = endpoint
        self.estimate = estimate

    @property
    def backstop(self) -> timedelta:
        """The time after which Airflow itself ends the deferral."""
        return backstop(self.until)

    async def _wait(self) -> dict[str, Any]:
        """Wait; only the next submission can tell whether there is a slot."""
        if self._has_times():
            await self._wait_for_slot(self.deferred_at, self.refused_at)
        return self._event()

    def _has_times(self) -> bool:
        """Whether its times are times. What another version wrote could mix up the queue; then a worker goes on."""
        return all(map(is_time, (self.since, self.until, self.deferred_at, self.refused_at)))

    async def _wait_for_slot(self, requested_at: float, refused_at: float) -> AccountSlots | None:
        """
        Wait until the task may submit.

        :param requested_at: epoch seconds of the last submission, or of the deferral after it.
        :param refused_at: epoch seconds when that found no slot; 0 when it did not say so.
        :return: the account's slots; ``None`` when the time has passed.
        """
        from airflow_provider_kling.waiting.slot_queue import AccountSlots

        level = logging.INFO if requested_at - self.since < FIRST_WAIT else logging.DEBUG
        self.log.log(level, "Waiting for a slot at Kling, %s", deadline_text(self.until))
        now = time.time()
        ready_at = now + seconds_left(requested_at, self.min_deferral, now)
        request = SlotRequest(self.external_task_id, self.since, ready_at=ready_at)
        slots = await AccountSlots.of(self.kling_conn_id, self.endpoint)
        granted = await slots.wait(request, until=self.until, model_name=self.model_name, refused_at=refused_at)
        return slots if granted else None

    def _error_event(self, error: Exception) -> dict[str, Any]:
        self.log.error("The queue for a slot at Kling broke; submitting again", exc_info=error)
        return self._event()

    def _event(self) -> dict[str, Any]:
        return {"status": "slot", "since": self.since, "until": self.until}
