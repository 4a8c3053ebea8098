"""
What the tasks of a Dag run spend together: each notes it as the XCom ``planned_cost``, and may be refused by a cap.

Only Dags in which somebody reads the notes have them. Airflow deletes a task's XComs when a retry of it begins; so a
retry writes its note again before it does anything else.
"""

from __future__ import annotations

import dataclasses
import random
import time
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from airflow_provider_kling.exceptions import (
    KlingBudgetError,
    KlingContentPolicyError,
    KlingError,
    KlingStorageError,
    KlingTaskFailedError,
)
from airflow_provider_kling.operators.base import KlingBaseOperator
from airflow_provider_kling.products import prices
from airflow_provider_kling.submission.budget import Answer, Ledger, Note, State, decide
from airflow_provider_kling.utils.foreign import foreign_text, reason

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator, Context

    from airflow_provider_kling.operators.task import KlingTaskOperator

#: Key of the XCom.
KEY = "planned_cost"

#: Seconds that a task waits for others that ask at the same moment, and between two looks at them.
PATIENCE = 120.0
PAUSE = 0.5


class Spending:
    """
    What one task is about to spend, beside the other tasks of its Dag run.

    :param operator: the one that submits.
    :param context: Airflow's context.
    :param body: the checked request.
    """

    def __init__(self, operator: KlingTaskOperator, context: Context, body: Mapping[str, Any]) -> None:
        self._operator = operator
        self._context = context
        self._cost = prices.estimate(operator.product, body)
        self._facts = {
            "units": None if self._cost.units is None else str(self._cost.units),
            "endpoint": operator.endpoint,
            "model_name": foreign_text(body.get("model_name") or "", 80),
        }
        self._note = Note(_owner(context), State.ASKING, self._cost.usd)
        self._is_permitted = False
        self._is_noted = self._cap is not None or is_read(context)

    def go_on(self, *, is_permitted: bool) -> None:
        """
        Note again what an earlier try may have paid for, before anything else.

        :param is_permitted: whether this try was permitted to pay, and only waited for a slot.
        """
        self._is_permitted = is_permitted
        self._write(State.SPENT, must=self._cap is not None)

    def permit(self) -> None:
        """
        Note that the task pays now.

        :raises KlingBudgetError: when it would bring the Dag run above its cap.
        :raises KlingStorageError: when the XComs cannot be written or read, or others do not decide.
        """
        if self._is_permitted:
            return
        if self._cap is None:
            self._write(State.SPENT, must=False)
        else:
            self._ask(self._cap)
        self._is_permitted = True

    @property
    def _cap(self) -> Decimal | None:
        cap = self._operator.max_run_usd
        return None if cap is None else Decimal(str(cap))

    def _ask(self, cap: Decimal) -> None:
        self._write(State.ASKING, must=True)
        until = time.monotonic() + PATIENCE
        while True:
            ledger = Ledger.of(self._read(), self._note)
            match decide(cap, self._note, ledger):
                case Answer.PAY:
                    return self._write(State.SPENT, must=True)
                case Answer.REFUSE:
                    self._write(State.FREE, must=False)
                    raise _refusal(cap, self._cost, ledger)
                case Answer.YIELD:
                    self._write(State.YIELDING, must=True)
                case Answer.ASK:
                    self._write(State.ASKING, must=True)
                    continue
            if time.monotonic() > until:
                self._write(State.FREE, must=False)
                raise KlingStorageError(
                    "Retry when the other Kling tasks of this run have decided: nothing was sent. They asked for the "
                    f"rest of max_run_usd at the same time, and did not answer for {PATIENCE:.0f} s."
                )
            time.sleep(PAUSE * (0.5 + random.random()))  # noqa: S311 - no secret

    def _write(self, state: State, *, must: bool) -> None:
        self._note = dataclasses.replace(self._note, state=state)
        if not self._is_noted:
            return
        try:
            self._context["ti"].xcom_push(key=KEY, value={**self._note.record(), **self._facts})
        except Exception as error:  # noqa: BLE001 - whatever an XCom backend raises
            if must:
                raise _unusable(error) from None
            self._operator.log.warning("The XCom %s was not pushed, the task goes on: %s", KEY, reason(error))

    def _read(self) -> list[Note]:
        try:
            return [note for kept in planned_costs(self._context) if (note := Note.read(kept))]
        except Exception as error:  # noqa: BLE001 - whatever an XCom backend raises
            raise _unusable(error) from None


def planned_costs(context: Context) -> list[Any]:
    """
    Return what all Kling tasks of a Dag run have noted.

    :param context: Airflow's context.
    """
    return list(context["ti"].xcom_pull(task_ids=kling_tasks(context), key=KEY) or ())


def kling_tasks(context: Context) -> list[str]:
    """
    Return the ids of a Dag's tasks that pay at Kling.

    :param context: Airflow's context.
    """
    return [task.task_id for task in getattr(context.get("dag"), "tasks", ()) if is_kling_task(task)]


def is_read(context: Context) -> bool:
    """
    Whether anybody in the Dag asks what its tasks cost.

    :param context: Airflow's context.
    """
    return any(_asks(task) for task in getattr(context.get("dag"), "tasks", ()))


def _asks(task: Any) -> bool:
    given = (getattr(task, "partial_kwargs", {}), getattr(getattr(task, "expand_input", None), "value", {}))
    mapped = any(isinstance(words, Mapping) and words.get("max_run_usd") is not None for words in given)
    return is_kling_task(task) and (mapped or getattr(task, "max_run_usd", None) is not None)


def is_kling_task(task: Any) -> bool:
    """
    Whether a task of a Dag is one of this package that pays, mapped or not.

    :param task: an operator.
    """
    kind = getattr(task, "operator_class", None)
    return issubclass(kind if isinstance(kind, type) else type(task), KlingBaseOperator)


def free(operator: BaseOperator, context: Context, error: KlingError) -> None:
    """
    Note that a task is not charged after all; it never raises.

    :param operator: the one that failed.
    :param context: Airflow's context.
    :param error: why.
    """
    if not (error.refused_for_sure or isinstance(error, (KlingTaskFailedError, KlingContentPolicyError))):
        return
    ti = context["ti"]
    try:
        kept = ti.xcom_pull(task_ids=ti.task_id, key=KEY, map_indexes=ti.map_index)
        if isinstance(kept, dict) and kept.get("state") == State.SPENT.value:
            ti.xcom_push(key=KEY, value={**kept, "state": State.FREE.value})
    except Exception as problem:  # noqa: BLE001 - the task fails for another reason
        operator.log.warning("The XCom %s still says that this task is paid: %s", KEY, reason(problem))


def _owner(context: Context) -> tuple[str, int]:
    ti = context["ti"]
    return ti.task_id, -1 if ti.map_index is None else ti.map_index


def _refusal(cap: Decimal, cost: prices.Estimate, ledger: Ledger) -> KlingBudgetError:
    spent = f"of ${cap:f} for this Dag run, ${ledger.spent:.2f} are spent or committed by its other Kling tasks"
    if cost.usd is None:
        why = f"what this request costs is unknown (price list of {cost.as_of})"
    elif ledger.unknown:
        why = f"what other Kling tasks of this run cost is unknown ({ledger.unknown} of them)"
    else:
        return KlingBudgetError(
            f"Raise max_run_usd, or ask for less: nothing was sent. This request costs {cost}; {spent}."
        )
    return KlingBudgetError(f"Leave max_run_usd out, or use known prices: nothing was sent, because {why}.")


def _unusable(error: Exception) -> KlingStorageError:
    return KlingStorageError(
        f"Retry when Airflow's XComs answer: nothing was sent. max_run_usd cannot be kept without them. {reason(error)}"
    )
