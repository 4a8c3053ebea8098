"""The two scenarios in which the alternatives are compared, and names that Dags and measurements share."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.sizes import Sizes

LOOP = "polling_loop"
POKE = "http_sensor_poke"
RESCHEDULE = "http_sensor_reschedule"
HTTP_DEFERRABLE = "http_sensor_deferrable"
CONVENTIONAL = "conventional_deferrable"
OPERATOR = "kling_operator"
OPERATOR_AND_SENSOR = "kling_operator_and_sensor"
STARTED_IN_TRIGGERER = "kling_sensor_in_triggerer"
BATCH = "kling_batch"
#: Not an alternative: it sends no request. Whatever starts a worker and waits costs at least this.
FLOOR = "floor"
#: Not alternatives either: they pay without checks. Whatever submits with ``requests`` costs at least this.
LEAST = "least"
LEAST_PAIR = "least_pair"
LEAST_RESULT = "least_result"

#: Alternatives that are compared with slow results.
ALL = (
    LOOP,
    POKE,
    RESCHEDULE,
    HTTP_DEFERRABLE,
    CONVENTIONAL,
    OPERATOR,
    OPERATOR_AND_SENSOR,
    STARTED_IN_TRIGGERER,
    BATCH,
)

#: Description of each alternative.
ALTERNATIVES = {
    LOOP: "a @task with a polling loop",
    POKE: "HttpOperator and HttpSensor, mode poke",
    RESCHEDULE: "HttpOperator and HttpSensor, mode reschedule",
    HTTP_DEFERRABLE: "HttpOperator and HttpSensor, deferrable",
    CONVENTIONAL: "a conventional deferrable operator",
    OPERATOR: "KlingImageToVideoOperator that waits",
    OPERATOR_AND_SENSOR: "KlingImageToVideoOperator and KlingTaskSensor",
    STARTED_IN_TRIGGERER: "the same, not mapped, start_from_trigger=True",
    BATCH: "KlingImageToVideoBatchOperator",
    FLOOR: "an operator that only defers, to a trigger that only sleeps",
    LEAST: "the floor, and one POST with requests and one XCom",
    LEAST_RESULT: "the same, whose trigger returns a result",
    LEAST_PAIR: "one POST with requests and one XCom, then the floor as a task of its own",
}


@dataclasses.dataclass(frozen=True)
class Scenario:
    """
    Videos that every alternative makes under the same conditions.

    :param name: name of the scenario, its simulator and its connections.
    :param videos: number of videos of each alternative except the batch operator.
    :param batch: number of videos of the batch operator.
    :param poll_interval: seconds.
    """

    name: str
    videos: int
    batch: int
    poll_interval: float

    @property
    def kling_connection(self) -> str:
        return f"kling_{self.name}"

    @property
    def http_connection(self) -> str:
        return f"http_{self.name}"

    def videos_of(self, alternative: str) -> int:
        return self.batch if alternative == BATCH else self.videos

    def dag_id(self, alternative: str) -> str:
        return f"{self.name}_{alternative}"


def slow(sizes: Sizes) -> Scenario:
    """Slow results: measures the cost of the wait."""
    return Scenario("slow", sizes.videos, sizes.batch, sizes.poll_interval)


def fast(sizes: Sizes) -> Scenario:
    """Results after one second: counts lost ones."""
    return Scenario("fast", sizes.fast, sizes.fast, 1.0)
