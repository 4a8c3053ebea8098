"""Videos, and as many tasks whose trigger fires after a fixed time, in one run."""

from __future__ import annotations

from airflow.sdk import DAG

from airflow_provider_kling.operators import KlingImageToVideoOperator
from benchmarks.dag_parts import PHOTO, SIZES
from benchmarks.floor import FloorOperator

#: Seconds of output. The processing time grows with it, so that the videos end at different times; waiting tasks are
#: polled together, and equal times would all have the same delay until the next poll.
SHORTEST, LONGEST = 6, 15


def video(number: int) -> dict[str, object]:
    return {"prompt": f"Video {number}", "duration": SHORTEST + number % (LONGEST - SHORTEST + 1)}


def latency(dag_id: str, count: int, seconds: float, poll_interval: float) -> None:
    with DAG(dag_id, schedule=None, max_active_tasks=1000):
        KlingImageToVideoOperator.partial(
            task_id="animate",
            kling_conn_id="kling_latency",
            image=str(PHOTO),
            wait_for_completion=True,
            poll_interval=poll_interval,
        ).expand_kwargs([video(number) for number in range(count)])
        FloorOperator.partial(task_id="floor", seconds=seconds).expand(number=list(range(count)))


latency("latency", SIZES.latency, SIZES.latency_seconds, SIZES.latency_interval)
latency("latency_warm_up", 1, 1.0, 1.0)
