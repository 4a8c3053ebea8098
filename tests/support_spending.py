"""A Dag run whose tasks share a cap, without Airflow's database."""

from __future__ import annotations

import json
import threading
from types import SimpleNamespace
from typing import Any

from support import FakeTaskInstance

from airflow_provider_kling import exceptions as errors
from airflow_provider_kling.operators import KlingTextToVideoOperator, reservations

#: Five seconds of kling-v3: 3 units.
PRICE = 0.42


class Run:
    """A Dag run: its tasks, and the XComs that all of them see."""

    def __init__(self, *names: str, **arguments: Any) -> None:
        self.xcoms: dict[tuple[str, int], dict[str, Any]] = {}
        self.tasks = {name: operator(task_id=name, **arguments) for name in names}

    def add(self, task: Any) -> Any:
        self.tasks[task.task_id] = task
        return task

    def context(self, task_id: str, *, map_index: int = -1, try_number: int = 1) -> dict[str, Any]:
        return {
            "ti": Instance(self, task_id, map_index, try_number),
            "dag": SimpleNamespace(tasks=[*self.tasks.values()]),
        }

    def start(self, task_id: str, **instance: Any) -> Any:
        return self.tasks[task_id].execute(self.context(task_id, **instance))

    def state(self, task_id: str, map_index: int = -1) -> str:
        return self.xcoms[task_id, map_index][reservations.KEY]["state"]


class Instance(FakeTaskInstance):
    def __init__(self, run: Run, task_id: str, map_index: int, try_number: int) -> None:
        mine = run.xcoms.setdefault((task_id, map_index), {})
        if try_number > 1:
            mine.clear()  # as Airflow does
        super().__init__(task_id=task_id, map_index=map_index, try_number=try_number, xcoms=mine)
        self.run = run

    def xcom_push(self, key: str, value: Any) -> None:
        super().xcom_push(key, json.loads(json.dumps(value)))

    def xcom_pull(self, task_ids: Any, key: str, map_indexes: Any = None) -> Any:
        if isinstance(task_ids, str):
            return super().xcom_pull(task_ids, key, map_indexes)
        found = [
            values[key] for (name, _), values in list(self.run.xcoms.items()) if name in task_ids and key in values
        ]
        return [*found, None]


def operator(**fields: Any) -> KlingTextToVideoOperator:
    return KlingTextToVideoOperator(**{"model_name": "kling-v3", "prompt": "A boat", "duration": 5, **fields})


def posts(kling) -> int:
    return len(kling.requests(method="POST"))


def at_the_same_moment(count: int, *, room: int | None = None) -> list[str]:
    """What becomes of mapped tasks that start together; the cap of their run has room for some of them."""
    cap = None if room is None else room * PRICE
    run = Run("scene", max_run_usd=cap)
    made = [operator(task_id="scene", max_run_usd=cap) for _ in range(count)]
    outcomes: list[str] = []

    def start(index: int) -> None:
        try:
            made[index].execute(run.context("scene", map_index=index))
            outcomes.append("sent")
        except errors.KlingError as error:
            outcomes.append(type(error).__name__)

    threads = [threading.Thread(target=start, args=(index,)) for index in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return sorted(outcomes)


def start(run, name, store, **instance):
    return run.tasks[name].execute({**run.context(name, **instance), "task_state_store": store})
