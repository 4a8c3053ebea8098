"""
The second generation of Kling's API: a fast model that always generates sound.

* **What:** `kling-3.0-turbo` is a model like any other here; the provider translates the request for the new API.
* **When:** drafts with sound, and models that the classic API does not have.
* **Needs:** a connection `kling_default` with an API key, as the new API takes no AccessKey; storage that all workers
  reach.
"""

from __future__ import annotations

from pathlib import Path

from airflow.sdk import Param, dag

from airflow_provider_kling.operators import KlingImageToVideoOperator, KlingTextToVideoOperator

PHOTOGRAPH = str(Path(__file__).parent / "images" / "rocket.jpg")


@dag(
    doc_md=__doc__,
    schedule=None,
    catchup=False,
    tags=["kling", "example"],
    params={"output_uri": Param("file:///tmp/kling/", type="string")},
)
def kling_second_generation():
    # [START howto_second_generation]
    KlingTextToVideoOperator(
        task_id="imagine",
        model_name="kling-3.0-turbo",
        prompt="A paper boat sails through a puddle, macro shot",
        aspect_ratio="9:16",
        duration=3,
        output_uri="{{ params.output_uri }}",
        poll_interval=5,
    )
    KlingImageToVideoOperator(
        task_id="animate",
        model_name="kling-3.0-turbo",
        image=PHOTOGRAPH,
        prompt="The rocket lifts off",
        mode="std",
        duration=3,
        output_uri="{{ params.output_uri }}",
        poll_interval=5,
    )
    # [END howto_second_generation]


kling_second_generation()
