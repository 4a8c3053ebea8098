"""
Further views of a subject, and parts cut out of its image.

* **What:** AI multi-shot generates three more views of the subject of an image; recognition cuts objects, heads, faces
  and clothes out of it, synchronously.
* **When:** an element needs more views than you have, or a video needs a part of an image.
* **Needs:** a connection `kling_default`; storage that all workers reach.
"""

from __future__ import annotations

from pathlib import Path

from airflow.sdk import Param, dag

from airflow_provider_kling.operators import KlingImageRecognitionOperator, KlingMultiShotOperator

PRESENTER = str(Path(__file__).parent / "images" / "presenter.jpg")


@dag(
    doc_md=__doc__,
    schedule=None,
    catchup=False,
    tags=["kling", "example"],
    params={"output_uri": Param("file:///tmp/kling/", type="string")},
)
def kling_views():
    # [START howto_operator_multi_shot]
    KlingMultiShotOperator(
        task_id="views",
        element_frontal_image=PRESENTER,
        output_uri="{{ params.output_uri }}",
        poll_interval=5,
    )
    # [END howto_operator_multi_shot]
    # [START howto_operator_recognition]
    KlingImageRecognitionOperator(
        task_id="parts",
        image=PRESENTER,
        output_uri="{{ params.output_uri }}",
    )
    # [END howto_operator_recognition]


kling_views()
