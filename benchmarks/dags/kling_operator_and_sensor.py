"""This package's operator and sensor, mapped together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import task_group

from airflow_provider_kling.operators import KlingImageToVideoOperator
from airflow_provider_kling.sensors import KlingTaskSensor
from benchmarks import scenarios
from benchmarks.dag_parts import PHOTO, SCENARIOS, new_dag, prompts

if TYPE_CHECKING:
    from benchmarks.scenarios import Scenario


def kling_operator_and_sensor(scenario: Scenario) -> None:
    with new_dag(scenario, scenarios.OPERATOR_AND_SENSOR):

        @task_group
        def video(prompt: str) -> None:
            # Airflow's types do not say that the output of a task may stand for a value.
            animated: Any = KlingImageToVideoOperator(
                task_id="animate",
                kling_conn_id=scenario.kling_connection,
                image=str(PHOTO),
                duration=5,
                prompt=prompt,
            ).output
            KlingTaskSensor(
                task_id="wait",
                kling_conn_id=scenario.kling_connection,
                kling_task_id=animated,
                poke_interval=scenario.poll_interval,
            )

        video.expand(prompt=prompts(scenario.videos))


for scenario in SCENARIOS:
    kling_operator_and_sensor(scenario)
