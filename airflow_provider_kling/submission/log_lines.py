"""The log lines of one task: submitting, accepted, done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from airflow_provider_kling.utils.untrusted import clean_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_kling.models import Task
    from airflow_provider_kling.products.prices import Estimate
    from airflow_provider_kling.products.product import Product
    from airflow_provider_kling.submission.protocol import Done


class Line(NamedTuple):
    """A sentence, and whether it is a warning."""

    text: str
    is_warning: bool = False


def submitting(product: Product, body: Mapping[str, Any], external_task_id: str, cost: Estimate) -> Line:
    """
    Return the line about the request and its cost by the price list.

    :param product: what is asked for.
    :param body: the checked request.
    :param external_task_id: the id of the submission.
    :param cost: by the price list.
    """
    parts = [product.endpoint, *(str(body[name]) for name in ("model_name", "mode") if name in body)]
    if "duration" in body:
        parts.append(f"{body['duration']} s")
    request = clean_text(", ".join(parts), 120)
    name = f"; external_task_id {external_task_id}" if product.has_external_id else ""
    return Line(f"Submitting {request}; {cost}{name}")


def accepted(done: Done, *, is_own_id: bool, looked_up_first: bool) -> Line:
    """
    Return the line about where the task came from, which shows what was paid.

    :param done: how the submission ended.
    :param is_own_id: whether the Dag author gave the id.
    :param looked_up_first: whether an earlier try may have sent it.
    """
    task = clean_text(done.task.task_id, 60)
    if not done.adopted:
        return Line(f"Kling accepted task {task}")
    if done.answer_lost:
        return Line(f"Kling accepted task {task}; its response was lost, so it was looked up")
    adopted = f"Adopted Kling task {task} ({done.task.status.value})"
    if is_own_id and not looked_up_first:
        return Line(
            f"{adopted}: somebody submitted it before under your external_task_id. Nothing was sent now; its video may "
            "be of another request.",
            is_warning=True,
        )
    before = "an earlier try of this task" if looked_up_first else "a run with the same ids that was deleted"
    return Line(f"{adopted}: {before} submitted it; it is not paid twice")


def done(task: Task) -> Line:
    """
    Return the line about how long a finished task took and what it cost.

    :param task: as Kling reports it.
    """
    took = f" after {(task.updated_at - task.created_at) / 1000:.0f} s" if task.updated_at > task.created_at > 0 else ""
    units = f"{clean_text(task.units, 40)} units" if task.units else ""
    cash = f"{clean_text(task.cash, 40)} from the balance" if task.cash.strip("0.") else ""
    charged = " and ".join(filter(None, (units, cash)))
    cost = f"; Kling charged {charged}" if charged else ""
    return Line(f"Kling task {clean_text(task.task_id, 60)} is done{took}{cost}")
