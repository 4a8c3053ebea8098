"""This package's operator with ``wait_for_completion``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_kling.operators import KlingImageToVideoOperator
from benchmarks import scenarios
from benchmarks.dag_parts import PHOTO, SCENARIOS, new_dag, prompts

if TYPE_CHECKING:
    from benchmarks.scenarios import Scenario


def kling_operator(scenario: Scenario) -> None:
    with new_dag(scenario, scenarios.OPERATOR):
        KlingImageToVideoOperator.partial(
            task_id="animate",
            kling_conn_id=scenario.kling_connection,
            image=str(PHOTO),
            duration=5,
            wait_for_completion=True,
            poll_interval=scenario.poll_interval,
        ).expand(prompt=prompts(scenario.videos))


for scenario in SCENARIOS:
    kling_operator(scenario)
