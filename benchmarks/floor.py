"""
What nobody can do with less: a task that only defers and ends in the triggerer, and one that sends one POST before.

Neither checks, remembers or looks at anything.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.triggers.base import BaseTrigger, TaskSuccessEvent, TriggerEvent

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class FloorTrigger(BaseTrigger):
    """Fire at a moment, without asking anybody; if there is a result, the task returns it."""

    def __init__(self, moment: float, result: dict[str, Any] | None = None) -> None:
        super().__init__()  # type: ignore[no-untyped-call] # Airflow does not annotate it
        self.moment = moment
        self.result = result

    def serialize(self) -> tuple[str, dict[str, Any]]:
        return f"{__name__}.FloorTrigger", {"moment": self.moment, "result": self.result}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        await asyncio.sleep(self.moment - time.time())
        if self.result is not None:
            # Not in each process that reads the Dag file.
            from airflow.sdk.execution_time.xcom import XCom
            from asgiref.sync import sync_to_async

            ti = self.task_instance
            assert ti, "the triggerer sets it before it runs a trigger of a task"
            place = {"dag_id": ti.dag_id, "task_id": ti.task_id, "run_id": ti.run_id, "map_index": ti.map_index}
            # In a thread: it asks Airflow's API, and waits for the response.
            await sync_to_async(XCom.set)(key="return_value", value=self.result, **place)
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


class SubmittingFloorOperator(BaseOperator):
    """Send one POST, push Kling's id, and defer to a trigger that only sleeps; without seconds it ends there."""

    template_fields = ("prompt",)

    def __init__(
        self, *, conn_id: str, image: str, prompt: str, seconds: float, returns: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.conn_id = conn_id
        self.image = image
        self.prompt = prompt
        self.seconds = seconds
        self.returns = returns

    def execute(self, context: Any) -> None:
        task_id = self._submitted()
        context["ti"].xcom_push(key="task_id", value=task_id)
        if self.seconds:
            trigger = FloorTrigger(time.time() + self.seconds, {"task_id": task_id} if self.returns else None)
            self.defer(trigger=trigger, method_name="execute_complete")

    def _submitted(self) -> str:
        # Not while the Dag file is read: that happens in the Dag processor too.
        import jwt
        import requests
        from airflow.sdk import BaseHook

        connection = BaseHook.get_connection(self.conn_id)
        claims = {"iss": connection.login, "exp": int(time.time()) + 1800, "nbf": int(time.time()) - 5}
        token = jwt.encode(claims, connection.password or "", algorithm="HS256")
        body = {"model_name": "kling-v3", "image": self.image, "prompt": self.prompt, "duration": "5"}
        answer = requests.post(
            f"{connection.host}/v1/videos/image2video",
            json=body,
            headers={"Authorization": f"Bearer {token}"},
            timeout=30,
        )
        answer.raise_for_status()
        return str(answer.json()["data"]["task_id"])

    def execute_complete(self, context: Any, event: Any = None) -> None:
        """Only ``dag.test()`` comes here."""
