"""
Whether a task may spend what it is about to: caps for its Dag run and for a day of its connection.

Only in Dags in which some task reads costs do tasks write reservations for the run. Airflow deletes a task's XComs when
a retry of it begins; so a retry writes its reservation again before it does anything else.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from airflow_provider_kling.api import values
from airflow_provider_kling.exceptions import (
    KlingContentPolicyError,
    KlingError,
    KlingNoFaceError,
    KlingStorageError,
    KlingTaskFailedError,
)
from airflow_provider_kling.models import stored_model
from airflow_provider_kling.operators.paid_submissions import PaidSubmissions
from airflow_provider_kling.operators.record import submitted_name
from airflow_provider_kling.operators.state_files import state_store_of
from airflow_provider_kling.products import prices
from airflow_provider_kling.utils.untrusted import reason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow.sdk import Context

    from airflow_provider_kling.operators.base import KlingBaseOperator
    from airflow_provider_kling.operators.cap import Cap
    from airflow_provider_kling.products.product import Product


#: Errors of tasks that Kling has not charged, beside its refusals.
_UNCHARGED = (KlingTaskFailedError, KlingContentPolicyError, KlingNoFaceError)


class PlannedCost(NamedTuple):
    """
    What is about to be paid.

    :param name: of the logical submission; the same in every try.
    :param usd: at list price; ``None`` when that is not known.
    :param text: the cost in words for an error.
    :param details: what the XCom says besides.
    """

    name: str
    usd: Decimal | None
    text: str
    details: dict[str, Any]


def planned_cost_of_task(name: str, product: Product, body: Mapping[str, Any], cost: prices.Estimate) -> PlannedCost:
    """
    Return what one task costs by the price list.

    :param name: its ``external_task_id``.
    :param product: what is asked for.
    :param body: the checked request.
    :param cost: of it, and of what is paid with it.
    """
    units = None if cost.units is None else str(cost.units)
    details = {"units": units, "endpoint": product.endpoint, "model_name": stored_model(body.get("model_name"))}
    return PlannedCost(name, cost.usd, str(cost), details)


def planned_cost_of_batch(name: str, product: Product, total: prices.Total, max_units: float | None) -> PlannedCost:
    """
    Return the most that a batch costs by the price list, or by its own limit.

    :param name: its id.
    :param product: what it makes.
    :param total: of its items.
    :param max_units: its limit.
    """
    from airflow_provider_kling.submission.budget import BATCH

    known = [] if total.unknown else [total.usd]
    if max_units is not None:
        known.append(prices.usd_of(product, Decimal(str(max_units))))
    units = None if total.units is None or total.unknown else str(total.units)
    details = {"units": units, "endpoint": product.endpoint, "model_name": BATCH}
    return PlannedCost(name, min(known, default=None), str(total), details)


class Spending:
    """
    What one task is about to spend, beside the other tasks of its Dag run and of its connection.

    :param operator: the one that submits.
    :param context: Airflow's context.
    :param planned: what it is about to pay.
    :param max_run_usd: cap of the Dag run.
    """

    def __init__(
        self, operator: KlingBaseOperator, context: Context, planned: PlannedCost, max_run_usd: float | None
    ) -> None:
        self._operator = operator
        self._planned = planned
        self._is_permitted = False
        self._days: dict[date, Cap] = {}
        self._run: Cap | None = None
        self._is_capped = max_run_usd is not None
        self._paid = PaidSubmissions(state_store_of(operator, context))
        if self._is_capped or is_cost_read(context):
            self._run = self._run_cap(context, max_run_usd)

    def _run_cap(self, context: Context, max_run_usd: float | None) -> Cap:
        # Without any cap, a fresh process does not pay 3 ms for what keeps one.
        from airflow_provider_kling.operators.cap import Cap
        from airflow_provider_kling.operators.reservations import RunReservations
        from airflow_provider_kling.submission.budget import Reservation, ReservationState

        planned, before = self._planned, self._paid_before()
        usd = None if planned.usd is None or before is None else planned.usd + before
        earlier = {} if before == 0 else {"earlier": None if before is None else str(before)}
        details = {**planned.details, "name": planned.name, **earlier}
        reservation = Reservation(_owner(context), ReservationState.ASKING, usd)
        return Cap(
            "max_run_usd",
            "this Dag run",
            max_run_usd,
            reservation,
            RunReservations(context, details),
            paid_before=before,
            unknown_before=self._unknown_before() if before is None else "",
        )

    def _paid_before(self) -> Decimal | None:
        try:
            return self._paid.total_without(self._planned.name)
        except Exception as error:  # noqa: BLE001 - whatever a state store or a storage raises
            self._on_store_error(error)
            return Decimal(0)

    def _unknown_before(self) -> str:
        damaged = self._paid.damaged
        if damaged is None:
            return (
                "Leave max_run_usd out: nothing was sent, because a price of what this task paid before a Clear is not "
                "known."
            )
        return (
            f"Look what this task paid, then remove {damaged.name}: max_run_usd counts what was paid before a Clear, "
            f"and that file is damaged. Nothing was sent. {damaged.words}."
        )

    def restore(self, *, is_permitted: bool) -> None:
        """
        Write the reservation of an earlier try again, before anything else.

        :param is_permitted: whether this try was permitted to pay, and only waited for a slot.
        """
        self._is_permitted = is_permitted
        # A refusal of the look-up that follows says nothing about what the earlier try sent.
        self._operator.may_be_paid = True
        if self._run:
            from airflow_provider_kling.submission.budget import ReservationState

            self._warn_unless_capped(self._run.write, ReservationState.SPENT)

    def permit(self) -> None:
        """
        Reserve what the task is about to pay; called before each paid call.

        :raises KlingBudgetError: when it would bring its Dag run or its connection above a cap.
        :raises KlingStorageError: when the reservations cannot be written or read, or the others do not decide.
        """
        # Whoever is about to pay has looked.
        self._operator.may_be_paid = False
        day = self._reserve_day()
        if self._is_permitted:
            return
        if self._run:
            try:
                self._warn_unless_capped(self._run.reserve, self._planned.text)
                self._add_to_paid()
            except KlingError:
                if day:
                    day.release()
                raise
        self._is_permitted = True

    def _add_to_paid(self) -> None:
        try:
            self._paid.add(self._planned.name, self._planned.usd)
        except Exception as error:  # noqa: BLE001 - whatever a state store or a storage raises
            self._on_store_error(error)

    def _on_store_error(self, error: Exception) -> None:
        """Under a cap it must be known what this task paid before a Clear; without one a warning is enough."""
        if self._is_capped:
            raise KlingStorageError(
                f"Retry when the task state store answers: nothing was sent. max_run_usd needs it. {reason(error)}"
            ) from None
        self._operator.log.warning("What this task paid before a Clear is not counted: %s", reason(error))

    @property
    def is_settled(self) -> bool:
        """Whether the other tasks of the run need not be asked any more: it may pay, or the run has no cap."""
        return self._is_permitted or not self._is_capped

    def _reserve_day(self) -> Cap | None:
        """Reserve for today, once: a task that waited for a slot over midnight pays on another day."""
        settings, today = self._operator.hook.settings, datetime.now(UTC).date()
        if settings.max_usd_per_day is None or today in self._days:
            return None
        from airflow_provider_kling.operators.cap import Cap
        from airflow_provider_kling.operators.reservations import DayReservations
        from airflow_provider_kling.submission.budget import Reservation, ReservationState

        reservation = Reservation((self._planned.name, -1), ReservationState.ASKING, self._planned.usd)
        reservations = DayReservations(settings.budget_uri, today)
        scope = "this connection today (UTC)"
        day = Cap("max_usd_per_day", scope, settings.max_usd_per_day, reservation, reservations)
        day.reserve(self._planned.text)
        self._days[today] = day
        return day

    def _warn_unless_capped(self, function: Callable[..., None], *arguments: Any) -> None:
        """A reservation that only other tasks need must not fail this one."""
        try:
            function(*arguments)
        except KlingStorageError as error:
            if self._is_capped:
                raise
            from airflow_provider_kling.operators.reservations import KEY

            self._operator.log.warning("The XCom %s was not pushed, the task goes on: %s", KEY, error.message)


def is_cost_read(context: Context) -> bool:
    """
    Whether any task of the Dag reads what its Kling tasks cost: one with a cap, or a summary.

    :param context: Airflow's context.
    """
    return any(_reads_costs(task) for task in getattr(context.get("dag"), "tasks", ()))


def _reads_costs(task: Any) -> bool:
    if getattr(task, "reads_costs", False):
        return True
    given = (getattr(task, "partial_kwargs", {}), getattr(getattr(task, "expand_input", None), "value", {}))
    is_mapped_with_cap = any(isinstance(kwargs, Mapping) and kwargs.get("max_run_usd") is not None for kwargs in given)
    if not is_mapped_with_cap and getattr(task, "max_run_usd", None) is None:
        return False
    from airflow_provider_kling.operators.reservations import is_kling_task

    return is_kling_task(task)


@contextlib.contextmanager
def released_when_not_charged(operator: KlingBaseOperator, context: Context) -> Iterator[None]:
    """
    Release a task's reservations when it fails with an error that says it is not charged, and nothing else is in doubt.

    :param operator: the one that may fail.
    :param context: Airflow's context.
    """
    try:
        yield
    except KlingError as error:
        is_uncharged = error.refused_for_sure or isinstance(error, _UNCHARGED)
        if is_uncharged and not operator.may_be_paid:
            _release(operator, context)
        raise


def _release(operator: KlingBaseOperator, context: Context) -> None:
    """Give back what is not paid; what the task paid before a Clear stays paid, and what it pays for besides."""
    from airflow_provider_kling.operators.reservations import KEY
    from airflow_provider_kling.submission.budget import ReservationState

    ti = context["ti"]
    paid: Decimal | None = getattr(operator, "paid_besides", Decimal(0))
    try:
        stored = ti.xcom_pull(task_ids=ti.task_id, key=KEY, map_indexes=ti.map_index)
        if isinstance(stored, dict) and stored.get("state") == ReservationState.SPENT.value:
            earlier = values.number(stored["earlier"]) if "earlier" in stored else Decimal(0)
            rest = None if earlier is None or paid is None else earlier + paid
            is_free = rest == 0
            change = {"state": ReservationState.FREE.value} if is_free else {"usd": None if rest is None else str(rest)}
            ti.xcom_push(key=KEY, value={**stored, **change})
            PaidSubmissions(state_store_of(operator, context)).set(str(stored.get("name")), paid)
        _release_day(operator, context, paid)
    except Exception as problem:  # noqa: BLE001 - the task fails for another reason
        operator.log.warning("The budget still counts this task as paid: %s", reason(problem))


def _release_day(operator: KlingBaseOperator, context: Context, paid: Decimal | None) -> None:
    """The reservation of the day has the name of the submission, as the task's XCom or this process knows it."""
    settings = operator.hook.settings
    name = getattr(operator, "submission_name", "") or submitted_name(context)
    if settings.max_usd_per_day is None or not name or paid is None:
        return
    from airflow_provider_kling.operators.reservations import DayReservations

    DayReservations(settings.budget_uri, datetime.now(UTC).date()).reduce((name, -1), paid)


def _owner(context: Context) -> tuple[str, int]:
    ti = context["ti"]
    return ti.task_id, -1 if ti.map_index is None else ti.map_index
