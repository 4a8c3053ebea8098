"""
Calls of our pages to Airflow inside its API server: may this user read a task, and what is known of it.

Permissions are checked by the dependencies of Airflow's own routes, so that every auth manager works. Run on Airflow
3.1.8 and 3.3.2; the names are there in 3.0.6 and 3.4.0b2, too.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, NamedTuple

from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.api_fastapi.core_api.security import GetUserDep, requires_access_dag
from airflow.models.renderedtifields import RenderedTaskInstanceFields
from airflow.models.taskinstance import TaskInstance
from airflow.models.xcom import XComModel
from airflow.utils.session import create_session
from fastapi import HTTPException, Request
from sqlalchemy import select

from airflow_provider_kling.utils._airflow.run_reader import KEYS, xcom_rows, xcom_text, xcom_value
from airflow_provider_kling.utils.ours import our_trigger

if TYPE_CHECKING:
    from datetime import datetime

#: XComs that the tab of a task tells something from.
KEYS_OF_TASK = (*KEYS, "submission", "progress")


class TaskKey(NamedTuple):
    """
    A task instance.

    :param dag_id: its Dag.
    :param run_id: its run.
    :param task_id: Airflow's.
    :param map_index: -1 for a task that is not mapped.
    """

    dag_id: str
    run_id: str
    task_id: str
    map_index: int


@dataclasses.dataclass(frozen=True)
class TaskRecord:
    """
    What Airflow knows of a task instance; the values of its XComs are anything.

    :param key: which one.
    :param state: Airflow's word, empty while it has none.
    :param operator: class name of its operator.
    :param start: when its first worker began.
    :param end: when it ended.
    :param try_number: counts from 1.
    :param fields: its rendered template fields.
    :param xcoms: by key.
    :param trigger: name of the trigger that it waits in, see :func:`.ours.our_trigger`.
    :param trigger_arguments: of that trigger.
    :param unread: why a value that an XCom backend keeps in object storage is not among ``xcoms``, in a sentence.
    """

    key: TaskKey
    state: str = ""
    operator: str = ""
    start: datetime | None = None
    end: datetime | None = None
    try_number: int = 0
    fields: dict[str, Any] = dataclasses.field(default_factory=dict)
    xcoms: dict[str, Any] = dataclasses.field(default_factory=dict)
    trigger: str = ""
    trigger_arguments: dict[str, Any] = dataclasses.field(default_factory=dict)
    unread: str = ""


def permitted_dag(request: Request, user: GetUserDep, dag_id: str) -> str:
    """
    Return the Dag that a request names, when its user may read the Dag's tasks and XComs.

    A dependency: what needs it is not called without it.

    :raises HTTPException: 401 or 403 as Airflow's own routes do.
    """
    # "~" is Airflow's word for all Dags; one page is about one.
    if not dag_id or dag_id == "~":
        raise HTTPException(400, "Name a Dag.")
    for entity in (DagAccessEntity.TASK_INSTANCE, DagAccessEntity.XCOM):
        requires_access_dag("GET", entity, dag_id)(request, user)
    return dag_id


def permitted_task(
    request: Request, user: GetUserDep, dag_id: str, run_id: str, task_id: str, map_index: str = "-1"
) -> TaskKey:
    """
    Return the task instance that a request names, when its user may read it.

    Airflow leaves ``{MAP_INDEX}`` as it is in the address of the page of a task that is not mapped.

    :raises HTTPException: as :func:`permitted_dag`.
    """
    permitted_dag(request, user, dag_id)
    index = int(map_index) if map_index.isascii() and map_index.isdigit() and len(map_index) < 10 else -1
    return TaskKey(dag_id, run_id, task_id, index)


def read_task(key: TaskKey) -> TaskRecord | None:
    """
    Return what Airflow knows of a task instance.

    The database's session ends here: a file that follows may be sent for minutes.

    :param key: which one.
    :return: ``None`` when there is none.
    """
    with create_session(scoped=False) as session:
        return _read(session, key)


def _read(session: Any, key: TaskKey) -> TaskRecord | None:
    ti = session.scalar(
        select(TaskInstance).where(
            TaskInstance.dag_id == key.dag_id,
            TaskInstance.run_id == key.run_id,
            TaskInstance.task_id == key.task_id,
            TaskInstance.map_index == key.map_index,
        )
    )
    if ti is None:
        return None
    # Arguments are read of our own triggers only: they hold no key.
    xcoms = _xcoms(session, key)
    trigger = our_trigger(ti.trigger.classpath if ti.trigger else None, has_task=bool(xcoms.get("task_id")))
    return TaskRecord(
        key=key,
        state=str(getattr(ti.state, "value", ti.state) or ""),
        operator=ti.custom_operator_name or ti.operator or "",
        start=ti.start_date,
        end=ti.end_date,
        try_number=ti.try_number or 0,
        fields=RenderedTaskInstanceFields.get_templated_fields(ti, session=session) or {},
        xcoms=xcoms,
        trigger=trigger,
        trigger_arguments=dict(ti.trigger.kwargs) if trigger else {},
    )


def _xcoms(session: Any, key: TaskKey) -> dict[str, Any]:
    x = XComModel
    query = select(x.key, xcom_text()).where(
        *(x.dag_id == key.dag_id, x.run_id == key.run_id, x.task_id == key.task_id, x.map_index == key.map_index),
        x.key.in_(KEYS_OF_TASK),
    )
    return {row.key: xcom_value(row.text) for row in xcom_rows(session, query)}
