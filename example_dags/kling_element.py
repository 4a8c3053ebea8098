"""
An element: a character that looks the same in every video.

* **What:** one task creates an element from images of the character, the next one uses it in a video by its id. The
  last one lists the elements of the account and deletes this one.
* **When:** the same person or object appears in many videos. An element stays in the account until it is deleted.
* **Needs:** a connection `kling_default`; storage that all workers reach.
"""

from __future__ import annotations

from pathlib import Path

from airflow.sdk import Param, dag, task

from airflow_provider_kling.hooks import KlingHook
from airflow_provider_kling.operators import KlingCustomElementOperator, KlingImageToVideoOperator

IMAGES = Path(__file__).parent / "images"


@dag(
    doc_md=__doc__,
    schedule=None,
    catchup=False,
    tags=["kling", "example"],
    params={"output_uri": Param("file:///tmp/kling/", type="string")},
)
def kling_element():
    # [START howto_operator_element]
    figure = KlingCustomElementOperator(
        task_id="figure",
        element_name="Presenter",
        element_description="A friendly robot with a round antenna",
        reference_type="image_refer",
        element_image_list={
            "frontal_image": str(IMAGES / "presenter.jpg"),
            "refer_images": [str(IMAGES / "presenter.jpg")],
        },
        wait_for_completion=True,
        poll_interval=5,
    )
    report = KlingImageToVideoOperator(
        task_id="report",
        image=str(IMAGES / "rocket.jpg"),
        prompt="<<<element_1>>> walks to the rocket and waves",
        element_list=["{{ ti.xcom_pull(task_ids='figure')['elements'][0]['element_id'] }}"],
        duration=3,
        output_uri="{{ params.output_uri }}",
        poll_interval=5,
    )

    @task
    def tidy(element_id: str) -> list[str]:
        elements = KlingHook("kling_default").elements
        names = [known.element_name for known in [*elements.presets(), *elements.own()]]
        elements.delete(element_id)
        return names

    # [END howto_operator_element]
    figure >> report >> tidy("{{ ti.xcom_pull(task_ids='figure')['elements'][0]['element_id'] }}")


kling_element()
