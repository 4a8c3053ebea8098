"""Dags for the end-to-end tests: each shows one promise."""

from __future__ import annotations

import base64
import os
import signal
from datetime import timedelta
from pathlib import Path

from airflow.sdk import TaskGroup, dag, task

from airflow_provider_kling.operators import (
    KlingImageToVideoBatchOperator,
    KlingImageToVideoOperator,
    KlingTextToVideoOperator,
)
from airflow_provider_kling.sensors import KlingTaskSensor

PHOTOGRAPH = Path(__file__).parents[3] / "example_dags" / "images" / "rocket.jpg"
COMMON = {
    "image": str(PHOTOGRAPH),
    "prompt": "The rocket lifts off",
    "duration": 3,
    "wait_for_completion": True,
    "poll_interval": 1,
}


class KilledAfterPost(KlingImageToVideoOperator):
    """Its worker is killed on the first try, after Kling has accepted the task and before Airflow knows of it."""

    def _push(self, kling_task, context):
        if context["ti"].try_number == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        super()._push(kling_task, context)


@dag(schedule=None)
def promise_hand_over():
    """The wait ends in the triggerer and its result reaches the next task as a real dict."""
    animate = KlingImageToVideoOperator(task_id="animate", **COMMON)

    @task
    def receive(manifest):
        assert isinstance(manifest["videos"], list), manifest
        return manifest["videos"][0]["id"]

    receive(animate.output)


@dag(schedule=None)
def promise_killed_worker():
    """A worker that dies right after the POST leads to one video."""
    KilledAfterPost(task_id="animate", retries=2, retry_delay=timedelta(seconds=1), **COMMON)


@dag(schedule=None)
def promise_relay():
    """The same at a host that drops external_task_id: what was sent is found by its time."""
    KilledAfterPost(
        task_id="animate", kling_conn_id="kling_relay", retries=2, retry_delay=timedelta(seconds=1), **COMMON
    )


@dag(schedule=None)
def promise_inline_image():
    """An image that stands in the Dag as base64 shows nowhere."""
    KlingImageToVideoOperator(
        task_id="animate", **{**COMMON, "image": base64.b64encode(PHOTOGRAPH.read_bytes()).decode()}
    )


def note_success(context):
    """Leave a file for the success callback."""
    (Path(os.environ["AIRFLOW_HOME"]) / context["run_id"]).touch()


@dag(schedule=None)
def promise_success_callback():
    """A success callback runs; for that a worker has to end the task."""
    KlingImageToVideoOperator(task_id="animate", on_success_callback=note_success, **COMMON)


@dag(schedule=None)
def promise_mapped():
    """A hundred mapped tasks at once, all of them ending in the triggerer."""
    imagine = KlingTextToVideoOperator.partial(
        task_id="imagine",
        kling_conn_id="kling_wide",
        duration=3,
        wait_for_completion=True,
        poll_interval=2,
    ).expand(prompt=[f"A number {number}" for number in range(100)])

    @task
    def receive(manifests):
        return sorted({manifest["videos"][0]["id"] for manifest in manifests})

    receive(imagine.output)


@dag(schedule=None)
def promise_budget():
    """Mapped tasks that start together, under a cap that has room for three of them."""
    KlingTextToVideoOperator.partial(
        task_id="imagine", model_name="kling-v3", duration=5, wait_for_completion=True, poll_interval=1, max_run_usd=1.3
    ).expand(prompt=[f"A number {number}" for number in range(6)])


@dag(schedule=None)
def promise_batch():
    """Many videos in one task, the loop in the triggerer."""
    KlingImageToVideoBatchOperator(
        task_id="animate_all",
        items=[{"image": str(PHOTOGRAPH), "prompt": f"Rocket {number}"} for number in range(12)],
        defaults={"duration": 3},
        output_uri=f"file://{os.environ['AIRFLOW_HOME']}/promise_batch",
        concurrency=4,
        poll_interval=1,
    )


@dag(schedule=None)
def promise_failure():
    """A failed wait resumes on a worker, which says precisely why."""
    KlingImageToVideoOperator(
        task_id="animate", retries=1, retry_delay=timedelta(seconds=1), **{**COMMON, "prompt": "simulate-risk-control"}
    )


@dag(schedule=None)
def promise_sensor_modes():
    """One submission, waited for in three ways, in a task group."""
    with TaskGroup("rocket"):
        animate = KlingImageToVideoOperator(task_id="animate", **{**COMMON, "wait_for_completion": False})
        for mode in ("poke", "reschedule", "deferrable"):
            KlingTaskSensor(
                task_id=mode,
                kling_task_id=animate.output["task_id"],
                deferrable=mode == "deferrable",
                mode="poke" if mode == "deferrable" else mode,
                poke_interval=2,
            )


@dag(schedule=None)
def promise_slots():
    """
    More videos than slots, without a pool: the rest waits outside the worker and uses no retry.

    The triggerer submits those of the first task, workers those of the second.
    """
    arguments = {"kling_conn_id": "kling_two_slots", "duration": 3, "wait_for_completion": True, "retries": 0}
    for task_id, fit in (("in_triggerer", "refuse"), ("on_worker", "shrink")):
        KlingTextToVideoOperator.partial(task_id=task_id, fit=fit, poll_interval=1, **arguments).expand(
            prompt=[f"A number {number}" for number in range(4)]
        )


@dag(schedule=None)
def promise_start_from_trigger():
    """A sensor that never touches a worker: it starts in the triggerer and ends there."""
    animate = KlingImageToVideoOperator(task_id="animate", **{**COMMON, "wait_for_completion": False})
    wait = KlingTaskSensor(
        task_id="wait", kling_task_id=animate.output["task_id"], start_from_trigger=True, poke_interval=1
    )

    @task
    def receive(manifest):
        return manifest["videos"][0]["id"]

    receive(wait.output)


promise_start_from_trigger()
promise_slots()
promise_hand_over()
promise_killed_worker()
promise_inline_image()
promise_mapped()
promise_failure()
promise_sensor_modes()
promise_success_callback()
promise_batch()
promise_budget()
promise_relay()
