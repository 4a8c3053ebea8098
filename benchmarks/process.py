"""Runs measurements in separate processes, which measure themselves."""

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
    from types import ModuleType

REPOSITORY = Path(__file__).resolve().parents[1]

#: Seconds between two checks of the event loop's delay; shorter ones would increase its CPU time.
TICK = 0.01

#: Seconds of a measurement without work.
CALM = 2.0


def answer(module: str, order: Mapping[str, Any], environment: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Run a module in a new process, with JSON on standard input; returns the JSON in its last line of output."""
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


def replace(module: ModuleType, name: str, stand_in: object) -> None:
    """Give a module another object under a name that it has, until this process ends."""
    if not hasattr(module, name):
        raise AttributeError(f"{module.__name__} has no {name}: the measurement would be one of the real thing")
    setattr(module, name, stand_in)


def cpu_seconds() -> float:
    """CPU seconds of this process so far."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def peak_mb() -> float:
    """Peak memory of this process in MB."""
    with suppress(OSError):
        # Not ru_maxrss, which for a child starts with the value of its parent.
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1000
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (1e6 if sys.platform == "darwin" else 1e3)


class LoopWatch:
    """
    Measures stalls of the event loop during an ``async with`` block.

    Python's garbage collector stops the process while it traverses all objects. Objects that existed before are frozen:
    those of Airflow alone take some 50 ms.
    """

    async def __aenter__(self) -> Self:
        gc.collect()
        gc.freeze()
        gc.callbacks.append(self._collects)
        self._collecting = self._collected = 0.0
        #: Delay of each check, part of the garbage collector, and time; in seconds.
        self._looks: list[tuple[float, float, float]] = []
        self._began = time.perf_counter()
        self._job = asyncio.create_task(self._watch())
        return self

    async def __aexit__(self, *_exception: object) -> None:
        gc.callbacks.remove(self._collects)
        self._job.cancel()

    def found(self) -> dict[str, Any]:
        """The longest stall in ms, with and without garbage collection, and the longest stalls with their times."""
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
        # In another thread, its end may be reported after the event loop has continued.
        return self._collected + (now - self._collecting if self._collecting else 0.0)

    async def _watch(self) -> None:
        while True:
            before = time.perf_counter()
            collected = self._collected_until(before)
            await asyncio.sleep(TICK)
            now = time.perf_counter()
            self._looks.append((now - before - TICK, self._collected_until(now) - collected, now - self._began))


async def calm_ms() -> float:
    """The longest stall without work: the delay that comes from the machine itself."""
    async with LoopWatch() as watch:
        await asyncio.sleep(CALM)
    return float(watch.found()["stall_ms"])
