"""
Objects that are marked in a video are swapped or removed.

* **What:** one task makes a video. Another one marks an object in it and swaps it. A third one marks with the hook and
  previews the marked area, and a fourth removes it.
* **When:** only one object in a video is wrong.
* **Needs:** a connection `kling_default`; storage that all workers reach. Kling retired the only model of this
  product on 2026-09-15: a relay may serve it, the simulator does.
"""

from __future__ import annotations

from pathlib import Path

from airflow.sdk import Param, dag, task

from airflow_provider_kling.hooks import KlingHook
from airflow_provider_kling.operators import KlingMultiElementsOperator, KlingTextToVideoOperator

JACKET = str(Path(__file__).parent / "images" / "jacket.jpg")
VIDEO_ID = "{{ ti.xcom_pull(task_ids='film')['videos'][0]['id'] }}"


@dag(
    doc_md=__doc__,
    schedule=None,
    catchup=False,
    tags=["kling", "example"],
    params={"output_uri": Param("file:///tmp/kling/", type="string")},
)
def kling_edit_video():
    film = KlingTextToVideoOperator(
        task_id="film",
        prompt="A person in a blue coat waits for a train",
        duration=5,
        wait_for_completion=True,
        poll_interval=5,
    )
    # [START howto_operator_multi_elements]
    swap = KlingMultiElementsOperator(
        task_id="swap",
        video_id=VIDEO_ID,
        marks=[{"frame_index": 0, "points": [(0.5, 0.4)]}],
        edit_mode="swap",
        image_list=[JACKET],
        prompt="The coat becomes a jacket",
        duration=5,
        output_uri="{{ params.output_uri }}",
        poll_interval=5,
    )
    # [END howto_operator_multi_elements]

    # [START howto_selections]
    @task
    def mark(video_id: str) -> str:
        selections = KlingHook("kling_default").selections
        session_id = selections.open(video_id=video_id).session_id
        selections.add(session_id, 0, [(0.5, 0.4), (0.9, 0.9)])
        selections.remove(session_id, 0, [(0.9, 0.9)])
        selections.preview(session_id)
        selections.clear(session_id)
        selections.add(session_id, 0, [(0.5, 0.4)])
        return session_id

    remove = KlingMultiElementsOperator(
        task_id="remove",
        session_id=mark(VIDEO_ID),
        edit_mode="removal",
        prompt="Nobody waits",
        duration=5,
        output_uri="{{ params.output_uri }}",
        poll_interval=5,
    )
    # [END howto_selections]
    film >> [swap, *remove.upstream_list]


kling_edit_video()
