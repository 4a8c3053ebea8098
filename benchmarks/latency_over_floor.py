"""Seconds from Kling's end of a video to the success of the Airflow task, over the least that Airflow takes."""

from __future__ import annotations

import json
import statistics
import time
from typing import TYPE_CHECKING, Any

from benchmarks.bench import epoch
from benchmarks.figures import Row

if TYPE_CHECKING:
    from benchmarks.bench import Bench, Run

#: Half a poll interval is the mean of a fair poll; a tenth more is allowed.
ALLOWED = 0.5 * 1.1

#: What the simulated Kling takes for 10 s of output from an image, the mean length of these videos.
USUAL_SECONDS = 2 * 164.0


def measure(bench: Bench) -> list[Row]:
    """Return the medians of both kinds of task in one run, and their difference."""
    sizes = bench.sizes
    bench.warm_up()
    with bench.kling("latency", scale=sizes.latency_seconds / USUAL_SECONDS) as kling:
        since = time.time()
        run = bench.run("latency")
        ended = {task["task_id"]: task["updated_at"] / 1000 for task in kling.tasks_since(since)}
    ids, moments = _xcoms(bench, run, "task_id", "animate"), _xcoms(bench, run, "moment", "floor")
    ours = _latencies(run, "animate", {index: ended[task_id] for index, task_id in ids.items()})
    floor = _latencies(run, "floor", moments)
    over = statistics.median(ours) - statistics.median(floor)
    interval = sizes.latency_interval
    return [
        Row(
            "KlingImageToVideoOperator over the floor, median",
            over,
            "s",
            interval * ALLOWED,
            note=f"Poll interval {interval:.0f} s, {len(ours)} videos, worst {max(ours):.1f} s.",
            reason="a look comes later than half an interval after the end.",
            idea="look more often near the usual duration of the product.",
        ),
        Row(
            "a trigger that fires at once, median",
            statistics.median(floor),
            "s",
            note=f"From the event to success; worst {max(floor):.1f} s.",
        ),
    ]


def _latencies(run: Run, task_id: str, moments: dict[int, Any]) -> list[float]:
    """Seconds from a moment to the end of the task instance, for each that succeeded."""
    return [
        epoch(instance["end_date"]) - float(moments[instance["map_index"]])
        for instance in run.instances
        if instance["task_id"] == task_id and instance["state"] == "success"
    ]


def _xcoms(bench: Bench, run: Run, key: str, task_id: str) -> dict[int, Any]:
    query = "SELECT map_index, value FROM xcom WHERE dag_id = ? AND run_id = ? AND task_id = ? AND key = ?"
    rows = bench.airflow.rows(query, run.dag_id, run.run_id, task_id, key)
    return {row["map_index"]: _decoded(row["value"]) for row in rows}


def _decoded(value: str | float) -> Any:
    """An XCom as SQLite has it: JSON, of which it makes numbers when it can."""
    return json.loads(value) if isinstance(value, str) else value
