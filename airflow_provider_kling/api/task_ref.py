"""What names a task at Kling. Alone, because a sensor needs no more of the wire than that."""

from __future__ import annotations

from typing import NamedTuple


class TaskRef(NamedTuple):
    """
    What names a task.

    :param endpoint: its product.
    :param task_id: Kling's id, or an ``external_task_id``, which only a read of one task finds.
    """

    endpoint: str
    task_id: str

    @property
    def has_kling_id(self) -> bool:
        """Whether a batch can ask for it: Kling's ids are digits, an ``external_task_id`` of ours is not."""
        return self.task_id.isdecimal()
