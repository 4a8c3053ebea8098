"""
Measures many waits in one event loop, which start one after the other, as in Airflow's triggerer, and end together.

``python -m benchmarks.waits_process`` reads one JSON object from standard input and writes one to standard output.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import logging
import sys
import time
from typing import Any

from benchmarks.instant_kling import ENDPOINT, InstantKling, external_id
from benchmarks.process import LoopWatch, calm_ms, cpu_seconds, peak_mb, replace

#: Seconds between two polls, and until the tasks end.
INTERVAL = 5.0
BUSY = 12.0


async def main(count: int) -> dict[str, Any]:
    """Wait for ``count`` tasks; returns the cost."""
    from airflow_provider_kling.triggers.task import KlingTaskTrigger
    from airflow_provider_kling.waiting import shared_poller

    # A triggerer has imported it at its first wait.
    importlib.import_module("airflow_provider_kling.preparation.task_argument")
    kling = InstantKling()
    kling.is_busy = True
    replace(shared_poller, "AccountReader", kling.reader)
    KlingTaskTrigger.min_deferral = 0.0
    ids = [kling.create(number, external_id(number)).task_id for number in range(count)]
    triggers = [KlingTaskTrigger("kling", ENDPOINT, name, time.time() + 3600, INTERVAL) for name in ids]
    calm, cpu = await calm_ms(), cpu_seconds()
    async with LoopWatch() as watch:
        waits = []
        for trigger in triggers:
            waits.append(asyncio.create_task(_status(trigger)))
            await asyncio.sleep(0)
        await asyncio.sleep(BUSY)
        kling.is_busy = False
        ended = [await wait for wait in waits]
    if set(ended) != {"success"}:
        raise RuntimeError(f"the waits did not end as they should: {set(ended)}")
    return {
        "cpu_ms": 1000 * (cpu_seconds() - cpu) / count,
        **watch.found(),
        "calm_ms": calm,
        "peak_mb": peak_mb(),
    }


async def _status(trigger: Any) -> str:
    (event,) = [event async for event in trigger.run()]
    return str(event.payload["status"])


if __name__ == "__main__":
    logging.disable(logging.WARNING)
    print(json.dumps(asyncio.run(main(json.load(sys.stdin)["waits"]))))
