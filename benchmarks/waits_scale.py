"""How the cost of a wait grows with the number of waits in one event loop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks import process
from benchmarks.bench import say
from benchmarks.figures import Row

if TYPE_CHECKING:
    from benchmarks.bench import Bench

#: CPU ms, including three polls and two log lines of Airflow.
CPU_LIMIT = 0.5
STALL_LIMIT = 50.0


def measure(bench: Bench) -> list[Row]:
    """Return two rows for each number of waits; the first is constant if the cost is linear."""
    rows = []
    for count in bench.sizes.waits:
        say(f"{count} waits")
        found = process.answer("benchmarks.waits_process", {"waits": count})
        rows += [_cpu(count, found), _stall(count, found)]
    return rows


def _cpu(count: int, found: dict[str, Any]) -> Row:
    return Row(
        f"CPU per wait, {count:,} waits",
        found["cpu_ms"],
        "ms",
        CPU_LIMIT,
        note=f"Three looks each; {found['peak_mb']:.0f} MB at most.",
        reason="something is done for each pair of waits.",
        idea="profile benchmarks.waits_process.",
    )


def _stall(count: int, found: dict[str, Any]) -> Row:
    return Row(
        f"longest stall of the event loop, {count:,} waits",
        found["stall_ms"],
        "ms",
        STALL_LIMIT,
        note=f"{found['without_collector_ms']:.1f} ms without Python's garbage collector; "
        f"{found['calm_ms']:.1f} ms without waits.",
        reason="Python's garbage collector goes through the coroutines and loggers of all triggers.",
        idea="start several triggerers, or hold fewer objects for each wait.",
    )
