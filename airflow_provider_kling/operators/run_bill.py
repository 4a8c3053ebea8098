"""What a Dag run planned to spend and what Kling charged, from the XComs of its tasks. Pure."""

from __future__ import annotations

import dataclasses
import itertools
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from airflow_provider_kling.api import values
from airflow_provider_kling.exceptions import KlingConfigurationError
from airflow_provider_kling.models import TaskStatus, stored_model
from airflow_provider_kling.products import prices
from airflow_provider_kling.products.catalogue import product_of
from airflow_provider_kling.submission.budget import BATCH
from airflow_provider_kling.utils.untrusted import clean_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_ZERO = Decimal(0)


@dataclasses.dataclass
class Line:
    """
    One product and model.

    :param endpoint: the product.
    :param model_name: the model; ``batch`` for batches, empty for products without a choice of models.
    :param planned: submissions with a ``planned_cost``; ``unknown`` of them have no known price.
    :param done: results that Kling made.
    :param failed: tasks that Kling failed.
    :param running: tasks that were not finished when their task ended.
    :param planned_usd: at list price.
    :param units: that Kling charged, of the pack that pays for the product.
    :param usd: what these units cost at list price.
    :param cash: what Kling took from the balance, in the account's currency.
    """

    endpoint: str
    model_name: str
    planned: int = 0
    unknown: int = 0
    done: int = 0
    failed: int = 0
    running: int = 0
    planned_usd: Decimal = _ZERO
    units: Decimal = _ZERO
    usd: Decimal = _ZERO
    cash: Decimal = _ZERO

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON; money and units as decimal text."""
        return {name: _plain(value) for name, value in dataclasses.asdict(self).items()}


def bill(
    planned: Iterable[Any], returned: Mapping[str, Iterable[dict[str, Any]]], endpoints: Mapping[str, Any]
) -> dict[str, Any]:
    """
    Return the summary of a Dag run.

    :param planned: the XComs ``planned_cost``.
    :param returned: what each task or sensor returned: manifests and summaries of batches.
    :param endpoints: product of each task with a ``planned_cost``; the summary of a batch does not name it.
    :return: totals, and one line for each product and model.
    """
    lines: dict[tuple[str, str], Line] = {}
    for cost in planned:
        if isinstance(cost, dict):
            _add_planned(_line(lines, cost), cost)
    for manifest in _one_manifest_per_task(itertools.chain.from_iterable(returned.values())):
        _add_manifest(_line(lines, manifest), manifest)
    for task_id, found in returned.items():
        for summary in found:
            if "batch_id" in summary:
                _add_batch(_line(lines, {"endpoint": endpoints.get(task_id), "model_name": BATCH}), summary)
    ordered = [lines[key] for key in sorted(lines)]
    return {**_totals(ordered), "models": [line.to_dict() for line in ordered]}


def table(summary: dict[str, Any]) -> str:
    """
    Return a summary as lines for a log.

    :param summary: from :func:`bill`.
    """
    head = ("product", "model", "done", "failed", "running", "planned", "charged", "cash")
    rows = [_row(line) for line in summary["models"]] + [_row({"endpoint": "together", "model_name": "", **summary})]
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in (head, *rows)
    )


def _row(line: dict[str, Any]) -> tuple[str, ...]:
    unknown = f" +{line['unknown']} unknown" if line["unknown"] else ""
    units = f"{line['units']} units, " if line.get("units") else ""
    counts = [str(line[name]) for name in ("done", "failed", "running")]
    money = [f"${Decimal(line['planned_usd']):.2f}{unknown}", f"{units}${Decimal(line['usd']):.2f}", line["cash"]]
    return (line["endpoint"], line["model_name"], *counts, *money)


def _line(lines: dict[tuple[str, str], Line], value: dict[str, Any]) -> Line:
    key = (clean_text(value.get("endpoint") or "", 60), stored_model(value.get("model_name")))
    return lines.setdefault(key, Line(*key))


def _add_planned(line: Line, cost: dict[str, Any]) -> None:
    if cost.get("state") != "spent":
        return
    usd = values.number(cost.get("usd"))
    line.planned += 1
    line.unknown += usd is None
    line.planned_usd += usd or _ZERO


def _one_manifest_per_task(returned: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield one manifest for each Kling task: an operator and a sensor may both have returned one."""
    tasks: dict[str, dict[str, Any]] = {}
    for value in returned:
        if isinstance(name := value.get("task_id"), str) and "status" in value:
            before = tasks.get(name, {})
            later = before if before.get("status") == TaskStatus.SUCCEED.value else value
            tasks[name] = {**later, "model_name": value.get("model_name") or before.get("model_name") or ""}
    yield from tasks.values()


def _add_manifest(line: Line, manifest: dict[str, Any]) -> None:
    status = manifest["status"]
    line.done += status == TaskStatus.SUCCEED.value
    line.failed += status == TaskStatus.FAILED.value
    line.running += status in (TaskStatus.SUBMITTED.value, TaskStatus.PROCESSING.value)
    _add_cost(line, manifest)


def _add_batch(line: Line, summary: dict[str, Any]) -> None:
    for name in ("done", "failed", "running"):
        count = summary.get(name)
        setattr(line, name, getattr(line, name) + (count if isinstance(count, int) and count > 0 else 0))
    _add_cost(line, summary)


def _add_cost(line: Line, value: dict[str, Any]) -> None:
    units = Decimal(values.amount(value.get("units")) or 0)
    line.units += units
    line.cash += Decimal(values.amount(value.get("cash")) or 0)
    try:
        line.usd += prices.usd_of(product_of(line.endpoint), units)
    except KlingConfigurationError:  # of a version that knew another product
        return


def _totals(lines: list[Line]) -> dict[str, Any]:
    counts = {
        name: sum(getattr(line, name) for line in lines) for name in ("planned", "unknown", "done", "failed", "running")
    }
    money = {name: sum((getattr(line, name) for line in lines), _ZERO) for name in ("planned_usd", "usd", "cash")}
    return {**counts, **{name: _plain(value) for name, value in money.items()}}


def _plain(value: Any) -> Any:
    if not isinstance(value, Decimal):
        return value
    return format(value.normalize() if value else _ZERO, "f")
