"""The conventional deferrable operator of Airflow providers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks import scenarios
from benchmarks.conventional import ConventionalOperator
from benchmarks.dag_parts import SCENARIOS, image, new_dag, prompts

if TYPE_CHECKING:
    from benchmarks.scenarios import Scenario


def conventional(scenario: Scenario) -> None:
    with new_dag(scenario, scenarios.CONVENTIONAL):
        ConventionalOperator.partial(
            task_id="animate",
            conn_id=scenario.kling_connection,
            image=image(),
            poll_interval=scenario.poll_interval,
        ).expand(prompt=prompts(scenario.videos))


for workload in SCENARIOS:
    conventional(workload)
