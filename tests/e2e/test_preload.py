"""That the processes of tasks inherit what a real scheduler has imported ahead."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.timeout(300)


def test_the_process_of_a_task_inherits_what_it_needs_to_pay(airflow):
    run_id = airflow.trigger_dag("inherited")
    assert airflow.wait_for_run("inherited", run_id, timeout=120) == "success"
    assert airflow.xcom("inherited", run_id, "modules") == ["requests", "airflow_provider_kling.operators.video"]
