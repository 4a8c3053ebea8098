"""The waits in the triggerer: for a task, for a slot, for a batch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_kling.triggers.task import KlingTaskTrigger

if TYPE_CHECKING:
    from airflow_provider_kling.triggers.slot import KlingSlotTrigger

__all__ = ["KlingSlotTrigger", "KlingTaskTrigger"]


def __getattr__(name: str) -> Any:
    # Only a task that found no slot needs it; every other process would import it for nothing.
    if name != "KlingSlotTrigger":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from airflow_provider_kling.triggers.slot import KlingSlotTrigger

    return KlingSlotTrigger
