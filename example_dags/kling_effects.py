"""
A picture in one of Kling's ready-made effects.

* **What:** `effect_scene` names the effect, `input` holds the picture.
* **When:** the effect is all that is wanted, and no prompt has to be found. Kling adds and removes effects often.
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
