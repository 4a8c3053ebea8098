"""Shared by the Dags. Each alternative has its own Dag file, so that a worker imports only what that file needs."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import TYPE_CHECKING

from airflow.sdk import DAG

from benchmarks import scenarios
from benchmarks.sizes import of_this_run

if TYPE_CHECKING:
    from benchmarks.scenarios import Scenario

PHOTO = Path(__file__).with_name("dags") / "photo.jpg"
PATH = "/v1/videos/image2video"
SIZES = of_this_run()
SCENARIOS = (scenarios.slow(SIZES), scenarios.fast(SIZES))


def prompts(count: int) -> list[str]:
    return [f"Video {number}" for number in range(count)]


def new_dag(scenario: Scenario, alternative: str) -> DAG:
    return DAG(scenario.dag_id(alternative), schedule=None, max_active_tasks=1000)


def image() -> str:
    """The example image as base64."""
    return base64.b64encode(PHOTO.read_bytes()).decode()


def body(prompt: str) -> dict[str, str]:
    return {"model_name": "kling-v3", "image": image(), "prompt": prompt, "duration": "5"}
