"""
A folder of images: one mapped task for each, limited to the slots of the account.

* **What:** a task lists the images, the operator is expanded over them, and a pool limits the tasks at Kling.
* **When:** dozens to a thousand images per run.
* **Needs:** a connection `kling_default`, and a pool `kling` whose slots are the account's concurrency. It must count
  deferred tasks, because a video that Kling is making holds its slot while the Airflow task is deferred. Without the
  pool the tasks stay in the state "scheduled".

This command creates the pool:

    airflow pools set kling 5 "Kling: slots of the resource pack" --include-deferred
"""

from __future__ import annotations

from pathlib import Path

from airflow.sdk import ObjectStoragePath, Param, dag, task

from airflow_provider_kling.operators import KlingImageToVideoOperator

IMAGES = Path(__file__).parent / "images"


@dag(
    doc_md=__doc__,
    schedule=None,
    catchup=False,
    tags=["kling", "example"],
    params={
        "folder": Param(f"file://{IMAGES}", type="string"),
        "output_uri": Param("file:///tmp/kling/", type="string"),
    },
)
def kling_folder_of_images():
    # [START howto_operator_mapped]
    @task
    def list_images(folder: str) -> list[str]:
        return sorted(str(path) for path in ObjectStoragePath(folder).iterdir() if path.suffix == ".jpg")

    KlingImageToVideoOperator.partial(
        task_id="animate",
        prompt="Gentle movement",
        duration=3,
        output_uri="{{ params.output_uri }}",
        poll_interval=5,
        pool="kling",
        retries=2,
    ).expand(image=list_images("{{ params.folder }}"))
    # [END howto_operator_mapped]


kling_folder_of_images()
