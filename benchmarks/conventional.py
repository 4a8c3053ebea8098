"""
The conventional deferrable operator, as official providers write it and Airflow's guide describes it.

It submits on a worker and polls once; its trigger polls its own task in a thread, sleeps, and polls again; then it
resumes on a worker. What it lacks (paying once, checks before paying) is not part of the comparison.
"""

from __future__ import annotations

import asyncio
import time
from functools import cached_property
from typing import TYPE_CHECKING, Any

import jwt
import requests
from airflow.sdk import BaseHook, BaseOperator
from airflow.sdk.exceptions import AirflowException
from airflow.triggers.base import BaseTrigger, TriggerEvent

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PATH = "/v1/videos/image2video"
ENDED = ("succeed", "failed")


class ConventionalHook(BaseHook):
    """A ``requests`` session for an Airflow connection."""

    def __init__(self, conn_id: str) -> None:
        super().__init__()
        self.conn_id = conn_id

    @cached_property
    def _connection(self) -> Any:
        return self.get_connection(self.conn_id)

    @cached_property
    def _session(self) -> requests.Session:
        return requests.Session()

    def submit(self, body: dict[str, Any]) -> str:
        return str(self._call("POST", PATH, json=body)["task_id"])

    def get(self, kling_task_id: str, path: str = PATH) -> dict[str, Any]:
        return self._call("GET", f"{path}/{kling_task_id}")

    def _call(self, method: str, path: str, **arguments: Any) -> dict[str, Any]:
        now = int(time.time())
        claims = {"iss": self._connection.login, "exp": now + 1800, "nbf": now - 5}
        token = jwt.encode(claims, self._connection.password, algorithm="HS256")
        url = f"{self._connection.host}{path}"
        headers = {"Authorization": f"Bearer {token}"}
        response = self._session.request(method, url, headers=headers, timeout=30, **arguments)
        response.raise_for_status()
        return dict(response.json()["data"])


class ConventionalTrigger(BaseTrigger):
    """One request per task and poll, in a thread."""

    def __init__(self, conn_id: str, kling_task_id: str, poll_interval: float, end_time: float, path: str = PATH):
        super().__init__()  # type: ignore[no-untyped-call] # Airflow does not annotate it
        self.conn_id = conn_id
        self.kling_task_id = kling_task_id
        self.poll_interval = poll_interval
        self.end_time = end_time
        self.path = path

    def serialize(self) -> tuple[str, dict[str, Any]]:
        names = ("conn_id", "kling_task_id", "poll_interval", "end_time", "path")
        return f"{__name__}.ConventionalTrigger", {name: getattr(self, name) for name in names}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        hook = ConventionalHook(self.conn_id)
        while time.time() < self.end_time:
            task = await asyncio.to_thread(hook.get, self.kling_task_id, self.path)
            if task["task_status"] in ENDED:
                yield TriggerEvent({"status": task["task_status"], "kling_task_id": self.kling_task_id})
                return
            await asyncio.sleep(self.poll_interval)
        yield TriggerEvent({"status": "timeout", "kling_task_id": self.kling_task_id})


class ConventionalOperator(BaseOperator):
    """Submit, defer, resume on a worker."""

    template_fields = ("image", "prompt")

    def __init__(self, *, conn_id: str, image: str, prompt: str, poll_interval: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.conn_id = conn_id
        self.image = image
        self.prompt = prompt
        self.poll_interval = poll_interval

    def execute(self, context: Any) -> dict[str, Any]:
        hook = ConventionalHook(self.conn_id)
        body = {"model_name": "kling-v3", "image": self.image, "prompt": self.prompt, "duration": "5"}
        kling_task_id = hook.submit(body)
        task = hook.get(kling_task_id)
        if task["task_status"] in ENDED:
            return self._result(task)
        trigger = ConventionalTrigger(self.conn_id, kling_task_id, self.poll_interval, time.time() + 3600)
        self.defer(trigger=trigger, method_name="execute_complete")

    def execute_complete(self, context: Any, event: dict[str, Any]) -> dict[str, Any]:
        if event["status"] != "succeed":
            raise AirflowException(f"Kling task {event['kling_task_id']}: {event['status']}")
        return self._result(ConventionalHook(self.conn_id).get(event["kling_task_id"]))

    @staticmethod
    def _result(task: dict[str, Any]) -> dict[str, Any]:
        if task["task_status"] == "failed":
            raise AirflowException(task["task_status_msg"])
        return {"task_id": task["task_id"], "url": task["task_result"]["videos"][0]["url"]}
