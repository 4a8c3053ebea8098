"""Processes that are measured alone: how they are asked, and what they measure of themselves."""

from __future__ import annotations

import asyncio
import gc
import json
import resource
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from dev.local_airflow.settings import clean_environment

if TYPE_CHECKING:
    from collections.abc import Mapping

REPOSITORY = Path(__file__).resolve().parents[1]

#: Seconds between two looks at the clock of the event loop; shorter ones would show in its CPU time.
TICK = 0.01

#: Seconds without work.
CALM = 2.0


def answer(module: str, order: Mapping[str, Any], environment: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Give an order to a fresh process, as JSON on its standard input; returns the last line that it prints."""
    with tempfile.TemporaryDirectory() as home:
        done = subprocess.run(
            [sys.executable, "-m", module],
            env={**clean_environment(), "AIRFLOW_HOME": home, **(environment or {})},
            input=json.dumps(order),
            text=True,
            stdout=subprocess.PIPE,
            cwd=REPOSITORY,
            check=True,
            timeout=600,
        )
    return dict(json.loads(done.stdout.splitlines()[-1]))


def cpu_seconds() -> float:
    """CPU seconds of this process so far."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def peak_mb() -> float:
    """The most memory that this process has held so far, in MB."""
    with suppress(OSError):
        # Not ru_maxrss: that of a child begins with what its parent held.
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1000
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (1e6 if sys.platform == "darwin" else 1e3)


class LoopWatch:
    """
    Looks at the clock of the event loop, for the length of an ``async with`` block.

    Python's garbage collector stops everything for as long as it goes through what the process holds. What it held
    before is left out: some 50 ms of Airflow's own, whoever else runs in that loop.
    """

    async def __aenter__(self) -> Self:
        gc.collect()
        gc.freeze()
        gc.callbacks.append(self._collects)
        self._collecting = self._collected = 0.0
        #: How late each look was, how much of that the collector took, and when it was; in seconds.
        self._looks: list[tuple[float, float, float]] = []
        self._began = time.perf_counter()
        self._job = asyncio.create_task(self._watch())
        return self

    async def __aexit__(self, *_exception: object) -> None:
        gc.callbacks.remove(self._collects)
        self._job.cancel()

    def found(self) -> dict[str, Any]:
        """The longest stall in ms, with and without the collector, and the longest ones with the second of each."""
        longest = sorted(self._looks, reverse=True)[:5]
        return {
            "stall_ms": 1000 * longest[0][0],
            "without_collector_ms": 1000 * max(late - collected for late, collected, _ in self._looks),
            "stalls": [tuple(round(number, 3) for number in look) for look in longest],
        }

    def _collects(self, phase: str, _info: object) -> None:
        now = time.perf_counter()
        if phase == "start":
            self._collecting = now
        else:
            self._collected, self._collecting = self._collected_until(now), 0.0

    def _collected_until(self, now: float) -> float:
        # In a thread, its end may be told only after the event loop has gone on.
        return self._collected + (now - self._collecting if self._collecting else 0.0)

    async def _watch(self) -> None:
        while True:
            before = time.perf_counter()
            collected = self._collected_until(before)
            await asyncio.sleep(TICK)
            now = time.perf_counter()
            self._looks.append((now - before - TICK, self._collected_until(now) - collected, now - self._began))


async def calm_ms() -> float:
    """The longest stall without work, which shows how punctual this machine is by itself."""
    async with LoopWatch() as watch:
        await asyncio.sleep(CALM)
    return float(watch.found()["stall_ms"])
