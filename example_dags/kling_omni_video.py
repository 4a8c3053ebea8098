"""
Omni video: the prompt refers to images.

* **What:** `<<<image_1>>>` and `<<<image_2>>>` in the prompt are the first and the second image of `image_list`.
* **When:** a person and a place must look as in their images, and no first frame shows both.
* **Needs:** a connection `kling_default`; storage that all workers reach.
"""

from __future__ import annotations

from pathlib import Path

from airflow.sdk import Param, dag

from airflow_provider_kling.operators import KlingOmniVideoOperator

IMAGES = Path(__file__).parent / "images"


@dag(
    doc_md=__doc__,
    schedule=None,
    catchup=False,
    tags=["kling", "example"],
    params={"output_uri": Param("file:///tmp/kling/", type="string")},
)
def kling_omni_video():
    # [START howto_operator_omni_video]
    KlingOmniVideoOperator(
        task_id="meet",
        prompt="<<<image_1>>> reports from the launch pad of <<<image_2>>>",
        image_list=[str(IMAGES / "presenter.jpg"), str(IMAGES / "rocket.jpg")],
        aspect_ratio="16:9",
        mode="std",
        duration=3,
        output_uri="{{ params.output_uri }}",
        poll_interval=5,
    )
    # [END howto_operator_omni_video]
    # [START howto_operator_omni_video_by_model]
    KlingOmniVideoOperator(
        task_id="meet_again",
        model_name="kling-3.0-omni",
        prompt="<<<image_1>>> waves to the camera",
        image_list=[str(IMAGES / "presenter.jpg")],
        aspect_ratio="16:9",
        mode="std",
        duration=3,
        output_uri="{{ params.output_uri }}",
        poll_interval=5,
    )
    # [END howto_operator_omni_video_by_model]


kling_omni_video()
