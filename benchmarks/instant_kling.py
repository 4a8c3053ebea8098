"""
Kling and a storage inside a process; both answer at once, so that what is measured is the client alone.

Against a server over HTTP, a hundred thousand videos would take hours.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_kling.api.task_ref import TaskRef
    from airflow_provider_kling.batch.plan import PlannedItem
    from airflow_provider_kling.models import FileRecord, Task

ENDPOINT = "image2video"

#: The signature in Kling's links is about as long as this.
SIGNATURE = "e" * 220


def external_id(number: int) -> str:
    """An id as the package makes them."""
    return f"af-{number:040x}"


def task(number: int, name: str, *, ended: bool) -> Task:
    """What Kling says of a task."""
    from airflow_provider_kling.models import Task, TaskStatus, Video

    link = f"https://videos.example.com/{number}.mp4?signature={SIGNATURE}"
    return Task(
        f"8{number:018}",
        TaskStatus.SUCCEED if ended else TaskStatus.SUBMITTED,
        ENDPOINT,
        external_task_id=name,
        # Accepted long ago: nothing waits until a result is plausible.
        created_at=int((time.time() - 3600) * 1000),
        updated_at=int(time.time() * 1000) if ended else 0,
        units="2" if ended else "",
        results=(Video(f"7{number:018}", link, "5.041"),) if ended else (),
        request_id=f"request-{number}",
    )


def stored(number: int) -> list[FileRecord]:
    """What stands in storage afterwards."""
    return [
        {
            "uri": f"s3://videos/catalogue/video-{number:06}.mp4",
            "bytes": 4_000_000 + number,
            "sha256": f"{number:064x}",
            "content_type": "video/mp4",
            "duration": 5.041,
        }
    ]


class InstantKling:
    """All tasks of an account; each has ended when it is looked at, unless ``is_busy`` is set."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self.is_busy = False

    def create(self, number: int, name: str) -> Task:
        """Take a submission."""
        created = task(number, name, ended=False)
        self.names[created.task_id] = name
        return created

    def reader(self, _kling_conn_id: str) -> InstantReader:
        """Stand in for the reader of a connection."""
        return InstantReader(self)

    def calls(self, *_arguments: Any) -> InstantCalls:
        """Stand in for what a batch calls."""
        return InstantCalls(self)


class InstantReader:
    """See :class:`airflow_provider_kling.waiting.account_reader.AccountReader`."""

    def __init__(self, kling: InstantKling) -> None:
        self._kling = kling

    def invalidate(self) -> None:
        """Do nothing: there is no connection."""

    def read_together(self, waiting: Sequence[TaskRef], _began: float) -> tuple[dict[TaskRef, Task], list[TaskRef]]:
        """Read them all."""
        kling = self._kling
        ended = not kling.is_busy
        return {ref: task(int(ref.task_id[1:]), kling.names[ref.task_id], ended=ended) for ref in waiting}, []


class InstantCalls:
    """See :class:`airflow_provider_kling.batch.calls.BatchCalls`."""

    def __init__(self, kling: InstantKling) -> None:
        self._kling = kling

    def find_tasks(self, *_arguments: Any) -> tuple[dict[str, Task], bool]:
        """Nothing was sent before."""
        return {}, True

    def submit(self, item: PlannedItem, _look_up_first: bool) -> Task:
        """Read the item's body, as a submission does, and take it."""
        item.full_body()
        return self._kling.create(_number(item.key), item.external_task_id)

    def store(self, item: PlannedItem, _task: Task, _fresh: bool) -> list[FileRecord]:
        """Say that it stands there."""
        return stored(_number(item.key))


def _number(key: str) -> int:
    return int(key.rpartition("-")[2])
