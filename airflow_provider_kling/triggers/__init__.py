"""The waits in the triggerer: for a task, for a slot, for a batch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_kling.triggers.task import KlingTaskTrigger

if TYPE_CHECKING:
    from airflow_provider_kling.triggers.slot import KlingSlotTrigger
    from airflow_provider_kling.triggers.submit import KlingSubmitTrigger

__all__ = ["KlingSlotTrigger", "KlingSubmitTrigger", "KlingTaskTrigger"]


def __getattr__(name: str) -> Any:
    # Only a task that found no slot needs them; every other process would import them for nothing.
    if name == "KlingSlotTrigger":
        from airflow_provider_kling.triggers.slot import KlingSlotTrigger

        return KlingSlotTrigger
    if name == "KlingSubmitTrigger":
        from airflow_provider_kling.triggers.submit import KlingSubmitTrigger

        return KlingSubmitTrigger
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
