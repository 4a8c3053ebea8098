"""
A talking image: a text becomes speech, and the person in an image speaks it.

* **What:** one task makes the speech, the next one uses it by its id and animates the person.
* **When:** announcements and lessons of up to five minutes, from a text and one image.
* **Needs:** a connection `kling_default`; storage that all workers reach.
"""

from __future__ import annotations

from pathlib import Path

from airflow.sdk import Param, dag

from airflow_provider_kling.operators import KlingAvatarOperator, KlingTextToSpeechOperator

PRESENTER = str(Path(__file__).parent / "images" / "presenter.jpg")


@dag(
    doc_md=__doc__,
    schedule=None,
    catchup=False,
    tags=["kling", "example"],
    params={"output_uri": Param("file:///tmp/kling/", type="string")},
)
def kling_avatar():
    # [START howto_operator_avatar]
    speak = KlingTextToSpeechOperator(
        task_id="speak",
        text="Good evening. The rocket leaves in ten minutes.",
        voice_id="oversea_male1",
        voice_language="en",
    )
    present = KlingAvatarOperator(
        task_id="present",
        image=PRESENTER,
        audio_id="{{ ti.xcom_pull(task_ids='speak')['audios'][0]['id'] }}",
        output_uri="{{ params.output_uri }}",
        poll_interval=5,
    )
    # [END howto_operator_avatar]
    speak >> present


kling_avatar()
