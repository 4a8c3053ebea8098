"""What a worker hands to the triggerer for a checked batch: a plan, a fencing token, and the trigger's arguments."""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING, NamedTuple

from airflow_provider_kling.batch import fence, plan
from airflow_provider_kling.batch.trigger_arguments import BatchArguments
from airflow_provider_kling.operators.batch_limits import work_uri
from airflow_provider_kling.operators.record import task_name
from airflow_provider_kling.utils._airflow.completion import can_finish_in_triggerer

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_kling.batch.plan import PlannedItem
    from airflow_provider_kling.operators.batch import KlingImageToVideoBatchOperator
    from airflow_provider_kling.operators.batch_limits import Limits


class Token(NamedTuple):
    """The fencing token of a deferral, see :mod:`airflow_provider_kling.batch.fence`."""

    value: str
    uri: str


def write_plan(
    operator: KlingImageToVideoBatchOperator,
    context: Context,
    planned: list[PlannedItem],
    limits: Limits,
    batch_id: str,
) -> Token:
    """
    Write token and plan; from then on an older trigger of this task submits nothing more.

    :param operator: whose batch it is.
    :param context: Airflow's context.
    :param planned: the items.
    :param limits: the operator's checked arguments.
    :param batch_id: names the batch.
    """
    token = Token(uuid.uuid4().hex, fence.token_uri(limits.manifest_uri, task_name(context)))
    fence.write_token(token.uri, token.value, operator.output_conn_id)
    plan.write_plan(_plan_uri(limits, batch_id), planned, operator.output_conn_id)
    return token


def trigger_arguments(
    operator: KlingImageToVideoBatchOperator, limits: Limits, batch_id: str, count: int, token: Token
) -> BatchArguments:
    """
    Return the trigger's arguments.

    :param operator: whose batch it is.
    :param limits: its checked arguments.
    :param batch_id: names the batch.
    :param count: of its items.
    :param token: of this deferral.
    """
    now = time.time()
    return BatchArguments(
        plan_uri=_plan_uri(limits, batch_id),
        manifest_uri=limits.manifest_uri,
        output_uri=limits.folder,
        output_conn_id=operator.output_conn_id or "",
        kling_conn_id=operator.kling_conn_id,
        endpoint=operator.endpoint,
        batch_id=batch_id,
        concurrency=limits.concurrency,
        submit_concurrency=limits.submit_concurrency,
        store_concurrency=limits.store_concurrency,
        item_retries=limits.item_retries,
        max_units=limits.max_units or 0.0,
        units_per_item=limits.units_per_item or 0.0,
        on_item_failure=limits.on_item_failure,
        started_at=now,
        end_time=now + operator.deferred_seconds(limits.timeout),
        poll_interval=limits.poll_interval,
        ends_task=can_finish_in_triggerer(operator),
        account=operator.hook.account_name,
        token_uri=token.uri,
        token=token.value,
        items=count,
    )


def _plan_uri(limits: Limits, batch_id: str) -> str:
    return f"{work_uri(limits, batch_id)}plan.jsonl"
