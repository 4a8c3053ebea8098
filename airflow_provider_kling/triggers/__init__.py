"""The waits in the triggerer: for a task, for a slot, for a batch."""

from airflow_provider_kling.triggers.slot import KlingSlotTrigger
from airflow_provider_kling.triggers.task import KlingTaskTrigger

__all__ = ["KlingSlotTrigger", "KlingTaskTrigger"]
