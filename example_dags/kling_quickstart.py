"""
Quickstart: a photograph becomes a video on disk.

* **What:** submit an image to Kling, wait for the video without holding a worker, store it.
* **When:** you start with this provider; each of the three tasks can be retried or cleared without paying twice.
* **Needs:** a connection `kling_default`; the simulator or a Kling account behind it.
"""

from __future__ import annotations

from pathlib import Path

from airflow.sdk import Param, dag

from airflow_provider_kling.operators import KlingImageToVideoOperator
from airflow_provider_kling.sensors import KlingTaskSensor
from airflow_provider_kling.transfers import KlingToObjectStorageOperator

PHOTOGRAPH = str(Path(__file__).parent / "images" / "rocket.jpg")


@dag(
    doc_md=__doc__,
    schedule=None,
    catchup=False,
    tags=["kling", "example"],
    params={
        "image": Param(PHOTOGRAPH, type="string", description="Path, https URL or storage URI of an image"),
        "prompt": Param("The rocket lifts off, smoke rolls over the pad", type="string"),
        "output_uri": Param("file:///tmp/kling/", type="string", description="Folder for the video"),
    },
)
def kling_quickstart():
    # [START howto_quickstart]
    animate = KlingImageToVideoOperator(
        task_id="animate",
        image="{{ params.image }}",
        prompt="{{ params.prompt }}",
        duration=5,
    )
    wait = KlingTaskSensor(
        task_id="wait",
        kling_task_id=animate.output,
        poke_interval=5,
    )
    KlingToObjectStorageOperator(
        task_id="store",
        manifest=wait.output,
        output_uri="{{ params.output_uri }}",
    )
    # [END howto_quickstart]


kling_quickstart()
