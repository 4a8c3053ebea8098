"""
A video from one sentence: an image is generated, animated, extended and gets a sound track, and the video is stored.

* **What:** five products in one Dag; each task uses the result of the previous one, by its file or its id.
* **When:** one style for all steps, and a Clear of one task must not pay for the others again.
* **Needs:** a connection `kling_default`; storage that all workers reach. The extension needs a server that still runs
  a V1 model, such as the simulator with `--retired accept`; for Kling itself leave `extend` out and ask `animate` for
  up to 15 seconds of kling-v3.
"""

from __future__ import annotations

from airflow.sdk import Param, chain, dag

from airflow_provider_kling.operators import (
    KlingImageGenerationOperator,
    KlingImageToVideoOperator,
    KlingVideoExtensionOperator,
    KlingVideoToAudioOperator,
)
from airflow_provider_kling.transfers import KlingToObjectStorageOperator


@dag(
    doc_md=__doc__,
    schedule=None,
    catchup=False,
    tags=["kling", "example"],
    params={"output_uri": Param("file:///tmp/kling/film/", type="string")},
)
def kling_film():
    # [START howto_film]
    draw = KlingImageGenerationOperator(
        task_id="draw",
        prompt="A paper boat in a puddle, macro shot, morning light",
        aspect_ratio="1:1",
        output_uri="{{ params.output_uri }}",
        poll_interval=5,
    )
    animate = KlingImageToVideoOperator(
        task_id="animate",
        image="{{ ti.xcom_pull(task_ids='draw')['files'][0]['uri'] }}",
        prompt="The boat sails away",
        model_name="kling-v1-6",
        wait_for_completion=True,
        poll_interval=5,
    )
    extend = KlingVideoExtensionOperator(
        task_id="extend",
        video_id="{{ ti.xcom_pull(task_ids='animate')['videos'][0]['id'] }}",
        prompt="The boat reaches the other side",
        wait_for_completion=True,
        poll_interval=5,
    )
    score = KlingVideoToAudioOperator(
        task_id="score",
        video_id="{{ ti.xcom_pull(task_ids='extend')['videos'][0]['id'] }}",
        bgm_prompt="A small guitar melody",
        wait_for_completion=True,
        poll_interval=5,
    )
    store = KlingToObjectStorageOperator(
        task_id="store",
        manifest=score.output,
        output_uri="{{ params.output_uri }}",
    )
    chain(draw, animate, extend, score, store)
    # [END howto_film]


kling_film()
