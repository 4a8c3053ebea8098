"""This package's operator, and its sensor that starts in the triggerer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_kling.operators import KlingImageToVideoOperator
from airflow_provider_kling.sensors import KlingTaskSensor
from benchmarks import scenarios
from benchmarks.dag_parts import PHOTO, SCENARIOS, new_dag, prompts

if TYPE_CHECKING:
    from benchmarks.scenarios import Scenario


def kling_sensor_in_triggerer(scenario: Scenario) -> None:
    """Not mapped, because Airflow starts only unmapped sensors in the triggerer."""
    with new_dag(scenario, scenarios.STARTED_IN_TRIGGERER):
        for number, prompt in enumerate(prompts(scenario.videos)):
            # Airflow's types do not say that the output of a task may stand for a value.
            animated: Any = KlingImageToVideoOperator(
                task_id=f"animate_{number}",
                kling_conn_id=scenario.kling_connection,
                image=str(PHOTO),
                duration=5,
                prompt=prompt,
            ).output
            KlingTaskSensor(
                task_id=f"wait_{number}",
                kling_conn_id=scenario.kling_connection,
                kling_task_id=animated["task_id"],
                poke_interval=scenario.poll_interval,
                start_from_trigger=True,
            )


for scenario in SCENARIOS:
    kling_sensor_in_triggerer(scenario)
