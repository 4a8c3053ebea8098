"""
Whether a request may be paid within a cap that several tasks share. Pure: what the others have noted is passed in.

Every task notes what it is about to spend before it looks at the notes of the others, and pays only when everything
that it sees fits below the cap together with its own. Of two tasks, the one that notes later sees the other's note: so
the cap holds without a lock, in as many processes as there are. When several ask at once for more than is left, those
with the higher place step back until the others have decided.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable


#: What a note says in place of the model of a batch, whose items may have several.
BATCH = "batch"


class State(StrEnum):
    """What a note says."""

    #: Its task looks whether it may pay. It counts, because it may.
    ASKING = "asking"
    #: Its task lets others go first. It counts nothing.
    YIELDING = "yielding"
    #: Its task pays, or has paid.
    SPENT = "spent"
    #: Its task paid nothing after all.
    FREE = "free"


class Answer(StrEnum):
    """What the task does next."""

    PAY = "pay"
    REFUSE = "refuse"
    #: Note that it yields, and look again.
    YIELD = "yield"
    #: Note that it asks, and look again.
    ASK = "ask"
    #: Look again.
    WAIT = "wait"


class Note(NamedTuple):
    """
    What one task is about to spend, or has spent.

    :param owner: the task, and its place among the others: a lower one goes first.
    :param state: what it is doing.
    :param usd: at the list price; ``None`` when that is not known.
    """

    owner: tuple[str, int]
    state: State
    usd: Decimal | None

    def record(self) -> dict[str, Any]:
        """Return what is kept; JSON."""
        return {
            "task": self.owner[0],
            "map_index": self.owner[1],
            "state": self.state.value,
            "usd": None if self.usd is None else str(self.usd),
        }

    @classmethod
    def read(cls, kept: Any) -> Note | None:
        """
        Return the note that was kept; ``None`` when it cannot be read.

        :param kept: from :meth:`record`, perhaps of another version of this package.
        """
        try:
            usd = None if kept["usd"] is None else Decimal(str(kept["usd"]))
            owner = (str(kept["task"]), int(kept["map_index"]))
            state = State(kept["state"])
        except (TypeError, KeyError, ValueError, InvalidOperation):
            return None
        is_money = usd is None or (usd.is_finite() and usd >= 0)
        return cls(owner, state, usd) if is_money else None


class Ledger(NamedTuple):
    """
    What the others have noted.

    :param spent: US dollars, without those of unknown price.
    :param unknown: how many pay, or ask, for what has no known price.
    :param asking: the notes of those that ask.
    """

    spent: Decimal
    unknown: int
    asking: tuple[Note, ...]

    @classmethod
    def of(cls, notes: Iterable[Note], own: Note) -> Ledger:
        """
        Sum up what was noted.

        :param notes: of all; one's own does not count.
        :param own: the note of the task that looks.
        """
        others = [note for note in notes if note.owner != own.owner and note.state in (State.ASKING, State.SPENT)]
        known = [note for note in others if note.usd is not None]
        spent = sum((note.usd or Decimal(0) for note in known if note.state is State.SPENT), Decimal(0))
        asking = tuple(note for note in known if note.state is State.ASKING)
        return cls(spent, len(others) - len(known), asking)


def decide(cap: Decimal, own: Note, ledger: Ledger) -> Answer:
    """
    Return what a task does that wants to pay.

    :param cap: US dollars for all together.
    :param own: its note, as everybody sees it since before the ledger was read.
    :param ledger: what the others have noted.
    """
    if own.usd is None or ledger.unknown or ledger.spent + own.usd > cap:
        return Answer.REFUSE
    goes_first = any(note.owner < own.owner for note in ledger.asking)
    if own.state is State.YIELDING:
        return Answer.WAIT if goes_first else Answer.ASK
    if ledger.spent + sum((note.usd or Decimal(0) for note in ledger.asking), own.usd) <= cap:
        return Answer.PAY
    return Answer.YIELD if goes_first else Answer.WAIT
