"""One cap in US dollars, and the protocol by which a task reserves an amount below it."""

from __future__ import annotations

import random
import time
from decimal import Decimal
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from airflow_provider_kling.exceptions import KlingBudgetError, KlingStorageError
from airflow_provider_kling.submission.budget import Decision, ReservationState, ReservedByOthers, decide
from airflow_provider_kling.utils.untrusted import reason

if TYPE_CHECKING:
    from airflow_provider_kling.operators.reservations import Reservations
    from airflow_provider_kling.submission.budget import Reservation


class ReservationPace(NamedTuple):
    """
    How tasks wait for each other that are about to pay at the same time.

    :param patience: seconds that a task waits for the others to decide; default 120.
    :param pause: seconds between two reads of their reservations, give or take a half; default 0.5.
    """

    patience: float = 120.0
    pause: float = 0.5


class Cap:
    """
    A cap, and the reservations that count for it.

    :param argument: name of the argument or extra that sets it.
    :param scope: what it limits, in words for an error.
    :param usd: US dollars; ``None`` when there is no cap, and the reservation is for other tasks only.
    :param reservation: of the task that is about to pay.
    :param reservations: of all tasks.
    :param paid_before: US dollars of this reservation that the task has paid already; ``None`` when that is not known.
    :param unknown_before: then, what to do about that: a sentence.
    """

    pace: ClassVar[ReservationPace] = ReservationPace()

    def __init__(
        self,
        argument: str,
        scope: str,
        usd: float | None,
        reservation: Reservation,
        reservations: Reservations,
        *,
        paid_before: Decimal | None = Decimal(0),
        unknown_before: str = "",
    ) -> None:
        self._argument = argument
        self._scope = scope
        self._usd = None if usd is None else Decimal(str(usd))
        self._own = reservation
        self._reservations = reservations
        self._paid_before = paid_before
        self._unknown_before = unknown_before

    def reserve(self, cost: str) -> None:
        """
        Reserve the amount; the task may pay then.

        :param cost: what it pays, in words for an error.
        :raises KlingBudgetError: when it would be above the cap.
        :raises KlingStorageError: when the reservations cannot be written or read, or the others do not decide.
        """
        if self._usd is None:
            return self.write(ReservationState.SPENT)
        self.write(ReservationState.ASKING)
        give_up_at = time.monotonic() + self.pace.patience
        while True:
            others = ReservedByOthers.of(self._read(), self._own)
            match decide(self._usd, self._own, others):
                case Decision.PAY:
                    return self.write(ReservationState.SPENT)
                case Decision.REFUSE:
                    refusal = self._refusal(cost, others)
                    self.release()
                    raise refusal
                case Decision.YIELD:
                    self.write(ReservationState.YIELDING)
                case Decision.ASK:
                    self.write(ReservationState.ASKING)
                    continue
            if time.monotonic() > give_up_at:
                self.release()
                raise KlingStorageError(
                    "Retry when the other Kling tasks have decided: nothing was sent. They asked for the rest of "
                    f"{self._argument} at the same time, and did not answer for {self.pace.patience:.0f} s."
                )
            time.sleep(self.pace.pause * (0.5 + random.random()))  # noqa: S311 - spreads load, guards nothing

    def release(self) -> None:
        """Give the amount back: the task pays nothing now. What it paid before stays reserved."""
        if self._paid_before == 0:
            return self.write(ReservationState.FREE)
        # Also an unknown amount: the others must not count this task as free.
        self._own = self._own._replace(usd=self._paid_before)
        self.write(ReservationState.SPENT)

    def write(self, state: ReservationState) -> None:
        """
        Write the task's reservation in place of its last one.

        :param state: what the task is doing.
        :raises KlingStorageError: when it cannot be written.
        """
        self._own = self._own._replace(state=state)
        try:
            self._reservations.write(self._own)
        except Exception as error:  # noqa: BLE001 - whatever an XCom backend or a storage raises
            raise self._unusable(error) from None

    def _read(self) -> list[Reservation]:
        try:
            return self._reservations.read()
        except Exception as error:  # noqa: BLE001 - whatever an XCom backend or a storage raises
            raise self._unusable(error) from None

    def _refusal(self, cost: str, others: ReservedByOthers) -> KlingBudgetError:
        if self._paid_before is None:
            return KlingBudgetError(self._unknown_before)
        if self._own.usd is None:
            why = f"what this request costs is unknown: {cost}"
        elif others.unknown:
            why = f"what other Kling tasks cost is unknown ({others.unknown} of them)"
        else:
            own = f", ${self._paid_before:.2f} were paid by this task before a Clear" if self._paid_before else ""
            return KlingBudgetError(
                f"Raise {self._argument}, or ask for less: nothing was sent. This request costs {cost}; of "
                f"${self._usd:f} for {self._scope}, ${others.spent:.2f} are spent or committed by others{own}."
            )
        return KlingBudgetError(f"Leave {self._argument} out, or use known prices: nothing was sent, because {why}.")

    def _unusable(self, error: Exception) -> KlingStorageError:
        return KlingStorageError(
            f"Retry when the reservations of {self._argument} can be read and written: nothing was sent. "
            f"{reason(error)}"
        )
