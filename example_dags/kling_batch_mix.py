"""
A batch of several products: a video, images and a sound in one Airflow task.

* **What:** `endpoint` of an item is its product; `endpoint` of the operator is the default.
* **When:** one job needs results of several kinds, such as the parts of a movie.
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
    params={"output_uri": Param("file:///tmp/kling/mix/", type="string")},
)
def kling_batch_mix():
    # [START howto_operator_batch_mix]
    KlingImageToVideoBatchOperator(
        task_id="make_all",
        items=[
            {"key": "boat", "endpoint": "text2video", "prompt": "A paper boat in a puddle", "duration": 3},
            {"key": "harbour", "endpoint": "images/generations", "prompt": "A harbour at dawn", "n": 2},
            {"key": "rain", "endpoint": "text-to-audio", "prompt": "Rain on a tin roof", "duration": 5},
        ],
        output_uri="{{ params.output_uri }}",
        poll_interval=5,
    )
    # [END howto_operator_batch_mix]


kling_batch_mix()
