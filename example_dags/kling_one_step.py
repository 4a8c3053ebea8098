"""
One task from image to stored video.

* **What:** the operator submits, waits in the triggerer and stores the result itself, because it has an `output_uri`.
* **When:** one task per video is easiest to map, to assign to a pool and to read in the grid.
* **Needs:** a connection `kling_default`.
"""

from __future__ import annotations

from pathlib import Path

from airflow.sdk import Param, dag

from airflow_provider_kling.operators import KlingImageToVideoOperator, KlingTextToVideoOperator

PHOTOGRAPH = str(Path(__file__).parent / "images" / "rocket.jpg")


@dag(
    doc_md=__doc__,
    schedule=None,
    catchup=False,
    tags=["kling", "example"],
    params={"output_uri": Param("file:///tmp/kling/", type="string")},
)
def kling_one_step():
    # [START howto_operator_output_uri]
    KlingImageToVideoOperator(
        task_id="animate",
        image=PHOTOGRAPH,
        prompt="The rocket lifts off",
        duration=5,
        output_uri="{{ params.output_uri }}{{ run_id }}/{task_id}_{index}.{ext}",
        poll_interval=5,
    )
    # [END howto_operator_output_uri]
    # [START howto_operator_text_to_video]
    KlingTextToVideoOperator(
        task_id="imagine",
        prompt="A paper boat sails through a puddle, macro shot",
        aspect_ratio="9:16",
        duration=5,
        output_uri="{{ params.output_uri }}",
        poll_interval=5,
    )
    # [END howto_operator_text_to_video]


kling_one_step()
