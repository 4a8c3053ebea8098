"""What a running batch shows, without holding the event loop."""

from __future__ import annotations

import asyncio
import json

from airflow_provider_kling.batch.actions import Desired, Policy
from airflow_provider_kling.batch.reconciler import LINES_PER_SLICE, Reconciler
from airflow_provider_kling.batch.report import lines_of


def test_a_long_manifest_leaves_room_for_the_other_triggers():
    reconciler = Reconciler(
        [Desired(f"k{number}", f"x{number}") for number in range(4 * LINES_PER_SLICE + 1)],
        Policy(1, 0.0, 10.0),
        jitter=lambda: 0.5,
    )

    async def scenario():
        turns = 0

        async def others():
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        task = asyncio.create_task(others())
        lines = await lines_of(reconciler, ended=True)
        task.cancel()
        return turns, [json.loads(line) for line in lines]

    turns, records = asyncio.run(scenario())
    assert turns >= 4
    assert records == reconciler.records(ended=True)
    assert {record["status"] for record in records} == {"stopped"}
