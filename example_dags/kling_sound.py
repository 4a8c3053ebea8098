"""
A sound effect from a prompt, and a sound track for a video.

* **What:** one task makes a sound effect; two others make a silent video and give it a sound track, by its id.
* **When:** a video needs a sound track or a sound effect.
* **Needs:** a connection `kling_default`; storage that all workers reach.
"""

from __future__ import annotations

from pathlib import Path

from airflow.sdk import Param, dag

from airflow_provider_kling.operators import (
    KlingImageToVideoOperator,
    KlingTextToAudioOperator,
    KlingVideoToAudioOperator,
)

PHOTOGRAPH = str(Path(__file__).parent / "images" / "rocket.jpg")


@dag(
    doc_md=__doc__,
    schedule=None,
    catchup=False,
    tags=["kling", "example"],
    params={"output_uri": Param("file:///tmp/kling/", type="string")},
)
def kling_sound():
    # [START howto_operator_text_to_audio]
    KlingTextToAudioOperator(
        task_id="effect",
        prompt="A rocket engine starts, far away",
        duration=5,
        output_uri="{{ params.output_uri }}",
        poll_interval=5,
    )
    # [END howto_operator_text_to_audio]
    # [START howto_operator_video_to_audio]
    animate = KlingImageToVideoOperator(
        task_id="animate",
        image=PHOTOGRAPH,
        prompt="The rocket lifts off",
        duration=5,
        wait_for_completion=True,
        poll_interval=5,
    )
    score = KlingVideoToAudioOperator(
        task_id="score",
        video_id="{{ ti.xcom_pull(task_ids='animate')['videos'][0]['id'] }}",
        sound_effect_prompt="Engines, wind",
        bgm_prompt="Calm strings",
        output_uri="{{ params.output_uri }}",
        poll_interval=5,
    )
    # [END howto_operator_video_to_audio]
    animate >> score


kling_sound()
