"""
A Dag run with a budget: requests that would exceed it are refused before anything is sent.

* **What:** `max_run_usd` counts what all Kling tasks of the run have spent or are about to spend, at list price;
  the last task sums up what was planned and what Kling charged.
* **When:** a Dag that other people start, and tasks whose number is not known beforehand.
* **Needs:** a connection `kling_default`; storage that all workers reach.
"""

from __future__ import annotations

from airflow.sdk import Param, dag

from airflow_provider_kling.operators import (
    KlingImageGenerationOperator,
    KlingImageToVideoOperator,
    KlingRunSummaryOperator,
)


# [START howto_budget]
@dag(
    doc_md=__doc__,
    schedule=None,
    catchup=False,
    tags=["kling", "example"],
    params={"output_uri": Param("file:///tmp/kling/", type="string")},
    default_args={"max_run_usd": 1},
)
def kling_budget():
    draw = KlingImageGenerationOperator(
        task_id="draw",
        prompt="A paper boat in a puddle, macro shot, morning light",
        aspect_ratio="1:1",
        output_uri="{{ params.output_uri }}",
        poll_interval=5,
    )
    animate = KlingImageToVideoOperator(
        task_id="animate",
        image="{{ ti.xcom_pull(task_ids='draw')['files'][0]['uri'] }}",
        prompt="The boat sails away",
        duration=5,
        max_units=5,
        output_uri="{{ params.output_uri }}",
        poll_interval=5,
    )
    draw >> animate >> KlingRunSummaryOperator(task_id="costs")
    # [END howto_budget]


kling_budget()
