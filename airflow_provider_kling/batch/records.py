"""
Reads lines of a manifest that an earlier run wrote, perhaps with another version of the package. Pure.

Values that are missing or of another type count as not written; unknown names are ignored.
"""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any, cast

from airflow_provider_kling.api import values
from airflow_provider_kling.batch.actions import Failure
from airflow_provider_kling.models import KINDS, TIME_LIMIT, FileRecord, Result, Task, TaskStatus, is_time

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


@dataclasses.dataclass(frozen=True, slots=True)
class Record:
    """
    The record of one item by an earlier run.

    :param key: the item's name.
    :param external_task_id: id of its first attempt.
    :param status: ``waiting``, ``running``, ``storing``, ``succeed``, ``failed`` or ``stopped``.
    :param task_id: Kling's id of its newest attempt; empty when it had none.
    :param units: what the attempt cost.
    :param cash: what the attempt cost a post-paid account.
    :param results: its results, with the links of that time.
    :param files: where they are stored.
    :param failure: why it had no video.
    """

    key: str
    external_task_id: str
    status: str = ""
    task_id: str = ""
    units: str = ""
    cash: str = ""
    results: tuple[Result, ...] = ()
    files: tuple[FileRecord, ...] = ()
    failure: Failure | None = None

    @property
    def is_stored(self) -> bool:
        """Whether its results were in storage."""
        return self.status == "succeed" and bool(self.files)

    @property
    def may_be_paid(self) -> bool:
        """Whether Kling had a task for it that is, or will be, billed."""
        if self.status == "failed":
            failed_at_kling = ("KlingTaskFailedError", "KlingContentPolicyError")
            return bool(self.task_id) and self.failure is not None and self.failure.error not in failed_at_kling
        return bool(self.task_id) and self.status in ("running", "storing", "succeed")

    @property
    def may_be_sent(self) -> bool:
        """Whether a submission was under way whose response is not known."""
        return self.status == "running" and not self.task_id

    def permanent_failure_since(self, started_at: float) -> Failure | None:
        """
        Return the failure if another attempt would fail again.

        :param started_at: epoch seconds; items that were refused before, and then cleared, may be tried again.
        """
        failure = self.failure if self.status == "failed" else None
        return failure if failure and failure.permanent and failure.at >= started_at else None

    def failed_before(self, started_at: float) -> bool:
        """
        Whether it failed, by our clock, before this run began.

        :param started_at: epoch seconds.
        """
        return self.status == "failed" and self.failure is not None and 0 < self.failure.at < started_at

    def task(self, endpoint: str) -> Task:
        """
        Return the task of this record, as far as it is known without asking Kling.

        :param endpoint: the product.
        """
        status = TaskStatus.SUCCEED if self.is_stored else TaskStatus.SUBMITTED
        return Task(
            self.task_id,
            status,
            endpoint,
            external_task_id=self.external_task_id,
            units=self.units,
            cash=self.cash,
            results=self.results,
        )


class Records:
    """
    The records of an earlier run, kept as lines of JSON; each pass parses them again.

    A hundred thousand records with their links would need memory, and time of Python's garbage collector, which stops
    the whole triggerer.

    :param lines: one for each record.
    """

    def __init__(self, lines: Sequence[bytes] = ()) -> None:
        self._lines = lines

    def __len__(self) -> int:
        return len(self._lines)

    def __iter__(self) -> Iterator[Record]:
        return (record for _, record in self._each())

    def filter(self, wanted: Callable[[Record], bool]) -> Records:
        """
        Return the records that fulfil a condition.

        :param wanted: the condition.
        """
        return Records([line for line, record in self._each() if wanted(record)])

    def _each(self) -> Iterator[tuple[bytes, Record]]:
        for line in self._lines:
            if record := read_record(json.loads(line)):
                yield line, record


def read_record(line: Any) -> Record | None:
    """
    Read a line of a manifest.

    :param line: the parsed line.
    :return: ``None`` when it names no item.
    """
    if not isinstance(line, dict):
        return None
    key, name = _text(line.get("key")), _text(line.get("external_task_id"))
    if not key or not name:
        return None
    return Record(
        key,
        name,
        status=_text(line.get("status")),
        task_id=values.identifier(line.get("task_id")),
        units=_text(line.get("units")),
        cash=_text(line.get("cash")),
        results=results_of(line),
        files=tuple(cast("FileRecord", file) for file in _objects(line.get("files")) if _text(file.get("uri"))),
        failure=_failure(line.get("error")),
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _objects(value: Any) -> list[dict[str, Any]]:
    return [element for element in value if isinstance(element, dict)] if isinstance(value, list) else []


def results_of(line: dict[str, Any]) -> tuple[Result, ...]:
    """
    Return the results that a manifest names.

    :param line: of one task or item.
    """
    return tuple(_result(kind, entry) for group, kind in KINDS.items() for entry in _objects(line.get(group)))


def _result(kind: type[Result], entry: dict[str, Any]) -> Result:
    readers = {"int": _count, "str": _text}
    fields = dataclasses.fields(kind)  # type: ignore[arg-type] # each kind is a dataclass
    return kind(**{field.name: readers[str(field.type)](entry.get(field.name)) for field in fields})


def _count(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < TIME_LIMIT else 0


def _failure(value: Any) -> Failure | None:
    if not isinstance(value, dict) or not _text(value.get("error")):
        return None
    code = value.get("code")
    return Failure(
        error=value["error"],
        code=code if isinstance(code, int) and not isinstance(code, bool) else None,
        message=_text(value.get("message")),
        permanent=value.get("permanent") is True,
        at=_time(value.get("at")),
    )


def _time(value: Any) -> float:
    """Return epoch seconds; 0 for an invalid value, so that it makes no failure permanent."""
    return float(value) if is_time(value) else 0.0
