"""One item of a batch. It is small, because there may be a hundred thousand."""

from __future__ import annotations

import dataclasses
import json
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from airflow_provider_kling.batch.actions import Failure, Phase
from airflow_provider_kling.models import TaskStatus, group_results
from airflow_provider_kling.submission.identity import attempt_id
from airflow_provider_kling.submission.protocol import MAX_ATTEMPTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from airflow_provider_kling.models import BatchRecord, FileRecord, Task

#: The phases of items that use, or may use, a slot at Kling.
IN_FLIGHT = (Phase.SENDING, Phase.DOUBT, Phase.LOOKING, Phase.RUNNING)

#: The status in the manifest of each phase.
STATUS = {
    **dict.fromkeys(IN_FLIGHT, "running"),
    Phase.WAITING: "waiting",
    Phase.SUCCEED: "storing",
    Phase.STORING: "storing",
    Phase.STORED: "succeed",
    Phase.FAILED: "failed",
}

#: One empty set for all items: ``frozenset()`` makes a new object each time.
NO_IDS: frozenset[str] = frozenset()


@dataclasses.dataclass(eq=False, slots=True)
class Item:
    """
    One video and its state.

    :param key: its name.
    :param external_task_id: id of its first attempt.
    :param place: its index among the items.
    :param pool: the number of its pool of slots.
    :param task: its newest attempt, as Kling reported it last.
    :param attempt: number of the running or next attempt.
    :param look_up_first: whether it may have been sent.
    :param files: where its results are stored.
    :param failure: why it has no video, or the last error on the way.
    :param failed_in_this_run: its tasks that failed in this run.
    :param tries: of the current step: look-up, read or storing.
    :param not_before: epoch seconds.
    :param entry_number: the number of its newest queue entry; older entries are outdated.
    """

    key: str
    external_task_id: str
    place: int = 0
    pool: int = 0
    phase: Phase = Phase.WAITING
    task: Task | None = None
    attempt: int = 1
    look_up_first: bool = False
    files: Sequence[FileRecord] = ()
    failure: Failure | None = None
    failed_in_this_run: frozenset[str] = NO_IDS
    tries: int = 0
    not_before: float = 0.0
    entry_number: int = 0

    @property
    def status(self) -> str:
        """Its status in the manifest."""
        return STATUS[self.phase]

    def attempt_of(self, task: Task) -> int:
        """Return which attempt a task is."""
        names = enumerate(attempt_ids(self.external_task_id), 1)
        return next((number for number, name in names if name == task.external_task_id), self.attempt)

    def manifest_line(self, *, ended: bool) -> bytes:
        """
        Return its line of the manifest.

        :param ended: whether nothing more will be submitted; what still waits is then ``stopped``.
        """
        status = "stopped" if ended and self.phase is Phase.WAITING else self.status
        return encode_line(self._record(status))

    def _record(self, status: str) -> BatchRecord:
        task = self.task
        return {
            "key": self.key,
            "status": status,
            "external_task_id": self.external_task_id,
            "task_id": task.task_id if task else None,
            "units": task.units if task else "",
            "cash": task.cash if task else "",
            **group_results(task.results if task else ()),  # type: ignore[typeddict-item]
            "files": list(self.files),
            "error": dataclasses.asdict(self.failure) if self.failure else None,
        }


def attempt_ids(external_task_id: str) -> Iterator[str]:
    """
    Yield the ids of all attempts that an item can have.

    :param external_task_id: the id of its first one.
    """
    return (attempt_id(external_task_id, number) for number in range(1, MAX_ATTEMPTS + 1))


def encode_line(line: Mapping[str, Any]) -> bytes:
    """
    Return a line of a JSON Lines file.

    It is ASCII: U+2028 and the like, which some readers take for the end of a line, and lone surrogates, which have no
    UTF-8, are escaped.

    :param line: the object.
    """
    return json.dumps(line).encode("ascii") + b"\n"


def task_units(task: Task | None) -> Decimal | None:
    """Return the units that Kling charged for a finished task; ``None`` when Kling gives no amount."""
    return _amount(task.units) if task and task.status is TaskStatus.SUCCEED else None


def task_cash(task: Task | None) -> Decimal | None:
    """Return what a finished task cost a post-paid account; ``None`` when Kling gives no amount."""
    return _amount(task.cash) if task and task.status is TaskStatus.SUCCEED else None


def _amount(words: str) -> Decimal | None:
    try:
        cost = Decimal(words)
    except (InvalidOperation, TypeError, ValueError):
        return None
    return cost if cost.is_finite() and 0 <= cost < 10**12 else None
