"""
A video is extended by some seconds.

* **What:** extension continues a video that Kling made, from its id.
* **When:** only for servers that still run a V1 model, such as the simulator with `--retired accept` or a relay: Kling
  extends no others and retired those on 2026-09-15. With kling-v3 request up to 15 seconds at once.
* **Needs:** a connection `kling_default` to such a server; storage that all workers reach.
"""

from __future__ import annotations

from pathlib import Path

from airflow.sdk import Param, dag

from airflow_provider_kling.operators import KlingImageToVideoOperator, KlingVideoExtensionOperator

PHOTOGRAPH = str(Path(__file__).parent / "images" / "rocket.jpg")


@dag(
    doc_md=__doc__,
    schedule=None,
    catchup=False,
    tags=["kling", "example"],
    params={"output_uri": Param("file:///tmp/kling/", type="string")},
)
def kling_extend():
    # [START howto_operator_video_extension]
    animate = KlingImageToVideoOperator(
        task_id="animate",
        image=PHOTOGRAPH,
        prompt="The rocket lifts off",
        model_name="kling-v1-6",
        duration=5,
        wait_for_completion=True,
        poll_interval=5,
    )
    extend = KlingVideoExtensionOperator(
        task_id="extend",
        video_id="{{ ti.xcom_pull(task_ids='animate')['videos'][0]['id'] }}",
        prompt="The rocket disappears in the clouds",
        output_uri="{{ params.output_uri }}",
        poll_interval=5,
    )
    # [END howto_operator_video_extension]
    animate >> extend


kling_extend()
