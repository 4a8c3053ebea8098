"""The Dags of the chaos run: each submits, waits and stores in another way; the prompt identifies the submission."""

from __future__ import annotations

import json
import os
from datetime import timedelta
from typing import Any

from airflow.sdk import dag, task_group

from airflow_provider_kling.operators import KlingImageToVideoBatchOperator, KlingTextToVideoOperator
from airflow_provider_kling.sensors import KlingTaskSensor
from airflow_provider_kling.transfers import KlingToObjectStorageOperator

VIDEOS = os.environ["KLING_CHAOS_VIDEOS"]
# So many retries that no injected failure uses them up, without a long delay.
DEFAULTS = {"retries": 20, "retry_delay": timedelta(seconds=1)}
COMMON: dict[str, Any] = {"duration": 3, "poll_interval": 1, "timeout": 600}


def prompts(dag_id: str, *, refused: bool = False) -> list[str]:
    """One prompt per submission; with ``refused``, moderation rejects the last one."""
    names = [f"{dag_id} {{{{ run_id }}}} {index}" for index in range(how_many(dag_id))]
    return [*names[:-1], f"{names[-1]} simulate-risk-control"] if refused else names


def how_many(dag_id: str) -> int:
    """Number of submissions of a run of this Dag."""
    return int(json.loads(os.environ["KLING_CHAOS_SIZES"])[dag_id])


@dag(schedule=None, default_args=DEFAULTS)
def chaos_trigger() -> None:
    """The wait ends in the triggerer; moderation rejects one video."""
    KlingTextToVideoOperator.partial(task_id="animate", wait_for_completion=True, **COMMON).expand(
        prompt=prompts("chaos_trigger", refused=True)
    )


@dag(schedule=None, default_args=DEFAULTS)
def chaos_store() -> None:
    """A worker stores the video after the wait."""
    KlingTextToVideoOperator.partial(task_id="animate", output_uri=f"file://{VIDEOS}/store/", **COMMON).expand(
        prompt=prompts("chaos_store")
    )


@dag(schedule=None, default_args=DEFAULTS)
def chaos_chain() -> None:
    """Submit, wait and store are separate tasks."""

    @task_group
    def video(number: int) -> None:
        prompt = "chaos_chain {{ run_id }} {{ ti.map_index }}"
        # Airflow's types do not say that the output of a task may stand for a value.
        submitted: Any = KlingTextToVideoOperator(task_id="submit", prompt=prompt, duration=3).output
        waited: Any = KlingTaskSensor(
            task_id="wait", kling_task_id=submitted["task_id"], endpoint="text2video", poke_interval=1, timeout=600
        ).output
        KlingToObjectStorageOperator(task_id="store", manifest=waited, output_uri=f"file://{VIDEOS}/chain/")

    video.expand(number=list(range(how_many("chaos_chain"))))


@dag(schedule=None, default_args=DEFAULTS)
def chaos_worker() -> None:
    """Everything happens on a worker."""
    KlingTextToVideoOperator.partial(
        task_id="animate", deferrable=False, output_uri=f"file://{VIDEOS}/worker/", **COMMON
    ).expand(prompt=prompts("chaos_worker"))


@dag(schedule=None, default_args=DEFAULTS)
def chaos_batch() -> None:
    """One task for all videos; the triggerer submits, waits and stores."""
    KlingImageToVideoBatchOperator(
        task_id="animate",
        endpoint="text2video",
        items=[{"key": str(index), "prompt": prompt} for index, prompt in enumerate(prompts("chaos_batch"))],
        defaults={"duration": 3},
        output_uri=f"file://{VIDEOS}/batch/{{{{ run_id }}}}/",
        concurrency=3,
        poll_interval=1,
    )


chaos_trigger()
chaos_store()
chaos_chain()
chaos_worker()
chaos_batch()
