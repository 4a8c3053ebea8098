"""
Virtual try-on: a person in other clothes.

* **What:** an image of a person and an image of clothes become an image of the person in these clothes.
* **When:** pictures for a shop. Kling announced the end of this product for 2026-09-15 and sources disagree whether it
  came: the operator warns.
* **Needs:** a connection `kling_default`; storage that all workers reach.
"""

from __future__ import annotations

from pathlib import Path

from airflow.sdk import Param, dag

from airflow_provider_kling.operators import KlingVirtualTryOnOperator

IMAGES = Path(__file__).parent / "images"


@dag(
    doc_md=__doc__,
    schedule=None,
    catchup=False,
    tags=["kling", "example"],
    params={"output_uri": Param("file:///tmp/kling/", type="string")},
)
def kling_try_on():
    # [START howto_operator_try_on]
    KlingVirtualTryOnOperator(
        task_id="dress",
        human_image=str(IMAGES / "presenter.jpg"),
        cloth_image=str(IMAGES / "jacket.jpg"),
        output_uri="{{ params.output_uri }}",
        poll_interval=5,
    )
    # [END howto_operator_try_on]


kling_try_on()
