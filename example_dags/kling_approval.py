"""
A video that is approved before it is paid.

* **What:** the first task estimates the price and sends nothing. The second one waits, without a worker, until somebody
  approves it on its page, or under Required Actions. If it is rejected, nothing is sent.
* **When:** prompts come from people or language models and are not checked, and each video costs money.
* **Needs:** a connection `kling_default`; Airflow 3.1 or newer.
"""

from __future__ import annotations

from airflow.sdk import Param, dag, task

from airflow_provider_kling.hooks import KlingHook
from airflow_provider_kling.operators import KlingTextToVideoOperator


# [START howto_approval]
@dag(
    doc_md=__doc__,
    schedule=None,
    catchup=False,
    tags=["kling", "example"],
    params={
        "prompt": Param("A paper boat sails through a puddle, macro shot", type="string"),
        "output_uri": Param("file:///tmp/kling/", type="string"),
    },
)
def kling_approval():
    # At the top of the file this import would fail in Airflow 3.0, which has no such operator.
    from airflow.providers.standard.operators.hitl import ApprovalOperator

    @task
    def estimate(params=None):
        """Return the price of the video; an invalid request fails here."""
        return str(KlingHook().estimate("text2video", {"prompt": params["prompt"], "duration": 5}))

    approve = ApprovalOperator(
        task_id="approve",
        subject="Make this video?",
        body="{{ params.prompt }}\n\nIt costs {{ ti.xcom_pull(task_ids='estimate') }}.",
    )
    imagine = KlingTextToVideoOperator(
        task_id="imagine",
        prompt="{{ params.prompt }}",
        duration=5,
        output_uri="{{ params.output_uri }}",
        poll_interval=5,
    )
    estimate() >> approve >> imagine
    # [END howto_approval]


kling_approval()
