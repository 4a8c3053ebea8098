"""
A Dag run for each callback of an ended Kling task.

* **What:** the receiver of the documentation's page on callbacks starts a run; the run reads the task from Kling, as a
  callback is only a notification, and stores the results.
* **When:** the tasks are submitted elsewhere, and you want to store their results.
* **Needs:** a connection `kling_default`; storage that all workers reach; a receiver that Kling reaches. Triggered
  manually, it accepts the id of any task of the last 30 days.
"""

from __future__ import annotations

from airflow.sdk import Param, dag

from airflow_provider_kling.transfers import KlingToObjectStorageOperator


@dag(
    doc_md=__doc__,
    schedule=None,
    catchup=False,
    tags=["kling", "example"],
    params={
        "task_id": Param("", type="string"),
        "endpoint": Param("image2video", type="string"),
        "output_uri": Param("file:///tmp/kling/", type="string"),
    },
)
def kling_callback():
    # [START howto_callback]
    KlingToObjectStorageOperator(
        task_id="store",
        kling_task_id="{{ params.task_id }}",
        endpoint="{{ params.endpoint }}",
        output_uri="{{ params.output_uri }}",
    )
    # [END howto_callback]


kling_callback()
