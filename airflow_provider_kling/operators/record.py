"""
What a try writes for people, for other tasks and for the next try: XComs, and the task state store.

The store (Airflow 3.3 and later) survives retries and Clears. Both may not answer for a moment; neither may fail a task
that is paid for.
"""

from __future__ import annotations

import dataclasses
import time
from typing import TYPE_CHECKING, Any

from airflow_provider_kling import __version__, polling
from airflow_provider_kling.models import RESULT_SECONDS, SUBMISSION_KEY, is_time, results_expired
from airflow_provider_kling.submission import identity
from airflow_provider_kling.submission.submission_record import submission_record
from airflow_provider_kling.utils.untrusted import reason

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator, Context

    from airflow_provider_kling.models import Task
    from airflow_provider_kling.operators.task import KlingTaskOperator
    from airflow_provider_kling.preparation.prepare import Prepared
    from airflow_provider_kling.submission.protocol import Done

#: Key of the task state store: what a try is about to submit.
INTENT_KEY = "submission"

_NO_UUID = "00000000-0000-0000-0000-000000000000"


def origin_of(context: Context, on_clear: str, stored: identity.Intent | None = None) -> identity.Origin:
    """
    Return the task instance that a submission belongs to.

    :param context: Airflow's context.
    :param on_clear: ``reuse``, or ``regenerate`` for another origin after each Clear by a user.
    :param stored: the intent of an earlier try, if that is known.
    """
    ti = context["ti"]
    map_index = -1 if ti.map_index is None else ti.map_index
    generation = identity.generation_of(on_clear=on_clear, max_tries=ti.max_tries or 0, stored=stored)
    return identity.Origin(ti.dag_id, ti.run_id, ti.task_id, map_index, generation, _iteration(context))


def task_name(context: Context) -> str:
    """
    Name an Airflow task instance, whatever it asks for and however often it was cleared; fit for a file's name.

    :param context: Airflow's context.
    """
    return identity.external_task_id(origin_of(context, "reuse")._replace(generation=0), "")


def _iteration(context: Context) -> int | None:
    """Number of a task group's loop (Airflow 3.4), in which every iteration has the same map index."""
    loop: Any = context.get("loop")
    if loop is not None:
        return int(loop.index)
    ti = context["ti"]
    in_loop = str(getattr(ti, "region_id", None) or _NO_UUID) != _NO_UUID
    return int(ti.region_index) if in_loop else None  # type: ignore[attr-defined]


def submitted_id(context: Context) -> str | None:
    """
    Return the Kling task that this task instance submitted, as its XCom says.

    :param context: Airflow's context.
    :return: ``None`` when Kling has not accepted one, or its id could not be pushed.
    """
    ti = context["ti"]
    value = ti.xcom_pull(task_ids=ti.task_id, key="task_id", map_indexes=ti.map_index)
    return value if isinstance(value, str) and value not in ("", "None") else None


def submitted_name(context: Context) -> str:
    """
    Return the ``external_task_id`` of the first attempt of what this task instance submitted, as its XCom says.

    :param context: Airflow's context.
    :return: empty when it is not known.
    """
    ti = context["ti"]
    value = ti.xcom_pull(task_ids=ti.task_id, key=SUBMISSION_KEY, map_indexes=ti.map_index)
    name = value.get("external_task_id") if isinstance(value, dict) else ""
    return identity.first_attempt(name) if isinstance(name, str) else ""


def check_links(task: Task, context: Context, submitted_at: float | None) -> None:
    """
    Refuse dead links, unless this task instance has just paid for them: a host may say any time of its tasks.

    :param task: a finished task.
    :param context: Airflow's context.
    :param submitted_at: epoch seconds at which this process sent it, if it did.
    :raises KlingResultExpiredError: when Kling has deleted the results.
    """
    now = time.time()
    if not results_expired(task, now):
        return  # reading the XCom would be a request
    sent_at = submitted_at or _sent_at(context)
    if sent_at is None or now - sent_at > RESULT_SECONDS:
        polling.check_links(task, now=now)


def _sent_at(context: Context) -> float | None:
    """Return when an earlier part of this try sent it, by this clock; ``None`` when it adopted the task."""
    ti = context["ti"]
    value = ti.xcom_pull(task_ids=ti.task_id, key=SUBMISSION_KEY, map_indexes=ti.map_index)
    at = value.get("submitted_at") if isinstance(value, dict) else None
    return at / 1000 if is_time(at) and at > 0 else None


def push(operator: BaseOperator, context: Context, key: str, value: Any) -> None:
    """
    Push an XCom that the task can do without: a problem is logged.

    :param operator: the one that logs.
    :param context: Airflow's context.
    :param key: of the XCom.
    :param value: JSON.
    """
    try:
        context["ti"].xcom_push(key=key, value=value)
    except Exception as error:  # noqa: BLE001 - whatever an XCom backend raises
        operator.log.warning("The XCom %s was not pushed, the task goes on: %s", key, reason(error))


def push_submission(
    operator: KlingTaskOperator,
    context: Context,
    prepared: Prepared,
    done: Done,
    *,
    submitted_at: float | None,
    slot_since: float | None,
) -> None:
    """
    Push what the task's page shows of the submission, in one XCom.

    :param operator: the one that submitted.
    :param context: Airflow's context.
    :param prepared: the checked request.
    :param done: how the submission ended.
    :param submitted_at: epoch seconds at which this try sent it, if it did.
    :param slot_since: epoch seconds since when it waited for a slot, if it did.
    """
    value = submission_record(
        done,
        model_name=str(prepared.body.get("model_name") or ""),
        estimate=str(operator.cost_of(prepared.body)),
        submitted_at=submitted_at,
        slot_since=slot_since,
    )
    push(operator, context, SUBMISSION_KEY, value)


def choose_intent(
    operator: KlingTaskOperator, prepared: Prepared, context: Context, *, may_be_stored: bool
) -> identity.Intent:
    """
    Choose the id with which this try submits, and store it before the POST.

    :param operator: the one that submits.
    :param prepared: the checked request.
    :param context: Airflow's context.
    :param may_be_stored: whether an earlier try may have stored an intent.
    """
    stored = _stored_intent(operator, context) if may_be_stored else None
    computed = _computed_intent(operator, prepared, context, stored)
    chosen = computed.with_id_of(stored)
    if stored and chosen.external_task_id != computed.external_task_id:
        operator.log.info("Version %s of this package sent the same request in an earlier try", stored.version)
    if chosen != stored:
        _store(operator, context, INTENT_KEY, dataclasses.asdict(chosen))
    return chosen


def _computed_intent(
    operator: KlingTaskOperator, prepared: Prepared, context: Context, stored: identity.Intent | None
) -> identity.Intent:
    origin = origin_of(context, operator.on_clear, stored)
    account = operator.hook.account_name
    fingerprint = identity.fingerprint(account=account, endpoint=operator.endpoint, content=prepared.content)
    written = {name: getattr(operator, name) for name in (*operator.product.arguments, "extra_body")}
    own = identity.own_id(prepared.body.get("external_task_id"))
    return identity.Intent(
        external_task_id=own or identity.external_task_id(origin, fingerprint),
        fingerprint=fingerprint,
        words=identity.digest_of_words(account, operator.endpoint, written),
        generation=origin.generation,
        max_tries=context["ti"].max_tries or 0,
        version=__version__,
    )


def _stored_intent(operator: BaseOperator, context: Context) -> identity.Intent | None:
    store = context.get("task_state_store")
    if store is None:
        return None
    try:
        return identity.Intent.from_dict(store.get(INTENT_KEY))
    except Exception as error:  # noqa: BLE001 - whatever a state store raises
        operator.log.warning("The task state store cannot be read, the id is computed again: %s", reason(error))
        return None


def _store(operator: BaseOperator, context: Context, key: str, value: Any) -> None:
    store = context.get("task_state_store")
    if store is None:
        return
    try:
        store.set(key, value)
    except Exception as error:  # noqa: BLE001 - whatever a state store raises
        operator.log.warning("%s was not written to the task state store, the task goes on: %s", key, reason(error))
