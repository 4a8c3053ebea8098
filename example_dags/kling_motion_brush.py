"""
Motion brush: one region of the image moves along a path.

* **What:** `dynamic_masks` has a mask (the white area moves) and a path in pixels from the bottom left corner.
* **When:** only for servers that still run kling-v1 or kling-v1-5, such as the simulator with `--retired accept` or a
  relay: Kling itself retired both models, and with them the motion brush, on 2026-09-15. The operator warns, and the
  log says so.
* **Needs:** a connection `kling_default` to such a server.
"""

from __future__ import annotations

from pathlib import Path

from airflow.sdk import Param, dag

from airflow_provider_kling.operators import KlingImageToVideoOperator

IMAGES = Path(__file__).parent / "images"


@dag(
    doc_md=__doc__,
    schedule=None,
    catchup=False,
    tags=["kling", "example"],
    params={"output_uri": Param("file:///tmp/kling/", type="string")},
)
def kling_motion_brush():
    # [START howto_operator_dynamic_masks]
    KlingImageToVideoOperator(
        task_id="animate",
        image=str(IMAGES / "rocket.jpg"),
        prompt="The rocket rises",
        model_name="kling-v1",
        mode="std",
        duration=5,
        dynamic_masks=[
            {
                "mask": str(IMAGES / "rocket_mask.png"),
                "trajectories": [{"x": 325, "y": 230}, {"x": 325, "y": 300}, {"x": 325, "y": 400}],
            }
        ],
        output_uri="{{ params.output_uri }}",
        poll_interval=5,
    )
    # [END howto_operator_dynamic_masks]


kling_motion_brush()
