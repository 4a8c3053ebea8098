"""
Several subjects in one image, or in one video.

* **What:** one to four images of subjects, and an image of the scene, become one image; up to four images
  become a video.
* **When:** a person and a place are in different images.
* **Needs:** a connection `kling_default`; storage that all workers reach. Kling has retired the video: a relay may
  serve it, the simulator does.
"""

from __future__ import annotations

from pathlib import Path

from airflow.sdk import Param, dag

from airflow_provider_kling.operators import KlingMultiImageToImageOperator, KlingMultiImageToVideoOperator

IMAGES = Path(__file__).parent / "images"


@dag(
    doc_md=__doc__,
    schedule=None,
    catchup=False,
    tags=["kling", "example"],
    params={"output_uri": Param("file:///tmp/kling/", type="string")},
)
def kling_combine_images():
    # [START howto_operator_multi_image]
    KlingMultiImageToImageOperator(
        task_id="combine",
        subject_image_list=[str(IMAGES / "presenter.jpg"), str(IMAGES / "jacket.jpg")],
        scene_image=str(IMAGES / "rocket.jpg"),
        prompt="The figure carries the jacket over its arm, the rocket behind it",
        n=2,
        output_uri="{{ params.output_uri }}",
        poll_interval=5,
    )
    # [END howto_operator_multi_image]
    # [START howto_operator_multi_image_video]
    KlingMultiImageToVideoOperator(
        task_id="meet",
        image_list=[str(IMAGES / "presenter.jpg"), str(IMAGES / "rocket.jpg")],
        prompt="The figure walks to the rocket",
        duration=5,
        output_uri="{{ params.output_uri }}",
        poll_interval=5,
    )
    # [END howto_operator_multi_image_video]


kling_combine_images()
