"""What a task cost, as in Kling's classic responses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_kling.simulator.prices import as_text

if TYPE_CHECKING:
    from airflow_provider_kling.simulator.tasks import Task


def deductions(task: Task) -> dict[str, Any]:
    """Units or money of a task that ended; the other is 0."""
    units = "0" if task.money else as_text(task.charged)
    if task.status != "succeed":
        return {"final_unit_deduction": units}
    money = as_text(task.money)
    return {"final_unit_deduction": units, "final_balance_deduction": {"quota": money, "list_price": money}}
