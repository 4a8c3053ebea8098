"""The batch operator: results after one second, and many videos with few slots."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from airflow.sdk import DAG

from airflow_provider_kling.operators import KlingImageToVideoBatchOperator
from benchmarks import scenarios
from benchmarks.dag_parts import PHOTO, SCENARIOS, SIZES

FOLDER = Path(os.environ.get("AIRFLOW_HOME", "/tmp")) / "videos"


def batch(dag_id: str, videos: int, *, batches: int = 1, **options: Any) -> None:
    with DAG(dag_id, schedule=None):
        for first in range(batches):
            KlingImageToVideoBatchOperator(
                task_id=f"animate_{first}" if first else "animate",
                items=[{"image": str(PHOTO), "prompt": f"Video {number}"} for number in range(first, videos, batches)],
                defaults={"duration": 5},
                output_uri=f"file://{FOLDER}/{dag_id}_{first}",
                **options,
            )


for scenario in SCENARIOS:
    batch(
        scenario.dag_id(scenarios.BATCH),
        scenario.batch,
        kling_conn_id=scenario.kling_connection,
        poll_interval=scenario.poll_interval,
        concurrency=scenario.batch // 2,
    )
for name, batches in (("slots_batch", 1), ("slots_two_batches", 2)):
    batch(
        name,
        SIZES.slot_videos,
        batches=batches,
        kling_conn_id=f"kling_{name}",
        poll_interval=SIZES.slot_interval,
        concurrency=SIZES.slots,
    )
