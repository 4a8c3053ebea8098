r"""
A relay: Kling's classic API with the URL and key of another service.

* **What:** the same operator over a connection whose host has a path prefix and whose password is the relay's key.
* **When:** the account is with a relay such as CometAPI. Relays keep Kling's classic paths (`/v1/videos/image2video`)
  below their own prefix, and support only the models that they list.
* **Needs:** a connection `kling_relay`.

This command creates the connection:

    airflow connections add kling_relay --conn-type kling \
        --conn-host https://api.cometapi.com/kling --conn-password "$COMETAPI_KEY"
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
def kling_relay():
    # [START howto_operator_relay]
    KlingImageToVideoOperator(
        task_id="animate",
        kling_conn_id="kling_relay",
        image=PHOTOGRAPH,
        prompt="A cinematic slow push-in on the subject",
        model_name="kling-v3",
        mode="pro",
        duration="5",
        sound="off",
        output_uri="{{ params.output_uri }}",
        poll_interval=5,
    )
    # [END howto_operator_relay]


kling_relay()
