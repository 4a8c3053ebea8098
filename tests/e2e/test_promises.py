"""The promises, kept by a real Airflow: scheduler, triggerer, workers and API server against the simulator."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from support import PHOTOGRAPH

from airflow_provider_kling.simulator import KlingSimulator, Settings
from airflow_provider_kling.utils._airflow.compat import AIRFLOW_V_3_1_PLUS, AIRFLOW_V_3_2_PLUS, AIRFLOW_V_3_3_PLUS

#: Worker processes of a wait that succeeds; before 3.2 Airflow cannot end it in the triggerer with its XComs.
STARTS = 1 if AIRFLOW_V_3_2_PLUS else 2

pytestmark = pytest.mark.timeout(300)


def new_tasks(simulator, before: list[dict]) -> list[dict]:
    known = {task["task_id"] for task in before}
    return [task for task in simulator.tasks() if task["task_id"] not in known]


def connection_to(simulator) -> dict[str, Any]:
    return {
        "conn_type": "kling",
        "host": simulator.url,
        "password": simulator.api_key,
        "extra": {"allow_private_urls": True},
    }


def worker_starts(airflow, dag_id: str, run_id: str, task_id: str, map_index: int = -1) -> int:
    """How many worker processes the latest try had: each loads the Dag first, one that resumes a deferral too."""
    return airflow.logs(dag_id, run_id, task_id, map_index=map_index).count("DAG bundles loaded")


def test_the_wait_ends_in_the_triggerer_and_hands_over_a_real_dict(airflow, simulator):
    before = simulator.tasks()
    run_id = airflow.trigger_dag("promise_hand_over")
    assert airflow.wait_for_run("promise_hand_over", run_id, timeout=120) == "success"
    manifest = airflow.xcom("promise_hand_over", run_id, "animate")
    (task,) = new_tasks(simulator, before)
    assert manifest["task_id"] == airflow.xcom("promise_hand_over", run_id, "animate", key="task_id")
    assert manifest["task_id"] == task["task_id"]
    assert airflow.xcom("promise_hand_over", run_id, "receive") == manifest["videos"][0]["id"]
    assert worker_starts(airflow, "promise_hand_over", run_id, "animate") == STARTS


def test_no_worker_process_lives_while_the_task_is_deferred(airflow, simulator):
    run_id = airflow.trigger_dag("promise_hand_over")
    airflow.wait_for_task("promise_hand_over", run_id, "animate", {"deferred"}, timeout=60)
    seen, keys = [], set()
    deadline = time.time() + 2
    while time.time() < deadline:
        seen.append((airflow.states("promise_hand_over", run_id)["animate"], len(airflow.workers())))
        keys = airflow.xcom_keys("promise_hand_over", run_id, "animate")
        if seen[-1] == ("deferred", 0):
            break
        time.sleep(0.1)
    assert airflow.wait_for_run("promise_hand_over", run_id, timeout=120) == "success"
    # The worker that deferred takes a moment to end; after that there is none.
    assert ("deferred", 0) in seen
    assert keys == {"task_id", "submission"}, "each XCom is a request to Airflow's API server"
    (link,) = airflow.links("promise_hand_over", run_id, "animate").values()
    assert link.startswith(f"{simulator.url}/results/"), "the button, once there is something to open"


def test_a_worker_killed_right_after_the_post_leads_to_one_video(airflow, simulator):
    before = simulator.tasks()
    run_id = airflow.trigger_dag("promise_killed_worker")
    if not AIRFLOW_V_3_1_PLUS:
        # Airflow 3.0 fails a killed task without its retries; somebody clears it.
        assert airflow.wait_for_run("promise_killed_worker", run_id, timeout=180) == "failed"
        airflow.clear("promise_killed_worker", run_id, ["animate"])
    assert airflow.wait_for_run("promise_killed_worker", run_id, timeout=180) == "success"
    (task,) = new_tasks(simulator, before)
    assert airflow.xcom("promise_killed_worker", run_id, "animate")["task_id"] == task["task_id"]
    assert airflow.task_instance("promise_killed_worker", run_id, "animate")["try_number"] > 1
    assert len([charge for charge in simulator.ledger()["charges"] if charge["task_id"] == task["task_id"]]) == 1


def test_clear_adopts_what_was_paid_for(airflow, simulator):
    run_id = airflow.trigger_dag("promise_hand_over")
    assert airflow.wait_for_run("promise_hand_over", run_id, timeout=120) == "success"
    manifest = airflow.xcom("promise_hand_over", run_id, "animate")
    before = simulator.tasks()
    airflow.clear("promise_hand_over", run_id, ["animate", "receive"])
    assert airflow.wait_for_run("promise_hand_over", run_id, timeout=120) == "success"
    assert new_tasks(simulator, before) == []
    assert airflow.xcom("promise_hand_over", run_id, "animate")["task_id"] == manifest["task_id"]
    assert "Adopted Kling task" in airflow.logs("promise_hand_over", run_id, "animate")


def test_a_network_that_breaks_in_the_middle_of_a_submit_leads_to_one_video(airflow, simulator):
    before = simulator.tasks()
    simulator.fault("cut_after", operation="create")
    run_id = airflow.trigger_dag("promise_hand_over")
    assert airflow.wait_for_run("promise_hand_over", run_id, timeout=120) == "success"
    assert len(new_tasks(simulator, before)) == 1


def test_a_hundred_mapped_tasks_at_once_end_in_the_triggerer(airflow):
    with KlingSimulator(Settings(seconds=10, video_size="small", concurrency=200)) as wide:
        airflow.add_connection("kling_wide", connection_to(wide))
        run_id = airflow.trigger_dag("promise_mapped")
        assert airflow.wait_for_run("promise_mapped", run_id, timeout=240) == "success"
        videos = {task["result_id"] for task in wide.tasks()}
    assert len(videos) == 100
    assert airflow.xcom("promise_mapped", run_id, "receive") == sorted(videos), "real dicts, one from each"
    starts = [worker_starts(airflow, "promise_mapped", run_id, "imagine", map_index=index) for index in range(100)]
    assert starts == [STARTS] * 100, "none was resumed on a worker"


@pytest.mark.skipif(not AIRFLOW_V_3_3_PLUS, reason="before 3.3 nothing of a task outlives a retry")
def test_a_relay_that_drops_ids_is_not_paid_twice_when_a_worker_dies(airflow):
    with KlingSimulator(Settings(seconds=3, video_size="small", external_ids="drop")) as relay:
        fields = connection_to(relay)
        airflow.add_connection("kling_relay", {**fields, "extra": {**fields["extra"], "external_ids": False}})
        run_id = airflow.trigger_dag("promise_relay")
        assert airflow.wait_for_run("promise_relay", run_id, timeout=120) == "success"
        assert len(relay.tasks()) == 1
    assert "Adopted Kling task" in airflow.logs("promise_relay", run_id, "animate")


def test_mapped_tasks_that_start_together_keep_to_the_cap_of_their_run(airflow, simulator):
    before = simulator.tasks()
    run_id = airflow.trigger_dag("promise_budget")
    assert airflow.wait_for_run("promise_budget", run_id, timeout=120) == "failed"
    assert len(new_tasks(simulator, before)) == 3, "three times $0.42"
    logs = [airflow.logs("promise_budget", run_id, "imagine", map_index=index) for index in range(6)]
    assert sum("Raise max_run_usd" in log for log in logs) == 3


def test_a_batch_starts_a_worker_to_begin_and_at_most_one_to_end(airflow, simulator):
    before = simulator.tasks()
    run_id = airflow.trigger_dag("promise_batch")
    assert airflow.wait_for_run("promise_batch", run_id, timeout=120) == "success"
    summary = airflow.xcom("promise_batch", run_id, "animate_all")
    assert summary["done"] == len(new_tasks(simulator, before)) == 12
    videos = list((airflow.home / "promise_batch").rglob("*.mp4"))
    assert len(videos) == 12
    assert worker_starts(airflow, "promise_batch", run_id, "animate_all") == STARTS


def test_a_success_callback_runs(airflow):
    run_id = airflow.trigger_dag("promise_success_callback")
    assert airflow.wait_for_run("promise_success_callback", run_id, timeout=120) == "success"
    assert (airflow.home / run_id).exists()
    assert worker_starts(airflow, "promise_success_callback", run_id, "animate") == 2


def test_a_permanent_failure_gives_the_reason_and_is_not_retried(airflow, simulator):
    before = simulator.tasks()
    run_id = airflow.trigger_dag("promise_failure")
    assert airflow.wait_for_run("promise_failure", run_id, timeout=120) == "failed"
    assert len(new_tasks(simulator, before)) == 1
    assert worker_starts(airflow, "promise_failure", run_id, "animate") == 2, "what says why resumed on a worker"
    assert "Failure to pass the risk control system" in airflow.logs("promise_failure", run_id, "animate")
    assert airflow.xcom("promise_failure", run_id, "animate", key="failure")["error"] == "KlingContentPolicyError"


def test_more_videos_than_slots_wait_outside_the_worker_and_use_no_retry(airflow):
    with KlingSimulator(Settings(seconds=4, video_size="small", concurrency=2)) as narrow:
        airflow.add_connection("kling_two_slots", connection_to(narrow))
        run_id = airflow.trigger_dag("promise_slots")
        labels = set()
        look = lambda found: labels.update((task["state"], task["rendered_map_index"]) for task in found)  # noqa: E731
        assert airflow.wait_for_run("promise_slots", run_id, timeout=200, on_progress=look) == "success"
        assert len(narrow.tasks()) == 8
        refused = [request for request in narrow.requests(method="POST") if request["status"] == 429]
        assert refused, "the account had too few slots for all at once"
    if AIRFLOW_V_3_2_PLUS:
        starts = {
            task_id: [worker_starts(airflow, "promise_slots", run_id, task_id, index) for index in range(4)]
            for task_id in ("in_triggerer", "on_worker")
        }
        assert starts["in_triggerer"] == [1] * 4, "the triggerer submits what has waited for a slot"
        assert max(starts["on_worker"]) > 1
    if AIRFLOW_V_3_3_PLUS:
        assert {state for state, label in labels if label.endswith(": waits for a slot")} >= {"deferred"}
        names = {task["rendered_map_index"] for task in airflow.task_instances("promise_slots", run_id)}
        assert names == {f"A number {number}" for number in range(4)}, "nobody waits at the end"


def test_the_sensor_waits_in_every_mode(airflow):
    run_id = airflow.trigger_dag("promise_sensor_modes")
    assert airflow.wait_for_run("promise_sensor_modes", run_id, timeout=180) == "success"
    for mode in ("poke", "reschedule", "deferrable"):
        assert airflow.xcom("promise_sensor_modes", run_id, f"rocket.{mode}")["status"] == "succeed"


@pytest.mark.skipif(not AIRFLOW_V_3_3_PLUS, reason="Airflow 3.3 renders templates in the triggerer")
def test_a_sensor_can_wait_without_ever_touching_a_worker(airflow):
    run_id = airflow.trigger_dag("promise_start_from_trigger")
    assert airflow.wait_for_run("promise_start_from_trigger", run_id, timeout=120) == "success"
    manifest = airflow.xcom("promise_start_from_trigger", run_id, "wait")
    assert airflow.xcom("promise_start_from_trigger", run_id, "receive") == manifest["videos"][0]["id"]
    (row,) = airflow.rows(
        "select hostname, pid from task_instance where run_id = ? and task_id = 'wait' and dag_id = ?",
        run_id,
        "promise_start_from_trigger",
    )
    assert not row["hostname"]
    assert not row["pid"], "no worker process ever ran it"


def test_the_connection_can_be_tested_from_the_ui(airflow, connection):
    ok, message = airflow.test_connection("kling_probe", connection)
    assert ok, message
    ok, message = airflow.test_connection("kling_probe", {**connection, "password": "wrong" * 8})
    assert not ok


def test_airflow_lists_the_provider():
    output = subprocess.run(
        [Path(sys.executable).with_name("airflow"), "providers", "list", "--output", "plain"],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ,
    ).stdout
    assert "airflow-provider-kling" in output


def test_secrets_and_images_show_nowhere(airflow, simulator):
    """The last of this file: it looks at all that the tests before it left in logs and database."""
    run_id = airflow.trigger_dag("promise_inline_image")
    airflow.wait_for_task("promise_inline_image", run_id, "animate", {"deferred"}, timeout=60)
    rows = [str(airflow.rows("select * from trigger"))]
    assert airflow.wait_for_run("promise_inline_image", run_id, timeout=120) == "success"
    assert "<inline image" in str(airflow.rendered_fields("promise_inline_image", run_id, "animate"))
    # Airflow 3.4 has two tables of each.
    query = "select name from sqlite_master where type = 'table' and (name like 'xcom%' or name like 'rendered_task%')"
    found = [row["name"] for row in airflow.rows(query)]
    assert len(found) > 1
    tables = (*found, "serialized_dag", "task_instance", "log")
    rows += [str(airflow.rows(f"select * from {table}")) for table in tables]
    logs = [path.read_text(errors="replace") for path in airflow.home.rglob("*.log")]
    assert len(logs) > 5
    picture = base64.b64encode(PHOTOGRAPH.read_bytes()).decode()[:60]
    for secret in (simulator.secret_key, simulator.api_key, picture, "Bearer eyJ"):
        assert not [text for text in rows + logs if secret in text], secret[:10]
    # Airflow 3.0's supervisor writes each of its messages, XComs too, with level debug.
    lines = [line for text in logs for line in text.splitlines() if "[debug " not in line]
    assert not [line for line in lines if "Signature=" in line], "result links stand in logs without their query"
