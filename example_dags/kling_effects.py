"""
An image in one of Kling's preset effects.

* **What:** `effect_scene` is the effect, `input` contains the image.
* **When:** an effect is sufficient and no prompt is needed. Kling adds and removes effects often.
* **Needs:** a connection `kling_default`; storage that all workers reach.
"""

from __future__ import annotations

from pathlib import Path

from airflow.sdk import Param, dag

from airflow_provider_kling.operators import KlingEffectsOperator

PHOTOGRAPH = str(Path(__file__).parent / "images" / "rocket.jpg")


@dag(
    doc_md=__doc__,
    schedule=None,
    catchup=False,
    tags=["kling", "example"],
    params={"output_uri": Param("file:///tmp/kling/", type="string")},
)
def kling_effects():
    # [START howto_operator_effects]
    KlingEffectsOperator(
        task_id="squish",
        effect_scene="squish",
        input={"image": PHOTOGRAPH},
        output_uri="{{ params.output_uri }}",
        poll_interval=5,
    )
    # [END howto_operator_effects]


kling_effects()
