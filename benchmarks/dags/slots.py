"""Many videos on few of Kling's slots, as mapped tasks: with a pool, and without."""

from __future__ import annotations

from airflow.sdk import DAG

from airflow_provider_kling.operators import KlingImageToVideoOperator
from benchmarks.dag_parts import PHOTO, SIZES

for name, pool in (("slots_pool_only", "slots_pool_only"), ("slots_mapped", "default_pool")):
    with DAG(name, schedule=None, max_active_tasks=1000):
        KlingImageToVideoOperator.partial(
            task_id="animate",
            pool=pool,
            kling_conn_id=f"kling_{name}",
            image=str(PHOTO),
            duration=5,
            wait_for_completion=True,
            poll_interval=SIZES.slot_interval,
        ).expand(prompt=[f"Video {number}" for number in range(SIZES.mapped_videos)])
