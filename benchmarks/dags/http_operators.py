"""The generic HTTP operators."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from airflow.providers.http.operators.http import HttpOperator
from airflow.providers.http.sensors.http import HttpSensor
from airflow.sdk import task_group

from benchmarks import scenarios
from benchmarks.dag_parts import PATH, SCENARIOS, body, new_dag, prompts

if TYPE_CHECKING:
    from requests import Response

    from benchmarks.scenarios import Scenario


def http(scenario: Scenario, alternative: str, **sensor: Any) -> None:
    """The generic operators: post the request, then poll the path of the task with a sensor."""

    def path_of_task(response: Response) -> str:
        return f"{PATH}/{response.json()['data']['task_id']}"

    def has_ended(response: Response) -> bool:
        data = response.json()["data"]
        if data["task_status"] == "failed":
            raise RuntimeError(data["task_status_msg"])
        return bool(data["task_status"] == "succeed")

    with new_dag(scenario, alternative):

        @task_group
        def video(data: str) -> None:
            # Airflow's types do not say that the output of a task may stand for a value.
            submitted: Any = HttpOperator(
                task_id="submit",
                http_conn_id=scenario.http_connection,
                endpoint=PATH,
                data=data,
                response_filter=path_of_task,
            ).output
            HttpSensor(
                task_id="wait",
                http_conn_id=scenario.http_connection,
                endpoint=submitted,
                response_check=has_ended,
                poke_interval=scenario.poll_interval,
                **sensor,
            )

        video.expand(data=[json.dumps(body(prompt)) for prompt in prompts(scenario.videos)])


for workload in SCENARIOS:
    http(workload, scenarios.POKE, mode="poke")
    http(workload, scenarios.RESCHEDULE, mode="reschedule")
    http(workload, scenarios.HTTP_DEFERRABLE, deferrable=True)
