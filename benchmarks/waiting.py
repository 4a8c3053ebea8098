"""Measures a thousand triggers in one event loop, of this package and conventional ones, once for two figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks import in_process
from benchmarks.bench import say
from benchmarks.kling import Kling, connection
from dev.local_airflow.settings import free_ports

if TYPE_CHECKING:
    from benchmarks.bench import Bench

#: The package's default.
INTERVAL = 15.0
KINDS = {"ours": "KlingTaskTrigger", "conventional": "a trigger that asks for itself, in a thread"}


def measured(bench: Bench) -> dict[str, dict[str, Any]]:
    """CPU seconds and stalls by kind of trigger."""
    return bench.once("waiting", lambda: _measure(bench))


def circumstances(bench: Bench) -> str:
    """Number of triggers and duration of the wait, as text."""
    return f"{bench.sizes.waiting} tasks for {bench.sizes.waiting_seconds:.0f} s, poll interval {INTERVAL:.0f} s."


def _measure(bench: Bench) -> dict[str, dict[str, Any]]:
    (port,) = free_ports(1)
    found = {}
    with Kling(port, seconds=3600) as kling:
        ids = kling.create(bench.sizes.waiting)
        for kind in KINDS:
            say(f"{kind}: {len(ids)} triggers wait for {bench.sizes.waiting_seconds:.0f} s")
            before = kling.requests_so_far()
            fields = connection(kling.url)
            seconds = bench.sizes.waiting_seconds
            found[kind] = in_process.run(fields, kind, ids, interval=INTERVAL, seconds=seconds)
            found[kind]["requests"] = kling.requests_so_far() - before
    return found
