"""
Camera control: set the movement of the camera.

* **What:** `camera_control` takes one of six movements, from -10 to 10, or a preset.
* **When:** only for servers that still run kling-v1 (text to video) or kling-v1-5 (image to video), such as the
  simulator with `--retired accept` or a relay: Kling itself retired both models, and with them camera control, on
  2026-09-15. For kling-v3 write the camera movement into the prompt.
* **Needs:** a connection `kling_default` to such a server.
"""

from __future__ import annotations

from pathlib import Path

from airflow.sdk import Param, dag

from airflow_provider_kling.operators import KlingImageToVideoOperator

PHOTOGRAPH = str(Path(__file__).parent / "images" / "rocket.jpg")


@dag(
    doc_md=__doc__,
    schedule=None,
    catchup=False,
    tags=["kling", "example"],
    params={"output_uri": Param("file:///tmp/kling/", type="string")},
)
def kling_camera_control():
    # [START howto_operator_camera_control]
    KlingImageToVideoOperator(
        task_id="animate",
        image=PHOTOGRAPH,
        prompt="The rocket on its pad",
        model_name="kling-v1-5",
        mode="pro",
        duration=5,
        camera_control={"type": "simple", "config": {"zoom": 5}},
        output_uri="{{ params.output_uri }}",
        poll_interval=5,
    )
    # [END howto_operator_camera_control]


kling_camera_control()
