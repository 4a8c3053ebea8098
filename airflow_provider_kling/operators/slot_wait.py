"""
The wait of a submission for a slot. Its times survive the deferral in the event of the slot's trigger.

Most submissions are sent from the triggerer when a slot is free: otherwise each would start a second worker only to
send one request.
"""

from __future__ import annotations

import json
import os
import random
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from airflow_provider_kling.exceptions import KlingConcurrencyError
from airflow_provider_kling.models import is_time
from airflow_provider_kling.utils._airflow.compat import AIRFLOW_V_3_2_PLUS

if TYPE_CHECKING:
    from airflow_provider_kling.exceptions import KlingThrottledError
    from airflow_provider_kling.operators.task import KlingTaskOperator
    from airflow_provider_kling.products.prices import Estimate
    from airflow_provider_kling.submission.identity import Intent
    from airflow_provider_kling.triggers import KlingSlotTrigger

#: Characters of a request's arguments that a trigger holds in Airflow's database, at most.
MAX_REQUEST = 32_768

#: What a subclass may override, and the triggerer then could not do in the same way.
_METHODS = (
    "hook",
    "_prepare",
    "_submit",
    "_send",
    "_push",
    "_wait",
    "_after_submission",
    "cost_of",
    "execute_with_slot",
)


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


class Waiting(NamedTuple):
    """
    What waits for a slot.

    :param intent: its id and fingerprint.
    :param body: the checked request.
    :param cost: by the price list, which the task's page shows meanwhile.
    :param is_settled: whether nothing needs to be asked before it is paid, see :attr:`.Spending.is_settled`.
    """

    intent: Intent
    body: dict[str, Any]
    cost: Estimate
    is_settled: bool


def wait_for_slot(
    operator: KlingTaskOperator, error: KlingThrottledError, slot: SlotWait | None, waiting: Waiting
) -> SlotWait:
    """
    Leave the worker until a slot may be free. It uses no retry, because no task was created.

    :param operator: the one that was refused.
    :param error: Kling's refusal.
    :param slot: the wait so far; ``None`` when it begins.
    :param waiting: what is submitted.
    :return: the wait, after a pause on the worker, when the operator is not deferrable.
    """
    from airflow_provider_kling.waiting.slot_queue import AccountSlots

    now = time.time()
    if slot is None:
        slot = SlotWait(now, now + operator.slot_timeout)
        operator.log.info("Waiting for a slot at Kling (code %s); it uses no retry, nothing was paid", error.code)
    if now >= slot.until:
        raise error
    # The look-up of a retry was throttled before a cap was asked. It is asked on this worker: whoever is resumed with a
    # slot counts as permitted.
    if operator.deferrable and waiting.is_settled:
        refused_at = now if isinstance(error, KlingConcurrencyError) else 0.0
        trigger = _new_trigger(operator, slot, waiting, deferred_at=now, refused_at=refused_at)
        operator.defer(trigger=trigger, method_name="execute_with_slot", timeout=trigger.backstop)
    # Jittered, so that several workers do not submit at the same time.
    pause = AccountSlots.pace.worker_probe * (0.5 + random.random())  # noqa: S311 - spreads load, guards nothing
    time.sleep(min(pause, slot.until - now))
    return slot


def _new_trigger(operator: KlingTaskOperator, slot: SlotWait, waiting: Waiting, **times: float) -> KlingSlotTrigger:
    """Return the trigger that waits for a slot: where possible, the one that submits then."""
    from airflow_provider_kling.triggers import KlingSlotTrigger, KlingSubmitTrigger

    arguments: dict[str, Any] = {
        **times,
        **slot._asdict(),
        "kling_conn_id": operator.kling_conn_id,
        "external_task_id": waiting.intent.external_task_id,
        "model_name": operator.requested_model,
        "endpoint": operator.endpoint,
        "estimate": str(waiting.cost),
    }
    request = _request_for_triggerer(operator, waiting.body)
    if not request:
        operator.show_waiting_label()
        return KlingSlotTrigger(**arguments)
    return KlingSubmitTrigger(
        **arguments,
        request=request,
        fingerprint=waiting.intent.fingerprint,
        waits=operator.waits,
        timeout=operator.deferred_seconds(operator.timeout),
        poll_interval=operator.poll_interval,
        ends_task=operator.can_end_in_triggerer,
    )


def _request_for_triggerer(operator: KlingTaskOperator, body: dict[str, Any]) -> str:
    """
    Return the arguments of a request, as JSON, if the triggerer can submit it as this worker would.

    :param operator: the one that submits.
    :param body: the checked request.
    :return: empty when a worker has to submit it.
    """
    if not (AIRFLOW_V_3_2_PLUS and _submits_as_written_here(operator)):
        return ""
    if operator.hook.needs_task_state(operator.endpoint, body):
        return ""
    try:
        # An image that was given as content, and not by its place, is no JSON here.
        request = json.dumps(operator.request_arguments, default=os.fspath)
    except (TypeError, ValueError, RecursionError):
        return ""
    return "" if len(request) > MAX_REQUEST or _is_confidential(json.loads(request)) else request


def _is_confidential(request: Any) -> bool:
    """Whether a request holds what must not be in Airflow's database: a template may have put a password there."""
    from airflow_provider_kling.preparation.request_content import holds_signature
    from airflow_provider_kling.utils._airflow.masked import holds_secret

    return holds_signature(request) or holds_secret(request)


def _submits_as_written_here(operator: KlingTaskOperator) -> bool:
    from airflow_provider_kling.hooks import KlingHook
    from airflow_provider_kling.operators.task import KlingTaskOperator
    from airflow_provider_kling.products.catalogue import product_of

    own = all(getattr(type(operator), name) is getattr(KlingTaskOperator, name) for name in _METHODS)
    # A constructor or a cluster policy may have set a hook of its own.
    own = own and type(operator.hook) is KlingHook
    # Converting an image costs CPU, which the triggerer needs for all waits.
    return own and product_of(operator.endpoint) is operator.product and operator.fit == "refuse"
