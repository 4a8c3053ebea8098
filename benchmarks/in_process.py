"""
Measures triggers in one event loop, as in a triggerer. Runs as a separate process.

``python -m benchmarks.in_process`` reads one JSON object from standard input and writes one to standard output.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import sys
import time
from typing import TYPE_CHECKING, Any

from benchmarks import process
from benchmarks.process import cpu_seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airflow.triggers.base import BaseTrigger

CONNECTION = "kling_waiting"
PATH = "/v1/videos/text2video"

#: Seconds between two checks of the event loop's delay; shorter ones would increase its CPU time.
TICK = 0.02

#: Seconds without triggers, to measure the delay and the CPU time of the checks alone.
CALM = 8.0

#: A triggerer has already imported these, so they are not part of the cost of a wait.
IMPORTED_LONG_AGO = ("requests", "tenacity", "jwt", "pendulum")


def run(connection: Mapping[str, Any], kind: str, ids: list[str], *, interval: float, seconds: float) -> dict[str, Any]:
    """Let triggers of a kind wait for tasks in a new process; returns CPU seconds and stalls."""
    order = {"kind": kind, "ids": ids, "interval": interval, "seconds": seconds}
    environment = {f"AIRFLOW_CONN_{CONNECTION.upper()}": json.dumps(connection)}
    return process.answer("benchmarks.in_process", order, environment)


def _ours(kling_task_id: str, interval: float) -> BaseTrigger:
    from airflow_provider_kling.triggers import KlingTaskTrigger

    return KlingTaskTrigger(
        kling_conn_id=CONNECTION, endpoint="text2video", kling_task_id=kling_task_id, poll_interval=interval
    )


def _conventional(kling_task_id: str, interval: float) -> BaseTrigger:
    from benchmarks.conventional import ConventionalTrigger

    return ConventionalTrigger(CONNECTION, kling_task_id, interval, time.time() + 3600, PATH)


KINDS: dict[str, Callable[[str, float], BaseTrigger]] = {"ours": _ours, "conventional": _conventional}


async def _main(order: dict[str, Any]) -> dict[str, Any]:
    for module in IMPORTED_LONG_AGO:
        importlib.import_module(module)
    triggers = [KINDS[order["kind"]](kling_id, order["interval"]) for kling_id in order["ids"]]
    stalls: list[float] = []
    watch = asyncio.create_task(_watch_loop(stalls))
    before = cpu_seconds()
    await asyncio.sleep(CALM)
    calm, looking = max(stalls), (cpu_seconds() - before) / CALM
    stalls.clear()
    before = cpu_seconds()
    tasks = [asyncio.create_task(_first_event(trigger)) for trigger in triggers]
    await asyncio.sleep(order["seconds"])
    used = cpu_seconds() - before - looking * order["seconds"]
    fired = sum(task.done() for task in tasks)
    watch.cancel()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return {"cpu": used, "stall_ms": max(stalls) * 1000, "calm_ms": calm * 1000, "fired": fired}


async def _first_event(trigger: BaseTrigger) -> None:
    async for _ in trigger.run():
        return


async def _watch_loop(stalls: list[float]) -> None:
    while True:
        before = time.perf_counter()
        await asyncio.sleep(TICK)
        stalls.append(time.perf_counter() - before - TICK)


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_main(json.load(sys.stdin)))))
