"""
In-process stand-ins for Kling and the storage that respond at once, so that only the client is measured.

With a server over HTTP a hundred thousand videos would take hours.
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

#: About as long as the signature in Kling's URLs.
SIGNATURE = "e" * 220


def external_id(number: int) -> str:
    """An id in the format of the package."""
    return f"af-{number:040x}"


def task(number: int, name: str, *, ended: bool) -> Task:
    """A task as Kling returns it."""
    from airflow_provider_kling.models import Task, TaskStatus, Video

    link = f"https://videos.example.com/{number}.mp4?signature={SIGNATURE}"
    return Task(
        f"8{number:018}",
        TaskStatus.SUCCEED if ended else TaskStatus.SUBMITTED,
        ENDPOINT,
        external_task_id=name,
        # Accepted long ago, so that polling starts at once.
        created_at=int((time.time() - 3600) * 1000),
        updated_at=int(time.time() * 1000) if ended else 0,
        units="2" if ended else "",
        results=(Video(f"7{number:018}", link, "5.041"),) if ended else (),
        request_id=f"request-{number}",
    )


def stored(number: int) -> list[FileRecord]:
    """The records of the stored files."""
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
    """All tasks of an account; each has ended when it is polled, unless ``is_busy`` is set."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self.is_busy = False

    def create(self, number: int, name: str) -> Task:
        """Create a task."""
        created = task(number, name, ended=False)
        self.names[created.task_id] = name
        return created

    def reader(self, _kling_conn_id: str) -> InstantReader:
        """Return a replacement of ``AccountReader``."""
        return InstantReader(self)

    def calls(self, *_arguments: Any) -> InstantCalls:
        """Return a replacement of ``BatchCalls``."""
        return InstantCalls(self)


class InstantReader:
    """See :class:`airflow_provider_kling.waiting.account_reader.AccountReader`."""

    def __init__(self, kling: InstantKling) -> None:
        self._kling = kling

    def invalidate(self) -> None:
        """Do nothing: there is no connection."""

    def read_together(self, waiting: Sequence[TaskRef], _began: float) -> tuple[dict[TaskRef, Task], list[TaskRef]]:
        """Return all tasks."""
        kling = self._kling
        ended = not kling.is_busy
        return {ref: task(int(ref.task_id[1:]), kling.names[ref.task_id], ended=ended) for ref in waiting}, []


class InstantCalls:
    """See :class:`airflow_provider_kling.batch.calls.BatchCalls`."""

    def __init__(self, kling: InstantKling) -> None:
        self._kling = kling

    def find_tasks(self, *_arguments: Any) -> tuple[dict[str, Task], bool]:
        """Find no earlier tasks."""
        return {}, True

    def submit(self, item: PlannedItem, _look_up_first: bool) -> Task:
        """Read the item's body, as a submission does, and create a task."""
        item.full_body()
        return self._kling.create(_number(item.key), item.external_task_id)

    def store(self, item: PlannedItem, _task: Task, _fresh: bool) -> list[FileRecord]:
        """Return the records of the stored files."""
        return stored(_number(item.key))


def _number(key: str) -> int:
    return int(key.rpartition("-")[2])
