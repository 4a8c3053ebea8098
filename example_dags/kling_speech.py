"""
A text becomes speech.

* **What:** Kling's response contains the sound, which is stored; there is no wait.
* **When:** a voice for a video, or an announcement.
* **Needs:** a connection `kling_default`; storage that all workers reach.
"""

from __future__ import annotations

from airflow.sdk import Param, dag

from airflow_provider_kling.operators import KlingTextToSpeechOperator


@dag(
    doc_md=__doc__,
    schedule=None,
    catchup=False,
    tags=["kling", "example"],
    params={"output_uri": Param("file:///tmp/kling/", type="string")},
)
def kling_speech():
    # [START howto_operator_speech]
    KlingTextToSpeechOperator(
        task_id="speak",
        text="A paper boat leaves the harbour.",
        voice_id="oversea_male1",
        voice_language="en",
        output_uri="{{ params.output_uri }}",
    )
    # [END howto_operator_speech]


kling_speech()
