"""Sizes of the measurements: of a full run and of a quick one."""

from __future__ import annotations

import dataclasses
import json
import os

_VARIABLE = "KLING_BENCHMARK_SIZES"


@dataclasses.dataclass(frozen=True)
class Sizes:
    """
    The sizes of all measurements; Dags read them from the environment.

    :param videos: videos of each alternative whose CPU time is measured.
    :param batch: videos of the batch operator whose CPU time is measured.
    :param seconds: processing time of one of these videos.
    :param poll_interval: seconds between two polls, the same for every alternative.
    :param fast: tasks whose results come after one second.
    :param latency: number of tasks whose latency is measured, and of tasks that measure the floor.
    :param latency_seconds: seconds until the floor's triggers fire, and about the processing time of the videos.
    :param latency_interval: poll interval of these tasks.
    :param slots: slots of the account in the measurement of their utilisation.
    :param slot_videos: the batch operator's videos on these slots.
    :param mapped_videos: the mapped tasks' videos on these slots.
    :param slot_seconds: processing time of one of these videos.
    :param slot_interval: poll interval of these tasks.
    :param few_slots: slots of the account in the measurement with two triggerers.
    :param few_videos: the mapped tasks' videos on these slots.
    :param few_seconds: processing time of one of these videos.
    :param waiting: triggers that wait in one event loop.
    :param waiting_seconds: duration of that wait.
    :param waits: numbers of waits in one event loop whose cost is compared.
    :param batch_items: numbers of items of a batch whose cost is compared.
    :param swept: number of tasks of a sweep.
    :param workers: processes of the LocalExecutor; alternatives that hold a worker need one per video.
    :param idle_seconds: duration of the measurement of Airflow's idle CPU time, before and after the runs.
    :param imports: number of interpreters per import time.
    """

    videos: int = 20
    batch: int = 200
    seconds: float = 20.0
    poll_interval: float = 5.0
    fast: int = 100
    latency: int = 20
    latency_seconds: float = 40.0
    latency_interval: float = 10.0
    slots: int = 20
    slot_videos: int = 400
    mapped_videos: int = 100
    slot_seconds: float = 20.0
    slot_interval: float = 2.0
    few_slots: int = 10
    few_videos: int = 40
    few_seconds: float = 30.0
    waiting: int = 1000
    waiting_seconds: float = 60.0
    waits: tuple[int, ...] = (1000, 10_000)
    batch_items: tuple[int, ...] = (1000, 10_000, 100_000)
    swept: int = 500
    workers: int = 24
    idle_seconds: float = 30.0
    imports: int = 9

    def environment(self) -> dict[str, str]:
        """Return the environment variable from which Dags read the sizes."""
        return {_VARIABLE: json.dumps(dataclasses.asdict(self))}


FULL = Sizes()
QUICK = Sizes(
    videos=8,
    batch=80,
    seconds=10.0,
    poll_interval=3.0,
    fast=30,
    latency=8,
    latency_seconds=20.0,
    latency_interval=5.0,
    slot_videos=80,
    mapped_videos=40,
    slot_seconds=10.0,
    slot_interval=1.0,
    waiting_seconds=15.0,
    waits=(500, 2000),
    batch_items=(1000, 5000),
    idle_seconds=10.0,
    imports=3,
)


def of_this_run() -> Sizes:
    """Return the sizes from the environment, for Dags."""
    return Sizes(**json.loads(os.environ.get(_VARIABLE, "{}")))
