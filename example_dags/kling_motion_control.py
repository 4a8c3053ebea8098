"""
Motion control: the person in an image moves like the one in a video.

* **What:** one task makes the video with the motion, the next one uses it by its URL.
* **When:** a movement that is hard to describe in a prompt. Your own video works too, by URL or from storage.
* **Needs:** a connection `kling_default`; storage that all workers reach.
"""

from __future__ import annotations

from pathlib import Path

from airflow.sdk import Param, dag

from airflow_provider_kling.operators import KlingMotionControlOperator, KlingTextToVideoOperator

PRESENTER = str(Path(__file__).parent / "images" / "presenter.jpg")


@dag(
    doc_md=__doc__,
    schedule=None,
    catchup=False,
    tags=["kling", "example"],
    params={"output_uri": Param("file:///tmp/kling/", type="string")},
)
def kling_motion_control():
    # [START howto_operator_motion_control]
    dance = KlingTextToVideoOperator(
        task_id="dance",
        prompt="One dancer in a bright studio, whole body in view",
        aspect_ratio="1:1",
        duration=3,
        wait_for_completion=True,
        poll_interval=5,
    )
    imitate = KlingMotionControlOperator(
        task_id="imitate",
        image_url=PRESENTER,
        video_url="{{ ti.xcom_pull(task_ids='dance')['videos'][0]['url'] }}",
        character_orientation="image",
        mode="std",
        output_uri="{{ params.output_uri }}",
        poll_interval=5,
    )
    # [END howto_operator_motion_control]
    # [START howto_operator_motion_control_by_model]
    imitate_again = KlingMotionControlOperator(
        task_id="imitate_again",
        model_name="kling-3.0",
        image_url=PRESENTER,
        video_url="{{ ti.xcom_pull(task_ids='dance')['videos'][0]['url'] }}",
        character_orientation="image",
        mode="std",
        output_uri="{{ params.output_uri }}",
        poll_interval=5,
    )
    # [END howto_operator_motion_control_by_model]
    dance >> [imitate, imitate_again]


kling_motion_control()
