"""
A custom voice speaks in a video.

* **What:** one task makes a video with a voice, the next one creates a custom voice from it, and a third one uses that
  voice. The last one lists the voices of the account and deletes this one.
* **When:** the same voice speaks in many videos. A voice stays in the account until it is deleted.
* **Needs:** a connection `kling_default`; storage that all workers reach.
"""

from __future__ import annotations

from pathlib import Path

from airflow.sdk import Param, dag, task

from airflow_provider_kling.hooks import KlingHook
from airflow_provider_kling.operators import (
    KlingCustomVoiceOperator,
    KlingImageToVideoOperator,
    KlingTextToVideoOperator,
)

PRESENTER = str(Path(__file__).parent / "images" / "presenter.jpg")
VOICE_ID = "{{ ti.xcom_pull(task_ids='voice')['voices'][0]['voice_id'] }}"


@dag(
    doc_md=__doc__,
    schedule=None,
    catchup=False,
    tags=["kling", "example"],
    params={"output_uri": Param("file:///tmp/kling/", type="string")},
)
def kling_voice():
    interview = KlingTextToVideoOperator(
        task_id="interview",
        prompt="A presenter says: good evening",
        sound=True,
        duration=5,
        wait_for_completion=True,
        poll_interval=5,
    )
    # [START howto_operator_custom_voice]
    voice = KlingCustomVoiceOperator(
        task_id="voice",
        voice_name="Presenter",
        video_id="{{ ti.xcom_pull(task_ids='interview')['videos'][0]['id'] }}",
        output_uri="{{ params.output_uri }}",
        poll_interval=5,
    )
    report = KlingImageToVideoOperator(
        task_id="report",
        model_name="kling-v2-6",
        mode="pro",
        image=PRESENTER,
        prompt="The presenter<<<voice_1>>> says: the rocket has landed",
        voice_list=[VOICE_ID],
        sound=True,
        duration=5,
        output_uri="{{ params.output_uri }}",
        poll_interval=5,
    )

    @task
    def tidy(voice_id: str) -> list[str]:
        voices = KlingHook("kling_default").voices
        names = [known.voice_name for known in [*voices.presets(), *voices.own()]]
        voices.delete(voice_id)
        return names

    # [END howto_operator_custom_voice]
    interview >> voice >> report >> tidy(VOICE_ID)


kling_voice()
