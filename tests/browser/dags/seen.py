"""Dags whose pages the browser looks at."""

from __future__ import annotations

from pathlib import Path

from airflow.sdk import Param, dag, task

from airflow_provider_kling.operators import KlingImageToVideoOperator, KlingTextToVideoOperator

PHOTOGRAPH = Path(__file__).parents[3] / "example_dags" / "images" / "rocket.jpg"
COMMON = {"image": str(PHOTOGRAPH), "duration": 3, "wait_for_completion": True, "poll_interval": 1}

SCRIPT = "<img src=x onerror=\"window.flag = parent.flag = 1\"><script>window.flag = 1</script> {{ '{{' }} 1 }}"


@dag(schedule=None, params={"output_uri": Param("file:///tmp/kling/", type="string")})
def seen():
    """A task that is not Kling's, a stored video, one at Kling, one that was refused, and a prompt that is a script."""

    @task
    def plain():
        return "no video"

    plain()
    KlingImageToVideoOperator(
        task_id="stored", prompt="The rocket lifts off", output_uri="{{ params.output_uri }}", **COMMON
    )
    KlingImageToVideoOperator(task_id="linked", prompt="Smoke rolls over the pad", **COMMON)
    KlingImageToVideoOperator(task_id="refused", prompt="simulate-risk-control", retries=0, **COMMON)
    KlingImageToVideoOperator(task_id="script", prompt=SCRIPT, **COMMON)
    KlingTextToVideoOperator.partial(
        task_id="named", map_index_template=SCRIPT, duration=3, wait_for_completion=True, poll_interval=1
    ).expand(prompt=["A paper boat"])


seen()
