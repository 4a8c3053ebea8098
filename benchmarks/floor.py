"""A task that ends in the triggerer at once: the least that Airflow itself takes to end a wait."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.triggers.base import BaseTrigger, TaskSuccessEvent, TriggerEvent

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class FloorTrigger(BaseTrigger):
    """Fire at a moment, without asking anybody."""

    def __init__(self, moment: float) -> None:
        super().__init__()
        self.moment = moment

    def serialize(self) -> tuple[str, dict[str, Any]]:
        return f"{__name__}.FloorTrigger", {"moment": self.moment}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        await asyncio.sleep(self.moment - time.time())
        yield TaskSuccessEvent()


class FloorOperator(BaseOperator):
    """Defer, and push the moment at which the trigger will fire."""

    template_fields = ("number",)

    def __init__(self, *, number: int, seconds: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.number = number
        self.seconds = seconds

    def execute(self, context: Any) -> None:
        moment = time.time() + self.seconds
        context["ti"].xcom_push(key="moment", value=moment)
        self.defer(trigger=FloorTrigger(moment), method_name="execute_complete")

    def execute_complete(self, context: Any, event: Any = None) -> None:
        """Only ``dag.test()`` comes here."""
