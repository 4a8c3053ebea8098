"""
First and last frame: a video between two images.

* **What:** `image` is the first frame, `image_tail` the last; Kling generates the frames between.
* **When:** product turns, before and after, loops (the same image twice).
* **Needs:** a connection `kling_default`. Every mode of kling-v3 takes a last frame; kling-v2-6 and kling-v2-5-turbo
  only in mode `pro`.
"""

from __future__ import annotations

from pathlib import Path

from airflow.sdk import Param, dag

from airflow_provider_kling.operators import KlingImageToVideoOperator

PHOTOGRAPH = str(Path(__file__).parent / "images" / "rocket.jpg")


@dag(
    doc_md=__doc__,
    schedule=None,
    catchup=False,
    tags=["kling", "example"],
    params={
        "first": Param(PHOTOGRAPH, type="string"),
        "last": Param(PHOTOGRAPH, type="string"),
        "output_uri": Param("file:///tmp/kling/", type="string"),
    },
)
def kling_first_and_last_frame():
    # [START howto_operator_image_tail]
    KlingImageToVideoOperator(
        task_id="animate",
        image="{{ params.first }}",
        image_tail="{{ params.last }}",
        prompt="A slow loop",
        model_name="kling-v3",
        mode="std",
        duration=3,
        output_uri="{{ params.output_uri }}",
        poll_interval=5,
    )
    # [END howto_operator_image_tail]


kling_first_and_last_frame()
