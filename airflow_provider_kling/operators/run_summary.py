"""An operator that sums up what a Dag run cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from airflow.sdk import BaseOperator

from airflow_provider_kling.exceptions import KlingBudgetError
from airflow_provider_kling.get_provider_info import UI_COLOR
from airflow_provider_kling.operators.reservations import is_kling_task, planned_costs
from airflow_provider_kling.operators.run_bill import bill, table
from airflow_provider_kling.preparation import arguments

if TYPE_CHECKING:
    from airflow.sdk import Context


class KlingRunSummaryOperator(BaseOperator):
    """
    Sum up what the Kling tasks of a Dag run planned and what Kling charged, log it as one table, and return it.

    .. seealso::
        For more information on how to use this operator, take a look at the guide:
        :ref:`howto/operator:KlingRunSummaryOperator`

    It reads XComs of the run, and does not call Kling: ``planned_cost``, which tasks push in a Dag that has this
    operator, and what operators, sensors and batches returned. Put it downstream of them; by default it runs whether
    they succeeded or failed (``trigger_rule="all_done"``).

    The return value has ``planned`` (submissions with a ``planned_cost``), ``unknown`` (those without a known price),
    ``done``, ``failed`` and ``running`` (tasks at Kling), ``planned_usd``, ``usd`` and ``cash`` (decimal text), and
    ``models``: the same for each product and model, with the ``units`` that Kling charged. ``usd`` is what these units
    cost at list price; ``cash`` is what Kling took from the balance of a post-paid account.

    :param alert_above_usd: fail when ``usd`` is above this, so that the Dag's callbacks are called; the XCom
        ``summary`` holds it then. Default: never.
    """

    #: The Kling tasks of its Dag push what they plan to spend.
    reads_costs: ClassVar[bool] = True

    ui_color = UI_COLOR

    def __init__(self, *, alert_above_usd: float | None = None, **kwargs: Any) -> None:
        kwargs.setdefault("trigger_rule", "all_done")
        super().__init__(**kwargs)
        self.alert_above_usd = alert_above_usd

    def execute(self, context: Context) -> dict[str, Any]:
        """
        Read, log and return.

        :raises KlingBudgetError: when the run cost more than ``alert_above_usd``.
        """
        limit = arguments.amount("alert_above_usd", self.alert_above_usd)
        planned = planned_costs(context)
        names = [task.task_id for task in context["dag"].tasks if is_kling_task(task) or _is_sensor(task)]
        # One by one, because the summary of a batch does not name its product; its planned_cost does.
        returned = {name: _returned(context, name) for name in names}
        endpoints = {
            cost["task"]: cost.get("endpoint")
            for cost in planned
            if isinstance(cost, dict) and isinstance(cost.get("task"), str)
        }
        summary = bill(planned, returned, endpoints)
        self.log.info("Kling tasks of run %s, at list prices:\n%s", context["ti"].run_id, table(summary))
        if limit is not None and float(summary["usd"]) > limit:
            context["ti"].xcom_push(key="summary", value=summary)
            raise KlingBudgetError(
                f"Look at the table in the log: this Dag run cost ${float(summary['usd']):.2f} at list price, and "
                f"alert_above_usd is {limit:g}."
            )
        return summary


def _returned(context: Context, task_id: str) -> list[dict[str, Any]]:
    values = context["ti"].xcom_pull(task_ids=[task_id], key="return_value") or ()
    return [value for value in values if isinstance(value, dict)]


def _is_sensor(task: Any) -> bool:
    kind = getattr(task, "operator_class", None)
    return bool(getattr(kind if isinstance(kind, type) else type(task), "returns_manifest", False))
