"""
Many videos in one Airflow task: all slots in use, every file stored, one manifest, a limit of the cost.

* **What:** one task lists the images, one task makes all videos, without holding a worker.
* **When:** hundreds of videos that are one job for the Dag.
* **Needs:** a connection `kling_default`. Workers and triggerer reach the same `output_uri`.
"""

from __future__ import annotations

from pathlib import Path

from airflow.sdk import ObjectStoragePath, Param, dag, task

from airflow_provider_kling.operators import KlingImageToVideoBatchOperator

IMAGES = Path(__file__).parent / "images"


@dag(
    doc_md=__doc__,
    schedule=None,
    catchup=False,
    tags=["kling", "example"],
    params={
        "folder": Param(f"file://{IMAGES}", type="string"),
        "output_uri": Param("file:///tmp/kling/batch/", type="string"),
    },
)
def kling_batch():
    # [START howto_operator_batch]
    @task
    def list_items(folder: str) -> list[dict[str, str]]:
        pictures = [path for path in ObjectStoragePath(folder).iterdir() if path.suffix == ".jpg"]
        return [{"key": path.stem, "image": str(path)} for path in sorted(pictures, key=str)]

    KlingImageToVideoBatchOperator(
        task_id="animate_all",
        items=list_items("{{ params.folder }}"),
        defaults={"prompt": "Gentle movement", "duration": 3},
        output_uri="{{ params.output_uri }}",
        concurrency=5,
        max_units=100,
        units_per_item=1.8,
        poll_interval=5,
        retries=2,
    )
    # [END howto_operator_batch]


kling_batch()
