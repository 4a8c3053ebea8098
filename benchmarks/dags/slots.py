"""Mapped tasks with few slots at Kling: with a pool, without, and with two triggerers."""

from __future__ import annotations

from airflow.sdk import DAG

from airflow_provider_kling.operators import KlingImageToVideoOperator
from benchmarks.dag_parts import PHOTO, SIZES

for name, pool, videos in (
    ("slots_pool_only", "slots_pool_only", SIZES.mapped_videos),
    ("slots_mapped", "default_pool", SIZES.mapped_videos),
    ("slots_two_triggerers", "default_pool", SIZES.few_videos),
):
    with DAG(name, schedule=None, max_active_tasks=1000):
        KlingImageToVideoOperator.partial(
            task_id="animate",
            pool=pool,
            kling_conn_id=f"kling_{name}",
            image=str(PHOTO),
            duration=5,
            wait_for_completion=True,
            poll_interval=SIZES.slot_interval,
        ).expand(prompt=[f"Video {number}" for number in range(videos)])
