"""Tasks that ask nobody: what Airflow itself costs, and what warms it up."""

from __future__ import annotations

from benchmarks import scenarios
from benchmarks.dag_parts import SIZES, new_dag
from benchmarks.floor import FloorOperator

SLOW = scenarios.slow(SIZES)

for alternative, count, seconds in ((scenarios.FLOOR, SLOW.videos, SIZES.seconds), ("warm_up", 3 * SIZES.workers, 1.0)):
    with new_dag(SLOW, alternative):
        FloorOperator.partial(task_id="floor", seconds=seconds).expand(number=list(range(count)))
