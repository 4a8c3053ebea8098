"""The receiver of the documentation's page on callbacks, between the simulator and a real Airflow."""

from __future__ import annotations

import re
import textwrap
import threading
import time
from pathlib import Path

import av
import pytest
import requests
import uvicorn

from airflow_provider_kling.simulator import KlingSimulator, Settings

PAGE = Path(__file__).parents[2] / "docs" / "callbacks.rst"

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def receiver(airflow, webhook_secret, monkeypatch):
    """The page's application, served over HTTP; the address of its routes."""
    blocks = re.findall(r"^\.\. code-block:: python\n\n((?: {4}.*\n|\n)+)", PAGE.read_text(), re.MULTILINE)
    (block,) = [block for block in blocks if "FastAPI" in block]
    names: dict[str, object] = {}
    exec(compile(textwrap.dedent(block), str(PAGE), "exec"), names)
    monkeypatch.setenv("KLING_WEBHOOK_SECRET", webhook_secret)
    monkeypatch.setenv("AIRFLOW_URL", airflow.url)
    monkeypatch.setenv("AIRFLOW_TOKEN", requests.get(f"{airflow.url}/auth/token", timeout=30).json()["access_token"])
    server = uvicorn.Server(uvicorn.Config(names["app"], port=0, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until = time.monotonic() + 20
    while not server.started and time.monotonic() < until:
        time.sleep(0.05)
    (socket,) = server.servers[0].sockets
    yield f"http://127.0.0.1:{socket.getsockname()[1]}/kling"
    server.should_exit = True
    thread.join(20)


def make(simulator, prompt: str, **fields) -> str:
    response = requests.post(
        f"{simulator.url}/v1/images/generations",
        json={"model_name": "kling-v3", "prompt": prompt, **fields},
        headers={"Authorization": f"Bearer {simulator.api_key}"},
        timeout=30,
    )
    return response.json()["data"]["task_id"]


def deliveries(simulator, task_id: str) -> list[dict]:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        told = [delivery for delivery in simulator.callbacks() if delivery["task_id"] == task_id]
        if told and told[-1]["task_status"] in {"succeed", "failed"}:
            return told
        time.sleep(0.2)
    raise AssertionError(simulator.callbacks())


def test_a_signed_callback_starts_one_run_which_reads_and_stores(airflow, simulator, receiver, tmp_path):
    airflow.wait_for_dag("kling_callback", timeout=180)
    task_id = make(simulator, "A harbour", callback_url=f"{receiver}/images/generations")
    assert {delivery["answer"] for delivery in deliveries(simulator, task_id)} == {200}
    assert airflow.wait_for_run("kling_callback", f"kling_{task_id}", timeout=120) == "success"
    manifest = airflow.xcom("kling_callback", f"kling_{task_id}", "store")
    assert (manifest["task_id"], manifest["endpoint"], manifest["status"]) == (task_id, "images/generations", "succeed")
    with av.open(manifest["files"][0]["uri"].removeprefix("file://")) as picture:
        assert next(picture.decode(video=0))


def test_a_callback_of_another_sender_starts_nothing(airflow, receiver):
    before = airflow.get("dags/kling_callback/dagRuns")["total_entries"]
    stranger = "whsec_c29tZWJvZHkgZWxzZSBzaWducyB0aGlz"
    with KlingSimulator(Settings(seconds=0.1, webhook_secret=stranger, callback_retries=0)) as other:
        task_id = make(other, "A harbour", callback_url=f"{receiver}/images/generations")
        assert {delivery["answer"] for delivery in deliveries(other, task_id)} == {401}
    with KlingSimulator(Settings(seconds=0.1, callback_retries=0)) as unsigned:
        task_id = make(unsigned, "A harbour", callback_url=f"{receiver}/images/generations")
        assert {delivery["answer"] for delivery in deliveries(unsigned, task_id)} == {401}
    assert requests.post(receiver + "/image2video", data=b"x" * 2_000_000, timeout=30).status_code == 413
    assert airflow.get("dags/kling_callback/dagRuns")["total_entries"] == before
