"""
A prompt becomes images, and the first image becomes a video.

* **What:** one task makes two images and stores them, the next one animates the first.
* **When:** you try a style: an image is much cheaper than a video.
* **Needs:** a connection `kling_default`; storage that all workers reach.
"""

from __future__ import annotations

from airflow.sdk import Param, dag

from airflow_provider_kling.operators import KlingImageGenerationOperator, KlingImageToVideoOperator


@dag(
    doc_md=__doc__,
    schedule=None,
    catchup=False,
    tags=["kling", "example"],
    params={"output_uri": Param("file:///tmp/kling/", type="string")},
)
def kling_images():
    # [START howto_operator_images]
    draw = KlingImageGenerationOperator(
        task_id="draw",
        prompt="A paper boat in a puddle, macro shot, morning light",
        n=2,
        aspect_ratio="1:1",
        output_uri="{{ params.output_uri }}",
        poll_interval=5,
    )
    animate = KlingImageToVideoOperator(
        task_id="animate",
        image="{{ ti.xcom_pull(task_ids='draw')['files'][0]['uri'] }}",
        prompt="The boat sails away",
        output_uri="{{ params.output_uri }}",
        poll_interval=5,
    )
    draw >> animate
    # [END howto_operator_images]


kling_images()
