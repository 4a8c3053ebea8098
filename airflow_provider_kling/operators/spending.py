"""
Whether a task may spend what it is about to: caps for its Dag run and for a day of its connection.

Only Dags in which somebody reads the notes of a run have them. Airflow deletes a task's XComs when a retry of it
begins; so a retry writes its note again before it does anything else.
"""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from airflow_provider_kling.exceptions import (
    KlingBudgetError,
    KlingContentPolicyError,
    KlingError,
    KlingStorageError,
    KlingTaskFailedError,
)
from airflow_provider_kling.operators.notes import KEY, DayNotes, RunNotes, is_kling_task
from airflow_provider_kling.operators.record import submitted_name
from airflow_provider_kling.operators.state_files import store_of
from airflow_provider_kling.operators.takes import Takes
from airflow_provider_kling.products import prices
from airflow_provider_kling.submission.budget import BATCH, Answer, Ledger, Note, State, decide
from airflow_provider_kling.utils.foreign import foreign_text, reason

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow.sdk import Context

    from airflow_provider_kling.operators.base import KlingBaseOperator
    from airflow_provider_kling.operators.notes import Notes
    from airflow_provider_kling.products.product import Product


class AskingPace(NamedTuple):
    """
    How tasks ask that are about to pay at the same time.

    :param patience: seconds that one waits for the others to decide; default 120.
    :param pause: seconds between two looks at their notes, give or take a half; default 0.5.
    """

    patience: float = 120.0
    pause: float = 0.5


_NOTHING = Decimal(0)


class Plan(NamedTuple):
    """
    What is about to be paid.

    :param name: of the logical submission; the same in every try.
    :param usd: at list price; ``None`` when that is not known.
    :param words: for a sentence.
    :param facts: what the XCom says besides.
    """

    name: str
    usd: Decimal | None
    words: str
    facts: dict[str, Any]


def plan_of_task(name: str, product: Product, body: Mapping[str, Any], cost: prices.Estimate) -> Plan:
    """
    Return what one task costs by the price list.

    :param name: its ``external_task_id``.
    :param product: what is asked for.
    :param body: the checked request.
    :param cost: of it, and of what is paid with it.
    """
    units = None if cost.units is None else str(cost.units)
    model = foreign_text(body.get("model_name") or "", 80)
    return Plan(name, cost.usd, str(cost), {"units": units, "endpoint": product.endpoint, "model_name": model})


def plan_of_batch(name: str, product: Product, total: prices.Total, max_units: float | None) -> Plan:
    """
    Return the most that a batch costs by the price list, or by its own limit.

    :param name: its id.
    :param product: what it makes.
    :param total: of its items.
    :param max_units: its limit.
    """
    known = [] if total.unknown else [total.usd]
    if max_units is not None:
        known.append(prices.usd_of(product, Decimal(str(max_units))))
    units = None if total.units is None or total.unknown else str(total.units)
    facts = {"units": units, "endpoint": product.endpoint, "model_name": BATCH}
    return Plan(name, min(known, default=None), str(total), facts)


class Cap:
    """
    One cap, and the notes that count for it.

    :param argument: what it is called where it is given.
    :param scope: whose it is, for a sentence.
    :param usd: US dollars; ``None`` when nothing is capped, and the note is only for others.
    :param note: of the task that is about to pay.
    :param notes: of all.
    :param before: US dollars in its note that the task has paid already.
    """

    pace: ClassVar[AskingPace] = AskingPace()

    def __init__(
        self, argument: str, scope: str, usd: float | None, note: Note, notes: Notes, *, before: Decimal = _NOTHING
    ) -> None:
        self._argument = argument
        self._scope = scope
        self._usd = None if usd is None else Decimal(str(usd))
        self._note = note
        self._notes = notes
        self._before = before

    def ask(self, words: str) -> None:
        """
        Note that the task pays now.

        :param words: what it pays.
        :raises KlingBudgetError: when it would be above the cap.
        :raises KlingStorageError: when the notes cannot be written or read, or others do not decide.
        """
        if self._usd is None:
            return self.note(State.SPENT)
        self.note(State.ASKING)
        until = time.monotonic() + self.pace.patience
        while True:
            ledger = Ledger.of(self._read(), self._note)
            match decide(self._usd, self._note, ledger):
                case Answer.PAY:
                    return self.note(State.SPENT)
                case Answer.REFUSE:
                    self.free()
                    raise self._refusal(words, ledger)
                case Answer.YIELD:
                    self.note(State.YIELDING)
                case Answer.ASK:
                    self.note(State.ASKING)
                    continue
            if time.monotonic() > until:
                self.free()
                raise KlingStorageError(
                    "Retry when the other Kling tasks have decided: nothing was sent. They asked for the rest of "
                    f"{self._argument} at the same time, and did not answer for {self.pace.patience:.0f} s."
                )
            time.sleep(self.pace.pause * (0.5 + random.random()))  # noqa: S311 - spreads load, guards nothing

    def free(self) -> None:
        """Note that the task pays nothing now; what it has paid before stays."""
        if self._before:
            self._note = self._note._replace(usd=self._before)
        self.note(State.SPENT if self._before else State.FREE)

    def note(self, state: State) -> None:
        """
        Replace one's own note.

        :param state: what the task is doing.
        :raises KlingStorageError: when there is a cap and the note cannot be written.
        """
        self._note = self._note._replace(state=state)
        try:
            self._notes.write(self._note)
        except Exception as error:  # noqa: BLE001 - whatever an XCom backend or a storage raises
            raise self._unusable(error) from None

    def _read(self) -> list[Note]:
        try:
            return self._notes.read()
        except Exception as error:  # noqa: BLE001 - whatever an XCom backend or a storage raises
            raise self._unusable(error) from None

    def _refusal(self, words: str, ledger: Ledger) -> KlingBudgetError:
        if self._note.usd is None:
            why = f"what this request costs is unknown: {words}"
        elif ledger.unknown:
            why = f"what other Kling tasks cost is unknown ({ledger.unknown} of them)"
        else:
            own = f", ${self._before:.2f} were paid by this task before a Clear" if self._before else ""
            return KlingBudgetError(
                f"Raise {self._argument}, or ask for less: nothing was sent. This request costs {words}; of "
                f"${self._usd:f} for {self._scope}, ${ledger.spent:.2f} are spent or committed by others{own}."
            )
        return KlingBudgetError(f"Leave {self._argument} out, or use known prices: nothing was sent, because {why}.")

    def _unusable(self, error: Exception) -> KlingStorageError:
        return KlingStorageError(
            f"Retry when the notes of {self._argument} can be read and written: nothing was sent. {reason(error)}"
        )


class Spending:
    """
    What one task is about to spend, beside the other tasks of its Dag run and of its connection.

    :param operator: the one that submits.
    :param context: Airflow's context.
    :param plan: what it is about to pay.
    :param max_run_usd: cap of the Dag run.
    """

    def __init__(self, operator: KlingBaseOperator, context: Context, plan: Plan, max_run_usd: float | None) -> None:
        self._operator = operator
        self._plan = plan
        self._is_permitted = False
        self._days: dict[date, Cap] = {}
        self._run: Cap | None = None
        self._is_capped = max_run_usd is not None
        self._takes = Takes(store_of(operator, context))
        if self._is_capped or is_read(context):
            earlier = self._earlier()
            usd = None if plan.usd is None or earlier is None else plan.usd + earlier
            facts = {**plan.facts, "name": plan.name, **({"earlier": str(earlier)} if earlier else {})}
            note = Note(_owner(context), State.ASKING, usd)
            notes = RunNotes(context, facts)
            before = earlier or _NOTHING
            self._run = Cap("max_run_usd", "this Dag run", max_run_usd, note, notes, before=before)

    def _earlier(self) -> Decimal | None:
        try:
            return self._takes.besides(self._plan.name)
        except Exception as error:  # noqa: BLE001 - whatever a state store or a storage raises
            self._complain(error)
            return Decimal(0)

    def go_on(self, *, is_permitted: bool) -> None:
        """
        Note again what an earlier try may have paid for, before anything else.

        :param is_permitted: whether this try was permitted to pay, and only waited for a slot.
        """
        self._is_permitted = is_permitted
        if self._run:
            self._tolerant(self._run.note, State.SPENT)

    def permit(self) -> None:
        """
        Note that the task pays now.

        :raises KlingBudgetError: when it would bring its Dag run or its connection above a cap.
        :raises KlingStorageError: when the notes cannot be written or read, or others do not decide.
        """
        day = self._ask_day()
        if self._is_permitted:
            return
        if self._run:
            try:
                self._tolerant(self._run.ask, self._plan.words)
                self._keep_take()
            except KlingError:
                if day:
                    day.free()
                raise
        self._is_permitted = True

    def _keep_take(self) -> None:
        try:
            self._takes.add(self._plan.name, self._plan.usd)
        except Exception as error:  # noqa: BLE001 - whatever a state store or a storage raises
            self._complain(error)

    def _complain(self, error: Exception) -> None:
        """Whoever does not know what this task has paid before a Clear may not pay under a cap."""
        if self._is_capped:
            raise KlingStorageError(
                f"Retry when the task state store answers: nothing was sent. max_run_usd needs it. {reason(error)}"
            ) from None
        self._operator.log.warning("What this task paid before a Clear is not counted: %s", reason(error))

    def _ask_day(self) -> Cap | None:
        """Ask for today, once: who waited for a slot over midnight pays on another day."""
        settings, today = self._operator.hook.settings, datetime.now(UTC).date()
        if settings.max_usd_per_day is None or today in self._days:
            return None
        note = Note((self._plan.name, -1), State.ASKING, self._plan.usd)
        notes = DayNotes(settings.budget_uri, today)
        day = Cap("max_usd_per_day", "this connection today (UTC)", settings.max_usd_per_day, note, notes)
        day.ask(self._plan.words)
        self._days[today] = day
        return day

    def _tolerant(self, act: Any, *words: Any) -> None:
        """A note that is only for others may fail."""
        try:
            act(*words)
        except KlingStorageError as error:
            if self._is_capped:
                raise
            self._operator.log.warning("The XCom %s was not pushed, the task goes on: %s", KEY, error.message)


def is_read(context: Context) -> bool:
    """
    Whether anybody in the Dag asks what its tasks cost.

    :param context: Airflow's context.
    """
    return any(_asks(task) for task in getattr(context.get("dag"), "tasks", ()))


def _asks(task: Any) -> bool:
    given = (getattr(task, "partial_kwargs", {}), getattr(getattr(task, "expand_input", None), "value", {}))
    mapped = any(isinstance(words, Mapping) and words.get("max_run_usd") is not None for words in given)
    if getattr(task, "reads_costs", False):
        return True
    return is_kling_task(task) and (mapped or getattr(task, "max_run_usd", None) is not None)


@contextlib.contextmanager
def freed_when_not_charged(operator: KlingBaseOperator, context: Context) -> Iterator[None]:
    """
    Note that a task is not charged after all, when it fails with an error that says so, and nothing else is in doubt.

    :param operator: the one that may fail.
    :param context: Airflow's context.
    """
    try:
        yield
    except KlingError as error:
        ended = error.refused_for_sure or isinstance(error, (KlingTaskFailedError, KlingContentPolicyError))
        if ended and not getattr(operator, "may_be_paid", False):
            _free(operator, context)
        raise


def _free(operator: KlingBaseOperator, context: Context) -> None:
    ti = context["ti"]
    try:
        kept = ti.xcom_pull(task_ids=ti.task_id, key=KEY, map_indexes=ti.map_index)
        if isinstance(kept, dict) and kept.get("state") == State.SPENT.value:
            # What it paid before a Clear stays paid.
            left = {"usd": kept["earlier"]} if "earlier" in kept else {"state": State.FREE.value}
            ti.xcom_push(key=KEY, value={**kept, **left})
            Takes(store_of(operator, context)).remove(str(kept.get("name")))
        _free_day(operator, context)
    except Exception as problem:  # noqa: BLE001 - the task fails for another reason
        operator.log.warning("The notes of the budget still say that this task is paid: %s", reason(problem))


def _free_day(operator: KlingBaseOperator, context: Context) -> None:
    """The note of the day has the name that the submission has in the task's XCom, or had in this process."""
    settings = operator.hook.settings
    if settings.max_usd_per_day is None:
        return
    name = getattr(operator, "submission_name", "") or submitted_name(context)
    if name:
        DayNotes(settings.budget_uri, datetime.now(UTC).date()).free((name, -1))


def _owner(context: Context) -> tuple[str, int]:
    ti = context["ti"]
    return ti.task_id, -1 if ti.map_index is None else ti.map_index
