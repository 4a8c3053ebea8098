"""Ids that a real Airflow keeps between two tries, and their use in the next try."""

from __future__ import annotations

import pytest

from airflow_provider_kling.utils._airflow.compat import AIRFLOW_V_3_3_PLUS, AIRFLOW_V_3_4_PLUS

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.skipif(not AIRFLOW_V_3_3_PLUS, reason="Airflow 3.3 brought the task state store"),
]

DAG = "promise_hand_over"


def test_a_clear_after_an_upgrade_adopts_under_the_id_that_was_kept(airflow, simulator):
    run_id = airflow.trigger_dag(DAG)
    assert airflow.wait_for_run(DAG, run_id, timeout=120) == "success"
    manifest = airflow.xcom(DAG, run_id, "animate")
    store = f"dags/{DAG}/dagRuns/{run_id}/taskInstances/animate/state-store"
    kept = {entry["key"]: entry["value"] for entry in airflow.get(store)["task_state_store"]}
    assert set(kept) == {"submission"}
    assert kept["submission"]["external_task_id"] == manifest["external_task_id"]

    # As another version, which encoded the content otherwise and so had another id, would have left it.
    other = "af-" + "0" * 40
    before = {"external_task_id": other, "version": "0.0.1", "fingerprint": "otherwise"}
    airflow.request("PUT", f"{store}/submission", json={"value": {**kept["submission"], **before}})
    # From 3.4 on a Clear empties the store unless told otherwise.
    airflow.clear(DAG, run_id, ["animate"], **({"keep_task_state": True} if AIRFLOW_V_3_4_PLUS else {}))
    assert airflow.wait_for_run(DAG, run_id, timeout=120) == "success"
    assert "Version 0.0.1 of this package sent the same request" in airflow.logs(DAG, run_id, "animate")
    assert airflow.xcom(DAG, run_id, "animate")["external_task_id"] == other
    (entry,) = [entry for entry in airflow.get(store)["task_state_store"] if entry["key"] == "submission"]
    assert entry["value"]["external_task_id"] == other, "kept under the same id, as this version encodes it"
    assert entry["value"]["version"] != "0.0.1"
