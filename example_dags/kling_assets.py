"""
A Dag that starts when another one has stored a video.

* **What:** the operator has an outlet; its asset event contains the stored file, its checksum and its cost.
* **When:** videos are made and used by different Dags, perhaps of different teams.
* **Needs:** a connection `kling_default`. Both Dags have to be unpaused.
"""

from __future__ import annotations

from airflow.sdk import Asset, Param, dag, task

from airflow_provider_kling.operators import KlingTextToVideoOperator

# [START howto_assets]
PAPER_BOAT = Asset("paper_boat")


@dag(
    doc_md=__doc__,
    schedule=None,
    catchup=False,
    tags=["kling", "example"],
    params={"output_uri": Param("file:///tmp/kling/", type="string")},
)
def kling_assets():
    KlingTextToVideoOperator(
        task_id="imagine",
        prompt="A paper boat sails through a puddle, macro shot",
        duration=5,
        output_uri="{{ params.output_uri }}",
        poll_interval=5,
        outlets=[PAPER_BOAT],
    )


@dag(doc_md=__doc__, schedule=[PAPER_BOAT], catchup=False, tags=["kling", "example"])
def kling_assets_publish():
    @task
    def publish(triggering_asset_events=None):
        """Return where each new video is."""
        events = triggering_asset_events[PAPER_BOAT]
        return [file["uri"] for event in events for file in event.extra["files"]]

    publish()
    # [END howto_assets]


kling_assets()
kling_assets_publish()
