"""Since when a submission waits for a slot; it outlives the deferral in the event of the slot's trigger."""

from __future__ import annotations

from typing import Any, NamedTuple


class SlotWait(NamedTuple):
    """Since when and until when, in epoch seconds, a submission waits for a slot."""

    since: float
    until: float

    @classmethod
    def of(cls, event: Any) -> SlotWait | None:
        """
        Read the slot trigger's event.

        :param event: what resumed the task; a stranger's, see :func:`polling.event_of`, begins the wait anew.
        """
        values = [event.get(name) for name in cls._fields] if isinstance(event, dict) else [None]
        return cls(*values) if all(isinstance(value, (int, float)) for value in values) else None
