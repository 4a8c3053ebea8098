"""
Where tasks write what they reserve, so that other tasks see it: XComs of a Dag run, or files of a day.

A read returns every reservation whose write ended before the read began; the cap relies on that. The API server
commits an XCom before it answers. S3, Google Cloud Storage, Azure and a disk list a file once it is written. A file's
name holds the whole reservation, so that one listing reads all of them.
"""

from __future__ import annotations

import contextlib
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Protocol

from airflow_provider_kling.operators.base import KlingBaseOperator
from airflow_provider_kling.submission.budget import Reservation, ReservationState

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from airflow.sdk import Context

#: Key of the XCom.
KEY = "planned_cost"

#: The name of a file: owner, state and US dollars.
_FILE = re.compile(r"(?P<task>[A-Za-z0-9_-]{1,64})~(?P<state>[a-z]{1,20})~(?P<usd>[^~/]{1,60})")
_USD = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,18})?")

#: From low to high. A task may have two files for a moment, between two writes: the higher state counts.
_STATES = [ReservationState.FREE, ReservationState.YIELDING, ReservationState.ASKING, ReservationState.SPENT]


class Reservations(Protocol):
    """Reservations that several tasks share."""

    def read(self) -> list[Reservation]:
        """Return the reservations of all tasks."""

    def write(self, reservation: Reservation) -> None:
        """Write a task's reservation in place of its last one."""


class RunReservations:
    """
    The XCom ``planned_cost`` of each Kling task of a Dag run.

    :param context: Airflow's context.
    :param details: what else the XCom says.
    """

    def __init__(self, context: Context, details: Mapping[str, Any]) -> None:
        self._context = context
        self._details = details

    def read(self) -> list[Reservation]:
        """Return the reservations of all tasks of the run, mapped ones too."""
        # One that cannot be read, as of another version, counts with an unknown price.
        return [
            Reservation.from_dict(stored) or Reservation((f"unreadable {number}", -1), ReservationState.SPENT, None)
            for number, stored in enumerate(planned_costs(self._context))
            if stored is not None
        ]

    def write(self, reservation: Reservation) -> None:
        """Push the task's reservation."""
        self._context["ti"].xcom_push(key=KEY, value={**reservation.to_dict(), **self._details})


class DayReservations:
    """
    Files in one folder for each day.

    :param uri: a folder on any storage of Airflow's, with its connection: ``s3://aws_default@bucket/kling``.
    :param day: in UTC.
    """

    def __init__(self, uri: str, day: date) -> None:
        # Few connections have a cap for a day.
        from airflow_provider_kling.utils._airflow.object_storage import place_of

        self._folder = place_of(f"{uri.rstrip('/')}/{day.isoformat()}")
        self._own: dict[str, ReservationState] = {}

    def read(self) -> list[Reservation]:
        """Return the reservations of the day."""
        found: dict[tuple[str, int], Reservation] = {}
        for reservation in filter(None, map(_parse_file_name, self._file_names())):
            known = found.get(reservation.owner)
            if known is None or _is_higher(reservation.state, known.state):
                found[reservation.owner] = reservation
        return list(found.values())

    def write(self, reservation: Reservation) -> None:
        """
        Write a task's reservation, then remove its older files of a higher state.

        Files of a lower state stay: a folder is not listed in one moment. If the file "asking" were removed when
        "spent" is written, a task that lists the folder meanwhile could see neither.
        """
        filesystem, path = self._folder.filesystem, self._folder.path
        name = _file_name(reservation)
        if self._folder.has_folders:
            filesystem.makedirs(path, exist_ok=True)
        filesystem.pipe_file(f"{path}/{name}", b"1")
        higher = [old for old, state in self._own.items() if _is_higher(state, reservation.state)]
        self._remove_files(higher)
        self._own = {old: state for old, state in self._own.items() if old not in higher}
        self._own[name] = reservation.state

    def reduce(self, owner: tuple[str, int], usd: Decimal) -> None:
        """
        Reduce the reservations of a task that is not charged as it was planned, if it has any.

        :param owner: the task.
        :param usd: what of it is paid all the same; with 0 the reservations are removed.
        """
        found = [(name, reservation) for name in self._file_names() if (reservation := _parse_file_name(name))]
        counting = [name for name, each in found if each.owner == owner and each.state is not ReservationState.FREE]
        if counting and usd:
            left = Reservation(owner, ReservationState.SPENT, usd)
            # Before the others are removed: who lists the folder meanwhile must see one of them.
            self.write(left)
            counting = [name for name in counting if name != _file_name(left)]
        self._remove_files(counting)

    def _file_names(self) -> list[str]:
        filesystem, path = self._folder.filesystem, self._folder.path
        with contextlib.suppress(Exception):
            filesystem.invalidate_cache(path)
        try:
            return [str(name).rpartition("/")[2] for name in filesystem.ls(path, detail=False)]
        except FileNotFoundError:
            return []

    def _remove_files(self, names: Iterable[str]) -> None:
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                self._folder.filesystem.rm_file(f"{self._folder.path}/{name}")


def _is_higher(state: ReservationState, other: ReservationState) -> bool:
    return _STATES.index(state) > _STATES.index(other)


def _file_name(reservation: Reservation) -> str:
    return f"{reservation.owner[0]}~{reservation.state.value}~{reservation.usd or Decimal(0):f}"


def _parse_file_name(name: str) -> Reservation | None:
    """Return the reservation of a file; one that cannot be read, as of another version, has an unknown price."""
    parts = _FILE.fullmatch(name)
    if parts is None:
        return None
    state = ReservationState(parts["state"]) if parts["state"] in set(ReservationState) else ReservationState.SPENT
    usd = Decimal(parts["usd"]) if _USD.fullmatch(parts["usd"]) and state.value == parts["state"] else None
    return Reservation((parts["task"], -1), state, usd)


def planned_costs(context: Context) -> list[Any]:
    """
    Return what all Kling tasks of a Dag run have reserved, as their XComs say.

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
