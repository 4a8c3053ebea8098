"""
Measures one part of a large batch. Runs as a separate process, so that its memory can be measured.

``python -m benchmarks.batch_process`` reads one JSON object from standard input and writes one to standard output.
"""

from __future__ import annotations

import asyncio
import collections
import json
import logging
import sys
import time
from typing import TYPE_CHECKING, Any

from benchmarks.instant_kling import ENDPOINT, InstantKling, external_id, stored, task
from benchmarks.process import LoopWatch, calm_ms, cpu_seconds, peak_mb, replace

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from airflow_provider_kling.batch.actions import FindTask, Store, Submit, Watch
    from airflow_provider_kling.batch.reconciler import Reconciler

#: So many slots and threads that the batch never waits for them.
SLOTS = 1000
THREADS = 16

#: Seconds between two polls.
INTERVAL = 1.0


def items(count: int) -> list[dict[str, Any]]:
    """The items of a Dag: an image URL and a prompt of three lines for each video."""
    return [
        {
            "key": f"video-{number:06}",
            "image": f"https://pictures.example.com/catalogue/{number:06}/front.jpg",
            "prompt": f"Item {number}: the camera moves slowly around it, in soft light, in front of a wall. " * 3,
            "duration": 5,
        }
        for number in range(count)
    ]


def plan(count: int, folder: str) -> dict[str, Any]:
    """The worker's part: read the items, check all of them, write the plan."""
    from airflow_provider_kling.batch.items import read_items
    from airflow_provider_kling.batch.plan import write_plan
    from airflow_provider_kling.batch.planner import Planner
    from airflow_provider_kling.submission.identity import Origin

    given = items(count)
    began = time.perf_counter()
    planner = Planner(ENDPOINT, "account", Origin("dag", "run", "task", -1, 0), f"{folder}/")
    planned, _ = planner.plan(read_items(given, {"mode": "std"}, None))
    write_plan(f"{folder}/plan.jsonl", planned, None)
    return {"check_s": time.perf_counter() - began, "peak_mb": peak_mb()}


def decide(count: int, _folder: str) -> dict[str, Any]:
    """The pure part: every decision from the first submission to the last file."""
    from airflow_provider_kling.batch.actions import Desired, Policy
    from airflow_provider_kling.batch.reconciler import Reconciler

    desired = [Desired(f"video-{number:06}", external_id(number)) for number in range(count)]
    policy = Policy(SLOTS, 0.0, 1e12, submit_concurrency=THREADS, store_concurrency=THREADS)
    began = cpu_seconds()
    reconciler = Reconciler(desired, policy, jitter=lambda: 0.5)
    decisions = _play(reconciler)
    return {"cpu_ms": 1000 * (cpu_seconds() - began) / decisions, "peak_mb": peak_mb()}


def _play(reconciler: Reconciler) -> int:
    """Complete each action and decide again; returns the number of actions."""
    from airflow_provider_kling.batch.actions import Finish, Store, Submit, Wait

    answers = 0
    waiting: collections.deque[Submit | FindTask | Watch | Store] = collections.deque()
    while True:
        actions = reconciler.decide(1.0)
        if isinstance(actions[0], Finish):
            return answers
        waiting.extend(action for action in actions if not isinstance(action, (Wait, Finish)))
        action, answers = waiting.popleft(), answers + 1
        number = int(action.key[6:])
        if isinstance(action, Store):
            reconciler.stored(action.key, stored(number))
        else:
            ended = not isinstance(action, Submit)
            reconciler.observed(action.key, task(number, external_id(number), ended=ended), 1.0)


def run(count: int, folder: str) -> dict[str, Any]:
    """The triggerer's part: the trigger, from its plan to its event."""
    return asyncio.run(_run(count, folder))


async def _run(count: int, folder: str) -> dict[str, Any]:
    from airflow_provider_kling.triggers import batch
    from airflow_provider_kling.waiting import shared_poller

    kling, written = InstantKling(), _count_bytes()
    replace(batch, "BatchCalls", kling.calls)
    replace(shared_poller, "AccountReader", kling.reader)
    batch.KlingBatchTrigger.min_deferral = 0.0
    trigger = batch.KlingBatchTrigger(
        plan_uri=f"{folder}/plan.jsonl",
        manifest_uri=f"{folder}/manifest.jsonl",
        output_uri=f"{folder}/",
        concurrency=SLOTS,
        submit_concurrency=THREADS,
        store_concurrency=THREADS,
        started_at=time.time(),
        end_time=time.time() + 3600,
        poll_interval=INTERVAL,
        items=count,
    )
    calm = await calm_ms()
    cpu, began = cpu_seconds(), time.perf_counter()
    async with LoopWatch() as watch:
        (event,) = [event async for event in trigger.run()]
    seconds = time.perf_counter() - began
    if event.payload.get("summary", {}).get("done") != count:
        raise RuntimeError(f"the batch did not end as it should: {event.payload}")
    return {
        "seconds": seconds,
        "cpu_ms": 1000 * (cpu_seconds() - cpu) / count,
        **watch.found(),
        "calm_ms": calm,
        "peak_mb": peak_mb(),
        "manifests": len(written),
        "written_bytes": sum(written),
        "line_bytes": written[-1] / count,
    }


def _count_bytes() -> list[int]:
    """Record the sizes of the manifests that are written from now on, in bytes."""
    from airflow_provider_kling.results import object_files

    written: list[int] = []
    put_file = object_files.put_file

    def counted(local: Path, place: Any) -> None:
        written.append(local.stat().st_size)
        put_file(local, place)

    replace(object_files, "put_file", counted)
    return written


PARTS: dict[str, Callable[[int, str], dict[str, Any]]] = {"plan": plan, "decide": decide, "run": run}

if __name__ == "__main__":
    logging.disable(logging.WARNING)
    order = json.load(sys.stdin)
    print(json.dumps(PARTS[order["part"]](order["items"], order["folder"])))
