"""
One of Kling's packaged scenarios.

* **What:** `solution` is the name in the path of the scenario's page at Kling; its fields are given with
  `extra_body` and sent unchanged.
* **When:** Kling has a scenario that you need, such as a talking agent or a video of a garment.
* **Needs:** a connection `kling_default` with an API key; storage that all workers reach; the name of a scenario.
  The simulator accepts every name.
"""

from __future__ import annotations

from airflow.sdk import Param, dag

from airflow_provider_kling.operators import KlingSolutionOperator


@dag(
    doc_md=__doc__,
    schedule=None,
    catchup=False,
    tags=["kling", "example"],
    params={
        "solution": Param("example", type="string"),
        "output_uri": Param("file:///tmp/kling/", type="string"),
    },
)
def kling_solution():
    # [START howto_operator_solution]
    KlingSolutionOperator(
        task_id="make",
        solution="{{ params.solution }}",
        extra_body={"prompt": "A red coat on a runway"},
        output_uri="{{ params.output_uri }}",
        poll_interval=5,
    )
    # [END howto_operator_solution]


kling_solution()
