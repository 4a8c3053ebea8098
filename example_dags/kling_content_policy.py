"""
Branch on a content-policy failure: handle rejected prompts.

* **What:** the operator fails at once (a rejected prompt is never retried) and pushes the XCom `failure`; a branch
  reads it.
* **When:** prompts come from people or from a language model, and moderation rejects some of them.
* **Needs:** a connection `kling_default`. The simulator rejects a prompt with `simulate-risk-control` in it.
"""

from __future__ import annotations

from pathlib import Path

from airflow.sdk import Param, dag, task

from airflow_provider_kling.exceptions import KlingContentPolicyError
from airflow_provider_kling.operators import KlingImageToVideoOperator

PHOTOGRAPH = str(Path(__file__).parent / "images" / "rocket.jpg")


@dag(
    doc_md=__doc__,
    schedule=None,
    catchup=False,
    tags=["kling", "example"],
    params={"prompt": Param("The rocket lifts off", type="string")},
)
def kling_content_policy():
    # [START howto_branch_content_policy]
    animate = KlingImageToVideoOperator(
        task_id="animate",
        image=PHOTOGRAPH,
        prompt="{{ params.prompt }}",
        wait_for_completion=True,
        poll_interval=5,
        retries=3,
    )

    @task.branch(trigger_rule="all_done")
    def what_happened(ti=None) -> str:
        failure = ti.xcom_pull(task_ids="animate", key="failure")
        if failure is None:
            return "publish"
        if failure["error"] == KlingContentPolicyError.__name__:
            return "ask_for_another_prompt"
        raise RuntimeError(failure["message"])

    @task
    def publish(ti=None) -> str:
        return ti.xcom_pull(task_ids="animate")["videos"][0]["id"]

    @task
    def ask_for_another_prompt(ti=None) -> str:
        return ti.xcom_pull(task_ids="animate", key="failure")["message"]

    branch = what_happened()
    animate >> branch
    branch >> [publish(), ask_for_another_prompt()]
    # [END howto_branch_content_policy]


kling_content_policy()
