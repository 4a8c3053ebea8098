"""The minimum that submits and waits: an operator without checks that stores only Kling's id."""

from __future__ import annotations

from typing import Any

from airflow.sdk import task_group

from benchmarks import scenarios
from benchmarks.dag_parts import SIZES, image, new_dag, prompts
from benchmarks.floor import FloorOperator, SubmittingFloorOperator

SLOW = scenarios.slow(SIZES)
ARGUMENTS: dict[str, Any] = {"task_id": "animate", "conn_id": SLOW.kling_connection, "image": image()}

with new_dag(SLOW, scenarios.LEAST):
    SubmittingFloorOperator.partial(**ARGUMENTS, seconds=SIZES.seconds).expand(prompt=prompts(SLOW.videos))

with new_dag(SLOW, scenarios.LEAST_RESULT):
    SubmittingFloorOperator.partial(**ARGUMENTS, seconds=SIZES.seconds, returns=True).expand(
        prompt=prompts(SLOW.videos)
    )

with new_dag(SLOW, scenarios.LEAST_PAIR):

    @task_group
    def video(prompt: str) -> None:
        animate = SubmittingFloorOperator(**ARGUMENTS, seconds=0, prompt=prompt)
        animate >> FloorOperator(task_id="wait", number=0, seconds=SIZES.seconds)

    video.expand(prompt=prompts(SLOW.videos))
