"""
Lip sync from private files: the person in your video speaks your sound.

* **What:** one task finds the faces, the next one moves the lips of one of them. In the two others Kling chooses the
  face: one speaks a text, one a sound. Kling accepts videos by URL only; the storage signs URLs for twelve hours, so
  that the files stay private.
* **When:** dubbing, a changed line, a text in another voice.
* **Needs:** connections `kling_default` and `kling_studio` (S3; gs and Azure work too), and a bucket `studio` with
  the two files of the folder `files` beside this Dag. Kling must reach the storage. The demo has all of it on this
  machine.
"""

from __future__ import annotations

from airflow.sdk import Param, dag

from airflow_provider_kling.operators import (
    KlingIdentifyFaceOperator,
    KlingLipSyncOperator,
    KlingOneCallLipSyncOperator,
)


@dag(
    doc_md=__doc__,
    schedule=None,
    catchup=False,
    tags=["kling", "example"],
    params={"output_uri": Param("file:///tmp/kling/", type="string")},
)
def kling_lip_sync():
    # [START howto_operator_lip_sync]
    faces = KlingIdentifyFaceOperator(
        task_id="faces", video_url="s3://studio/presenter.mp4", image_conn_id="kling_studio"
    )
    dub = KlingLipSyncOperator(
        task_id="dub",
        session_id="{{ ti.xcom_pull(task_ids='faces')['task_id'] }}",
        face_choose=[
            {
                "face_id": "{{ ti.xcom_pull(task_ids='faces')['faces'][0]['face_id'] }}",
                "sound_file": "s3://studio/voice.mp3",
                "sound_start_time": 0,
                "sound_end_time": 4000,
                "sound_insert_time": 0,
            }
        ],
        image_conn_id="kling_studio",
        output_uri="{{ params.output_uri }}",
        poll_interval=5,
    )
    # [END howto_operator_lip_sync]
    # [START howto_operator_one_call_lip_sync]
    KlingOneCallLipSyncOperator(
        task_id="greet",
        input={
            "video_url": "s3://studio/presenter.mp4",
            "text": "Good morning!",
            "voice_id": "oversea_male1",
            "voice_language": "en",
        },
        image_conn_id="kling_studio",
        output_uri="{{ params.output_uri }}",
        poll_interval=5,
    )
    KlingOneCallLipSyncOperator(
        task_id="dub_in_one_call",
        input={"video_url": "s3://studio/presenter.mp4", "audio_url": "s3://studio/voice.mp3"},
        image_conn_id="kling_studio",
        output_uri="{{ params.output_uri }}",
        poll_interval=5,
    )
    # [END howto_operator_one_call_lip_sync]
    faces >> dub


kling_lip_sync()
