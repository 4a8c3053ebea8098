"""
What Airflow's database knows of the Kling tasks of one Dag run, in three queries however many they are.

Inside the API server only. Names checked on Airflow 3.1.8 and 3.3.2.
"""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

from airflow.models.taskinstance import TaskInstance
from airflow.models.trigger import Trigger
from airflow.models.xcom import XComModel
from airflow.utils.session import create_session
from sqlalchemy import Text, case, cast, func, select

from airflow_provider_kling.utils.ours import BATCH_LINK_KEY, RESULT_LINK_KEY, is_our_operator, our_trigger

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

#: Task instances of a run that are read.
MAX_TASKS = 20_000

#: XComs that say something about a result; others may be large.
KEYS = ("return_value", "task_id", "failure", "manifest_uri")

#: Characters of one XCom, as JSON, and of all that are read at once; a manifest has about two thousand. Any Dag can
#: push any XCom, and the API server would hold them all.
MAX_VALUE = 256 << 10
MAX_VALUES = 64 << 20


@dataclasses.dataclass(frozen=True)
class RunTask:
    """
    What Airflow knows of a task instance of the run; the values of its XComs are anything.

    :param task_id: Airflow's.
    :param map_index: -1 for a task that is not mapped.
    :param label: what the grid calls a mapped one; empty when it has no name.
    :param state: Airflow's word, empty while it has none.
    :param operator: class name of its operator.
    :param start: epoch seconds, 0 before it began.
    :param end: epoch seconds, 0 before it ended.
    :param trigger: class name of the trigger that it waits in, see :func:`.ours.our_trigger`.
    :param xcoms: those of :data:`KEYS`, by key.
    """

    task_id: str
    map_index: int = -1
    label: str = ""
    state: str = ""
    operator: str = ""
    start: float = 0.0
    end: float = 0.0
    trigger: str = ""
    xcoms: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def manifest_uri(self) -> str:
        """Where a batch describes its items; empty for other tasks."""
        uri = self.xcoms.get("manifest_uri")
        return uri if isinstance(uri, str) else ""


def read_run(dag_id: str, run_id: str, task: tuple[str, int] | None = None, *, most: int = MAX_VALUES) -> list[RunTask]:
    """
    Return the Kling tasks of a run; whether the user may read them has been asked before.

    :param dag_id: of the run.
    :param run_id: of the run.
    :param task: task id and map index, when only one is wanted.
    :param most: characters of XComs that are read; default 64 MiB.
    """
    with create_session(scoped=False) as session:
        return _read(session, dag_id, run_id, task, most)


def _read(session: Any, dag_id: str, run_id: str, task: tuple[str, int] | None, most: int) -> list[RunTask]:
    found = session.execute(_of(TaskInstance, _instances(), dag_id, run_id, task).limit(MAX_TASKS)).all()
    names = {row.task_id for row in found if is_our_operator(row.operator) or our_trigger(row.classpath)}
    names.update(session.scalars(_of(XComModel, _marked(), dag_id, run_id, task)))
    xcoms: dict[tuple[str, int], dict[str, Any]] = {}
    for row in xcom_rows(session, _of(XComModel, _xcoms(names), dag_id, run_id, task), most=most):
        xcoms.setdefault((row.task_id, row.map_index), {})[row.key] = xcom_value(row.text)
    return [_run_task(row, xcoms.get((row.task_id, row.map_index), {})) for row in found if row.task_id in names]


def _instances() -> Any:
    ti = TaskInstance
    # The column below the property: that shows a number where there is no name.
    label: Any = ti._rendered_map_index.label("label")
    columns = (ti.task_id, ti.map_index, label, ti.state, ti.operator, ti.start_date, ti.end_date, Trigger.classpath)
    return select(*columns).outerjoin(Trigger, ti.trigger_id == Trigger.id).order_by(ti.task_id, ti.map_index)


def _marked() -> Any:
    return select(XComModel.task_id).where(XComModel.key.in_((RESULT_LINK_KEY, BATCH_LINK_KEY))).distinct()


def _xcoms(names: Iterable[str]) -> Any:
    x = XComModel
    return select(x.task_id, x.map_index, x.key, xcom_text()).where(x.key.in_(KEYS), x.task_id.in_(sorted(names)))


def _of(model: Any, query: Any, dag_id: str, run_id: str, task: tuple[str, int] | None) -> Any:
    query = query.where(model.dag_id == dag_id, model.run_id == run_id)
    return query.where(model.task_id == task[0], model.map_index == task[1]) if task else query


def _run_task(row: Any, xcoms: dict[str, Any]) -> RunTask:
    return RunTask(
        task_id=row.task_id,
        map_index=row.map_index,
        label=row.label or "",
        state=str(getattr(row.state, "value", row.state) or ""),
        operator=row.operator or "",
        start=_seconds(row.start_date),
        end=_seconds(row.end_date),
        trigger=our_trigger(row.classpath, has_task=bool(xcoms.get("task_id"))),
        xcoms=xcoms,
    )


def _seconds(moment: datetime | None) -> float:
    return moment.timestamp() if moment else 0.0


def xcom_text() -> Any:
    """Return the column ``text``: an XCom as JSON, nothing for one that is too large to be a result's."""
    text = cast(XComModel.value, Text)
    # Airflow's own column would be parsed while it is fetched, and one that cannot be would end the whole query.
    return case((func.length(text) <= MAX_VALUE, text)).label("text")


def xcom_rows(session: Any, query: Any, *, most: int = MAX_VALUES) -> Iterator[Any]:
    """
    Yield rows with a column of :func:`xcom_text`, until they hold more than is read at once.

    :param session: of the database.
    :param query: what to select.
    :param most: characters of XComs that are read; default 64 MiB.
    """
    left = most
    for row in session.execute(query.execution_options(yield_per=200)):
        left -= len(row.text or "")
        if left < 0:
            return
        yield row


def xcom_value(text: str | None) -> Any:
    """
    Return an XCom as the task pushed it; another XCom backend may keep only a path in the database.

    :param text: JSON, as the database keeps it.
    """
    value = _parsed(text, None)
    return _parsed(value, value) if isinstance(value, str) else value


def _parsed(text: str | None, otherwise: Any) -> Any:
    try:
        return json.loads(text) if text else otherwise
    except (ValueError, RecursionError):  # a number of 5,000 digits is a ValueError, too
        return otherwise
