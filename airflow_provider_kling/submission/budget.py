"""
Whether a request may be paid within a cap that several tasks share. Pure: the reservations of the others are passed in.

Every task writes a reservation of what it is about to spend before it reads those of the others. It pays only when all
of them fit below the cap together. Of two tasks, the one that writes later sees the other's reservation: so the cap
holds without a lock, in as many processes as there are. When several tasks ask at the same time for more than is left,
those with a higher owner yield until the others have decided.
"""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from airflow_provider_kling.api import values

if TYPE_CHECKING:
    from collections.abc import Iterable


#: Stands in a reservation for the model of a batch, whose items may have several.
BATCH = "batch"


class ReservationState(StrEnum):
    """What the task of a reservation is doing. The values are stored, so they stay."""

    #: It asks whether it may pay. The amount counts, because it may.
    ASKING = "asking"
    #: It lets other tasks decide first. The amount does not count.
    YIELDING = "yielding"
    #: It pays, or has paid.
    SPENT = "spent"
    #: It paid nothing.
    FREE = "free"


class Decision(StrEnum):
    """What the task does next."""

    PAY = "pay"
    REFUSE = "refuse"
    #: Write that it yields, and read again.
    YIELD = "yield"
    #: Write that it asks, and read again.
    ASK = "ask"
    #: Read again later.
    WAIT = "wait"


class Reservation(NamedTuple):
    """
    What one task is about to spend, or has spent.

    :param owner: Airflow's task id and map index; of two that ask, the lower owner decides first.
    :param state: what the task is doing.
    :param usd: at the list price; ``None`` when that is not known.
    """

    owner: tuple[str, int]
    state: ReservationState
    usd: Decimal | None

    def to_dict(self) -> dict[str, Any]:
        """Return what is stored; JSON."""
        return {
            "task": self.owner[0],
            "map_index": self.owner[1],
            "state": self.state.value,
            "usd": None if self.usd is None else str(self.usd),
        }

    @classmethod
    def from_dict(cls, stored: Any) -> Reservation | None:
        """
        Return the reservation that was stored; ``None`` when it cannot be read.

        :param stored: from :meth:`to_dict`, perhaps of another version of this package.
        """
        try:
            task, map_index, state = stored["task"], stored["map_index"], ReservationState(stored["state"])
            usd, amount = stored["usd"], values.amount(stored["usd"])
        except (TypeError, KeyError, ValueError):
            return None
        # Of an amount beyond any price the sum may overflow, and a sentence about it has a million digits.
        if not isinstance(task, str) or type(map_index) is not int or (usd is not None and not amount):
            return None
        return cls((task, map_index), state, Decimal(amount) if amount else None)


class ReservedByOthers(NamedTuple):
    """
    The sum of the other tasks' reservations.

    :param spent: US dollars, without those of unknown price.
    :param unknown: how many tasks pay, or ask, for something without a known price.
    :param asking: the reservations of the tasks that ask.
    """

    spent: Decimal
    unknown: int
    asking: tuple[Reservation, ...]

    @classmethod
    def of(cls, reservations: Iterable[Reservation], own: Reservation) -> ReservedByOthers:
        """
        Sum up the reservations of the others.

        :param reservations: of all tasks.
        :param own: that of the task that asks; it is left out.
        """
        counted = (ReservationState.ASKING, ReservationState.SPENT)
        others = [each for each in reservations if each.owner != own.owner and each.state in counted]
        known = [each for each in others if each.usd is not None]
        spent = sum((each.usd or Decimal(0) for each in known if each.state is ReservationState.SPENT), Decimal(0))
        asking = tuple(each for each in known if each.state is ReservationState.ASKING)
        return cls(spent, len(others) - len(known), asking)


def decide(cap: Decimal, own: Reservation, others: ReservedByOthers) -> Decision:
    """
    Return what a task that wants to pay does next.

    :param cap: US dollars for all tasks together.
    :param own: its reservation, which was written before those of the others were read.
    :param others: what the others have reserved.
    """
    if own.usd is None or others.unknown or others.spent + own.usd > cap:
        return Decision.REFUSE
    is_another_first = any(each.owner < own.owner for each in others.asking)
    if own.state is ReservationState.YIELDING:
        return Decision.WAIT if is_another_first else Decision.ASK
    if others.spent + sum((each.usd or Decimal(0) for each in others.asking), own.usd) <= cap:
        return Decision.PAY
    return Decision.YIELD if is_another_first else Decision.WAIT
