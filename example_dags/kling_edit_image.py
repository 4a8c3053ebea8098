"""
An image is edited by a prompt, then extended beyond its edges.

* **What:** `<<<image_1>>>` in the prompt of an omni image is the image to edit; expansion generates its surroundings.
* **When:** an image in another light, or a square image for a wide frame.
* **Needs:** a connection `kling_default`; storage that all workers reach.
"""

from __future__ import annotations

from pathlib import Path

from airflow.sdk import Param, dag

from airflow_provider_kling.operators import KlingImageExpansionOperator, KlingOmniImageOperator

PHOTOGRAPH = str(Path(__file__).parent / "images" / "rocket.jpg")


@dag(
    doc_md=__doc__,
    schedule=None,
    catchup=False,
    tags=["kling", "example"],
    params={"output_uri": Param("file:///tmp/kling/", type="string")},
)
def kling_edit_image():
    # [START howto_operator_omni_image]
    night = KlingOmniImageOperator(
        task_id="night",
        prompt="<<<image_1>>> at night, under the stars",
        image_list=[PHOTOGRAPH],
        aspect_ratio="1:1",
        output_uri="{{ params.output_uri }}",
        poll_interval=5,
    )
    # [END howto_operator_omni_image]
    # [START howto_operator_image_expansion]
    widen = KlingImageExpansionOperator(
        task_id="widen",
        image="{{ ti.xcom_pull(task_ids='night')['files'][0]['uri'] }}",
        prompt="The coast around the launch pad",
        left_expansion_ratio=0.3,
        right_expansion_ratio=0.3,
        output_uri="{{ params.output_uri }}",
        poll_interval=5,
    )
    # [END howto_operator_image_expansion]
    night >> widen


kling_edit_image()
