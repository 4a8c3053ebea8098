"""
A batch of another product: many pictures in one Airflow task.

* **What:** `endpoint` names the product that all items of the batch ask for.
* **When:** hundreds of pictures, sounds or videos of any product that belong together.
* **Needs:** a connection `kling_default`. Workers and triggerer reach the same `output_uri`.
"""

from __future__ import annotations

from airflow.sdk import Param, dag

from airflow_provider_kling.operators import KlingImageToVideoBatchOperator


@dag(
    doc_md=__doc__,
    schedule=None,
    catchup=False,
    tags=["kling", "example"],
    params={"output_uri": Param("file:///tmp/kling/pictures/", type="string")},
)
def kling_batch_of_pictures():
    # [START howto_operator_batch_endpoint]
    KlingImageToVideoBatchOperator(
        task_id="draw_all",
        endpoint="images/generations",
        items=[
            {"key": "boat", "prompt": "A paper boat in a puddle"},
            {"key": "plane", "prompt": "A paper plane above a roof"},
            {"key": "crane", "prompt": "A paper crane on a window sill"},
        ],
        defaults={"aspect_ratio": "1:1", "n": 1},
        output_uri="{{ params.output_uri }}",
        poll_interval=5,
    )
    # [END howto_operator_batch_endpoint]


kling_batch_of_pictures()
