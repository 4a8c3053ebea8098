"""What a trigger may ask of Airflow while it runs."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

if TYPE_CHECKING:
    from airflow.models.taskinstance import TaskInstance

log = logging.getLogger(__name__)


def leaves_nothing_to_do(operator: BaseOperator) -> bool:
    """
    Whether a success needs no worker any more: no asset to announce, no code of the user's to run.

    Airflow drops ``on_success_callback`` when a task ends in the triggerer: the Dag processor, which is told to run it,
    runs failure callbacks only (3.2 and 3.3, part of apache/airflow#46224).

    :param operator: the one that defers.
    """
    kind: Any = type(operator)
    own_code = kind.post_execute is not BaseOperator.post_execute or getattr(operator, "_post_execute_hook", None)
    # A subclass of the user's may finish in its own way.
    own_end = not kind.execute_complete.__module__.startswith(f"{__package__}.")
    return bool(operator.do_xcom_push) and not (operator.outlets or operator.on_success_callback or own_code or own_end)


def nobody_listens() -> bool:
    """
    Whether no plugin listens to successes; lineage does, and only a worker tells listeners.

    To be asked on a worker, which has loaded the plugins anyway.
    """
    try:
        from airflow.sdk.listener import get_listener_manager
    except ImportError:  # Airflow 3.1 and below, where the wait ends on a worker in any case
        return True
    listeners = get_listener_manager().hook.on_task_instance_success.get_hookimpls()
    if listeners:
        names = ", ".join(sorted(listener.plugin_name for listener in listeners))
        log.info("A plugin listens to task successes (%s); the wait ends on a worker, which tells it", names)
    return not listeners


def set_xcom(ti: TaskInstance, key: str, value: Any) -> None:
    """
    Push an XCom from a trigger; from a thread, and on Airflow 3.2 and later only.

    :param ti: the trigger's task instance.
    :param key: XCom key.
    :param value: JSON.
    """
    from airflow.sdk.execution_time.xcom import XCom

    XCom.set(key=key, value=value, dag_id=ti.dag_id, task_id=ti.task_id, run_id=ti.run_id, map_index=ti.map_index)


def is_still_deferred(ti: TaskInstance | None) -> bool:
    """
    Whether the task is deferred all the same when its trigger is told that somebody killed it.

    :param ti: the trigger's task instance.
    """
    from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

    if ti is None:
        return False
    states = RuntimeTaskInstance.get_task_states(
        dag_id=ti.dag_id, task_ids=[ti.task_id], run_ids=[ti.run_id], map_index=ti.map_index
    )
    return "deferred" in {str(state) for by_task in states.values() for state in by_task.values()}
