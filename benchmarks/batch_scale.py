"""How the cost of a batch grows with the number of its items."""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING, Any

from benchmarks import process
from benchmarks.bench import say
from benchmarks.figures import Row

if TYPE_CHECKING:
    from benchmarks.bench import Bench

#: CPU ms per item and decision, independent of the number of items.
DECISION_LIMIT = 0.1
STALL_LIMIT = 50.0
MEMORY_LIMIT = 1000.0
CHECK_LIMIT = 60.0


def measure(bench: Bench) -> list[Row]:
    """Return the rows of each number of items; a quadratic cost would exceed its limit."""
    return [row for count in bench.sizes.batch_items for row in _rows(count, _parts(count))]


def _parts(count: int) -> dict[str, dict[str, Any]]:
    """Measure each part in a separate process; the last one reads the plan of the first."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for part in ("plan", "decide", "run"):
            say(f"{part}: {count} items")
            order = {"part": part, "items": count, "folder": folder}
            found[part] = process.answer("benchmarks.batch_process", order)
    return found


def _rows(count: int, found: dict[str, dict[str, Any]]) -> list[Row]:
    decide, run = found["decide"], found["run"]
    return [
        Row(
            f"CPU per item and decision, {count:,} items",
            decide["cpu_ms"],
            "ms",
            DECISION_LIMIT,
            note="The reconciler alone; an item takes three decisions.",
            reason="a decision looks at more than it decides.",
            idea="profile the part decide of benchmarks.batch_process.",
        ),
        Row(
            f"longest stall of the event loop, {count:,} items",
            run["stall_ms"],
            "ms",
            STALL_LIMIT,
            note=f"{run['without_collector_ms']:.1f} ms without Python's garbage collector, {run['calm_ms']:.1f} ms "
            f"without a batch; {run['seconds']:.0f} s in all, {run['cpu_ms']:.2f} ms of CPU per item.",
            reason="Python's garbage collector goes through an object for each item, or a step holds the loop.",
            idea="make an item's object when it is first sent; see the stalls that benchmarks.batch_process prints.",
        ),
        *_bulk_rows(count, found),
    ]


def _bulk_rows(count: int, found: dict[str, dict[str, Any]]) -> list[Row]:
    plan, run = found["plan"], found["run"]
    return [
        Row(
            f"most memory, {count:,} items",
            max(part["peak_mb"] for part in found.values()),
            "MB",
            MEMORY_LIMIT,
            note=f"{plan['peak_mb']:.0f} MB on the worker, {run['peak_mb']:.0f} MB in the triggerer, Airflow included.",
            reason="every item is held as more than its line.",
            idea="count the objects of the part that holds most.",
        ),
        Row(
            f"check and plan, {count:,} items",
            plan["check_s"],
            "s",
            CHECK_LIMIT,
            note="On the worker, before anything is paid.",
            reason="a check of one item costs too much.",
            idea="profile the part plan of benchmarks.batch_process.",
        ),
        Row(
            f"manifest bytes written per item, {count:,} items",
            run["written_bytes"] / count,
            "bytes",
            note=f"{run['manifests']} manifests; a line has {run['line_bytes']:.0f} bytes at the end.",
        ),
    ]
