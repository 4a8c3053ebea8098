"""A task with the polling loop of public examples of Kling's API."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.sdk import task

from benchmarks import scenarios
from benchmarks.dag_parts import PATH, SCENARIOS, body, new_dag, prompts

if TYPE_CHECKING:
    from benchmarks.scenarios import Scenario


def polling_loop(scenario: Scenario) -> None:
    """Sign, post, then poll in a loop with ``sleep``."""

    @task
    def image_to_video(prompt: str, base: str, seconds: float) -> str:
        import os
        import time

        import jwt
        import requests

        def get_headers() -> dict[str, str]:
            ak, sk = os.environ["KLING_ACCESS_KEY"], os.environ["KLING_SECRET_KEY"]
            token = jwt.encode(
                {"iss": ak, "exp": int(time.time()) + 1800, "nbf": int(time.time()) - 5},
                sk,
                algorithm="HS256",
                headers={"alg": "HS256", "typ": "JWT"},
            )
            return {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

        response = requests.post(f"{base}{PATH}", headers=get_headers(), json=body(prompt))
        task_id = response.json()["data"]["task_id"]
        while True:
            time.sleep(seconds)
            result = requests.get(f"{base}{PATH}/{task_id}", headers=get_headers()).json()
            if result["data"]["task_status"] == "succeed":
                return str(result["data"]["task_result"]["videos"][0]["url"])
            if result["data"]["task_status"] == "failed":
                raise RuntimeError(result["data"]["task_status_msg"])

    with new_dag(scenario, scenarios.LOOP):
        base = "{{ conn." + scenario.kling_connection + ".host }}"
        constant = image_to_video.partial(base=base, seconds=scenario.poll_interval)
        constant.expand(prompt=prompts(scenario.videos))


for workload in SCENARIOS:
    polling_loop(workload)
