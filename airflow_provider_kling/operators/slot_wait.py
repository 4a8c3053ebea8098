"""The wait of a submission for a slot. Its times survive the deferral in the event of the slot's trigger."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from airflow_provider_kling.exceptions import KlingConcurrencyError
from airflow_provider_kling.models import is_time

if TYPE_CHECKING:
    from airflow_provider_kling.exceptions import KlingThrottledError
    from airflow_provider_kling.operators.task import KlingTaskOperator
    from airflow_provider_kling.products.prices import Estimate


class SlotWait(NamedTuple):
    """Since when and until when, in epoch seconds, a submission waits for a slot."""

    since: float
    until: float

    @classmethod
    def of(cls, event: Any) -> SlotWait | None:
        """
        Read the slot trigger's event.

        :param event: what resumed the task; that of another one, see :func:`polling.read_event`, starts a new wait.
        """
        values = [event.get(name) for name in cls._fields] if isinstance(event, dict) else [None]
        return cls(*values) if all(map(is_time, values)) else None


def wait_for_slot(
    operator: KlingTaskOperator, error: KlingThrottledError, slot: SlotWait | None, name: str, cost: Estimate
) -> SlotWait:
    """
    Leave the worker until a slot may be free. It uses no retry, because no task was created.

    :param operator: the one that was refused.
    :param error: Kling's refusal.
    :param slot: the wait so far; ``None`` when it begins.
    :param name: the ``external_task_id``.
    :param cost: of the task by the price list, which the task's page shows meanwhile.
    :return: the wait, after a pause on the worker, when the operator is not deferrable.
    """
    from airflow_provider_kling.triggers import KlingSlotTrigger
    from airflow_provider_kling.waiting.slot_queue import AccountSlots

    now = time.time()
    if slot is None:
        slot = SlotWait(now, now + operator.slot_timeout)
        operator.log.info("Waiting for a slot at Kling (code %s); it uses no retry, nothing was paid", error.code)
    if now >= slot.until:
        raise error
    if operator.deferrable:
        trigger = KlingSlotTrigger(
            operator.kling_conn_id,
            slot.since,
            slot.until,
            deferred_at=now,
            refused_at=now if isinstance(error, KlingConcurrencyError) else 0.0,
            external_task_id=name,
            model_name=operator.requested_model,
            endpoint=operator.endpoint,
            estimate=str(cost),
        )
        operator.show_waiting_label()
        operator.defer(trigger=trigger, method_name="execute_with_slot", timeout=trigger.backstop)
    # Jittered, so that several workers do not submit at the same time.
    pause = AccountSlots.pace.worker_probe * (0.5 + random.random())  # noqa: S311 - spreads load, guards nothing
    time.sleep(min(pause, slot.until - now))
    return slot
