"""
Where tasks note what they spend, so that the others see it: as XComs of a Dag run, or as files of a day.

Both answer a read with every note whose write has ended before the read began. The cap that stands on them needs that:
the API server commits an XCom before it answers; S3, Google Cloud Storage, Azure and a disk list a file once it is
written. A file's name holds the whole note, so that one listing reads all of them.
"""

from __future__ import annotations

import contextlib
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Protocol

from airflow_provider_kling.operators.base import KlingBaseOperator
from airflow_provider_kling.submission.budget import Note, State

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from airflow.sdk import Context

#: Key of the XCom.
KEY = "planned_cost"

#: The name of a file: owner, state and US dollars.
_FILE = re.compile(r"(?P<task>[A-Za-z0-9_-]{1,64})~(?P<state>[a-z]{1,20})~(?P<usd>[^~/]{1,60})")
_USD = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,18})?")

#: Of two notes of one task, as between two writes, the one that counts more.
_WEIGHT = {State.FREE: 0, State.YIELDING: 1, State.ASKING: 2, State.SPENT: 3}


class Notes(Protocol):
    """Notes that several tasks share."""

    def read(self) -> list[Note]:
        """Return the notes of all."""

    def write(self, note: Note) -> None:
        """Replace one's own note."""


class RunNotes:
    """
    The XCom ``planned_cost`` of each Kling task of a Dag run.

    :param context: Airflow's context.
    :param facts: what else the XCom says.
    """

    def __init__(self, context: Context, facts: Mapping[str, Any]) -> None:
        self._context = context
        self._facts = facts

    def read(self) -> list[Note]:
        """Return the notes of all tasks of the run, mapped ones too."""
        notes = planned_costs(self._context)
        # One that cannot be read, as of another version, counts: of that it is not known what it costs.
        return [
            Note.read(kept) or Note((f"note {number}", -1), State.SPENT, None)
            for number, kept in enumerate(notes)
            if kept is not None
        ]

    def write(self, note: Note) -> None:
        """Push one's own note."""
        self._context["ti"].xcom_push(key=KEY, value={**note.record(), **self._facts})


class DayNotes:
    """
    Files in one folder for each day.

    :param uri: a folder on any storage of Airflow's, with its connection: ``s3://aws_default@bucket/kling``.
    :param day: in UTC.
    """

    def __init__(self, uri: str, day: date) -> None:
        # Few connections have a cap for a day.
        from airflow_provider_kling.utils._airflow.object_storage import place_of

        self._folder = place_of(f"{uri.rstrip('/')}/{day.isoformat()}")
        self._own: set[str] = set()

    def read(self) -> list[Note]:
        """Return the notes of the day."""
        notes: dict[tuple[str, int], Note] = {}
        for note in map(_note_of, self._names()):
            if note and (note.owner not in notes or _WEIGHT[note.state] > _WEIGHT[notes[note.owner].state]):
                notes[note.owner] = note
        return list(notes.values())

    def _names(self) -> list[str]:
        filesystem, path = self._folder.filesystem, self._folder.path
        with contextlib.suppress(Exception):
            filesystem.invalidate_cache(path)
        try:
            return [str(name).rpartition("/")[2] for name in filesystem.ls(path, detail=False)]
        except FileNotFoundError:
            return []

    def write(self, note: Note) -> None:
        """
        Write one's own note, then remove those before that would count for more.

        A folder is not listed in one moment. Whoever reads while an asking note becomes a spent one could see neither,
        if the first were removed; so it stays.
        """
        filesystem, path = self._folder.filesystem, self._folder.path
        name = _name_of(note, note.state)
        if self._folder.has_folders:
            filesystem.makedirs(path, exist_ok=True)
        filesystem.pipe_file(f"{path}/{name}", b"1")
        before = {old for old in self._own if _WEIGHT[State(old.split("~")[1])] > _WEIGHT[note.state]}
        self._remove(before)
        self._own = {*self._own - before, name}

    def _remove(self, names: Iterable[str]) -> None:
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                self._folder.filesystem.rm_file(f"{self._folder.path}/{name}")

    def free(self, owner: tuple[str, int]) -> None:
        """
        Remove the notes of a task that is not charged after all, if it has any.

        :param owner: the task.
        """
        names = [name for name in self._names() if (note := _note_of(name)) and note.owner == owner]
        self._remove(name for name in names if f"~{State.FREE}~" not in name)


def _name_of(note: Note, state: State) -> str:
    return f"{note.owner[0]}~{state.value}~{note.usd or Decimal(0):f}"


def _note_of(name: str) -> Note | None:
    """Read a file's name; of a note that cannot be read, as of another version, it is not known what it costs."""
    parts = _FILE.fullmatch(name)
    if parts is None:
        return None
    state = State(parts["state"]) if parts["state"] in set(State) else State.SPENT
    usd = Decimal(parts["usd"]) if _USD.fullmatch(parts["usd"]) and state.value == parts["state"] else None
    return Note((parts["task"], -1), state, usd)


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


def is_kling_task(task: Any) -> bool:
    """
    Whether a task of a Dag is one of this package that pays, mapped or not.

    :param task: an operator.
    """
    kind = getattr(task, "operator_class", None)
    return issubclass(kind if isinstance(kind, type) else type(task), KlingBaseOperator)
