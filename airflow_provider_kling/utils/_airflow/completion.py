"""Calls of a trigger to Airflow, and the check whether a task may end in the triggerer without a worker."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from airflow.sdk import BaseOperator

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow.models.taskinstance import TaskInstance

log = logging.getLogger(__name__)

#: How the names of our own modules begin.
PACKAGE = "airflow_provider_kling."

#: A label that reads the task instance may read what the task pushes, which is there only at its end. Its map index is
#: known before.
_OWN_RESULT = re.compile(r"\b(?:(?:ti|task_instance)(?!\.map_index\b)|\w*xcom\w*)\b")


class Effect(NamedTuple):
    """
    Something that Airflow's task runner does on a worker when a task succeeds.

    :param name: for the log.
    :param is_needed_by: whether an operator needs it.
    :param reason: why the triggerer cannot do it.
    """

    name: str
    is_needed_by: Callable[[Any], Any]
    reason: str


def _has_own_post_execute(operator: Any) -> Any:
    return type(operator).post_execute is not BaseOperator.post_execute or getattr(operator, "_post_execute_hook", None)


def _has_own_execute_complete(operator: Any) -> bool:
    return not type(operator).execute_complete.__module__.startswith(PACKAGE)


def _has_own_links(operator: Any) -> bool:
    return not all(type(link).__module__.startswith(PACKAGE) for link in operator.operator_extra_links)


def _has_label_of_result(operator: Any) -> Any:
    return _OWN_RESULT.search(getattr(operator, "map_index_template", None) or "")


def _is_mapped_over(operator: Any) -> bool:
    return operator.has_dag() and next(iter(operator.iter_mapped_dependants()), None) is not None


def _clears_task_state(_operator: Any) -> bool:
    from airflow.configuration import conf

    return conf.getboolean("state_store", "clear_on_success", fallback=False)


#: What a worker does at the end of a task that succeeds (``finalize``, ``_push_xcom_if_needed`` and
#: ``_handle_current_task_success`` of Airflow 3.3's task runner), and the triggerer does not. A task that asks for any
#: of it ends on a worker. Not in this table, because the triggerer does it: the XCom ``return_value``, the button of
#: :class:`~airflow_provider_kling.plugins.links.KlingResultLink`, end date and duration. Metrics (``ti.finish``,
#: ``operator_successes``, ``task.duration``) are counted on workers only; no result depends on them.
EFFECTS = (
    Effect("no XCom at all", lambda operator: not operator.do_xcom_push, "a trigger pushes the result"),
    Effect("asset events", lambda operator: operator.outlets, "Airflow drops them there"),
    Effect(
        "on_success_callback",
        lambda operator: operator.on_success_callback,
        # Part of apache/airflow#46224.
        "the Dag processor, which is told to run it, runs failure callbacks only (3.2 and 3.3)",
    ),
    Effect("post_execute", _has_own_post_execute, "it is code of the user's"),
    Effect("an end of a subclass's own", _has_own_execute_complete, "it is code of the user's"),
    Effect("links of a subclass's own", _has_own_links, "they are code of the user's"),
    Effect("multiple_outputs", lambda operator: operator.multiple_outputs, "each key becomes an XCom of its own"),
    Effect("expand() over the result", _is_mapped_over, "the scheduler needs its length, which the worker pushes"),
    Effect("a label of the result", _has_label_of_result, "map_index_template is rendered again on the worker"),
    Effect(
        "the Dag's result",
        lambda operator: getattr(operator, "returns_dag_result", False),
        "the worker marks the XCom (3.3)",
    ),
    Effect(
        "rendered fields that are written again",
        lambda operator: getattr(operator, "overwrite_rtif_after_execution", False),
        "only the worker has the rendered operator",
    ),
    Effect("a cleared task state", _clears_task_state, "the worker's success clears it (3.3, clear_on_success)"),
)


def can_finish_in_triggerer(operator: BaseOperator, *, plugins_loaded: bool = True) -> bool:
    """
    Whether a task can succeed in the triggerer, because nothing of :data:`EFFECTS` needs a worker.

    :param operator: the one that defers.
    :param plugins_loaded: whether this process has loaded Airflow's plugins, as a worker has; one of them may listen to
        successes. Where it has not, they are not loaded for this question.
    """
    return _needs_no_worker(operator) and (not plugins_loaded or _has_no_listeners())


def _needs_no_worker(operator: BaseOperator) -> bool:
    needed = [effect for effect in EFFECTS if effect.is_needed_by(operator)]
    for effect in needed:
        log.debug("The wait ends on a worker for %s: %s", effect.name, effect.reason)
    return not needed


def _has_no_listeners() -> bool:
    """
    Whether no plugin listens to task successes. Lineage plugins do, and only a worker calls listeners.

    Call it on a worker, which has loaded the plugins.
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


def is_mapped_over(ti: TaskInstance) -> bool:
    """
    Whether another task expands over the result of one that started in the triggerer; its sensor cannot know it.

    :param ti: the trigger's task instance; Airflow gives it its task in that case.
    """
    task = getattr(ti, "task", None)
    dependants = getattr(task, "iter_mapped_dependants", None)
    return dependants is not None and next(iter(dependants()), None) is not None


def set_xcom(ti: TaskInstance, key: str, value: Any) -> None:
    """
    Push an XCom from a trigger; from a thread, and on Airflow 3.2 and later only.

    :param ti: the trigger's task instance.
    :param key: XCom key.
    :param value: JSON.
    """
    from airflow.sdk.execution_time.xcom import XCom

    XCom.set(key=key, value=value, dag_id=ti.dag_id, task_id=ti.task_id, run_id=ti.run_id, map_index=ti.map_index)


def get_xcom(ti: TaskInstance | None, key: str) -> Any:
    """
    Read an XCom of the trigger's own task; from a thread, and on Airflow 3.2 and later only.

    :param ti: the trigger's task instance.
    :param key: XCom key.
    :return: ``None`` when there is none.
    """
    from airflow.sdk.execution_time.xcom import XCom

    if ti is None:
        return None
    return XCom.get_one(key=key, dag_id=ti.dag_id, task_id=ti.task_id, run_id=ti.run_id, map_index=ti.map_index)


def is_still_deferred(ti: TaskInstance | None) -> bool:
    """
    Whether the task is still deferred when its trigger is told that it was killed.

    :param ti: the trigger's task instance.
    """
    from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

    if ti is None:
        return False
    states = RuntimeTaskInstance.get_task_states(
        dag_id=ti.dag_id, task_ids=[ti.task_id], run_ids=[ti.run_id], map_index=ti.map_index
    )
    return "deferred" in {str(state) for by_task in states.values() for state in by_task.values()}
