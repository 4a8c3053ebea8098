"""An Airflow for chaos tests: short timeouts, so that it recovers quickly, and crash points in its processes."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dev.local_airflow import LocalAirflow

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

HERE = Path(__file__).parent

#: Airflow's defaults are minutes. Shorter times do not change what the promises mean.
SHORT_TIMES = {
    # A worker that died together with its supervisor is detected by its missing heartbeat.
    "scheduler.task_instance_heartbeat_timeout": 15,
    "scheduler.task_instance_heartbeat_timeout_detection_interval": 3,
    "workers.min_heartbeat_interval": 2,
    "workers.execution_api_retry_wait_min": 0.5,
    "workers.execution_api_retry_wait_max": 4,
    # After 10 s without a heartbeat the other triggerers take over the triggers of a triggerer.
    "triggerer.triggerer_health_check_threshold": 10,
    "triggerer.job_heartbeat_sec": 2,
    # A triggerer that was paused must continue with its triggers, not exit because it notices the pause.
    "triggerer.runner_health_check_threshold": 300,
    "scheduler.job_heartbeat_sec": 2,
    "scheduler.scheduler_heartbeat_sec": 2,
    "scheduler.scheduler_health_check_threshold": 10,
    "scheduler.orphaned_tasks_check_interval": 5,
    "scheduler.task_queued_timeout": 60,
    "scheduler.task_queued_timeout_check_interval": 10,
    "scheduler.trigger_timeout_check_interval": 5,
    "scheduler.scheduler_idle_sleep_time": 0.5,
}


class ChaosAirflow(LocalAirflow):
    """
    A local Airflow whose processes kill themselves at the crash points in ``home/crash_points``.

    :param home: becomes ``AIRFLOW_HOME``.
    :param connection: fields of the Kling connection.
    :param sizes: submissions in a run, by Dag.
    :param triggerers: number of triggerers.
    """

    def __init__(
        self, home: Path, connection: Mapping[str, Any], sizes: Mapping[str, int], *, triggerers: int = 2
    ) -> None:
        times = {f"AIRFLOW__{name.upper().replace('.', '__')}": str(value) for name, value in SHORT_TIMES.items()}
        chaos = {
            "PYTHONPATH": str(HERE / "site"),
            "KLING_CHAOS_CRASH_POINTS": str(home.resolve() / "crash_points"),
            "KLING_CHAOS_VIDEOS": str(home.resolve() / "videos"),
            "KLING_CHAOS_SIZES": json.dumps(dict(sizes)),
        }
        connections = {"kling_default": connection}
        super().__init__(home, HERE / "dags", times | chaos, connections, triggerers, fresh=True)

    @property
    def triggerers(self) -> list[str]:
        """The names of the triggerers."""
        return [name for name in self._names if name.startswith("triggerer")]

    def ended(self) -> list[str]:
        """The components that have exited by themselves."""
        return [name for name, component in self._components.items() if not component.running]

    def run_states(self, run_id: str) -> dict[str, str]:
        """State of all Dag runs of this run id, by Dag id; read from the database, because the API may be down."""
        rows = self.rows("SELECT dag_id, state FROM dag_run WHERE run_id = ?", run_id)
        return {row["dag_id"]: row["state"] for row in rows}

    def triggers(self) -> dict[int, int | None]:
        """Job id of the triggerer that runs a trigger, by trigger id."""
        return {row["id"]: row["triggerer_id"] for row in self.rows("SELECT id, triggerer_id FROM trigger")}

    def paused_triggerer_job(self, moment: datetime) -> int | None:
        """The triggerer job whose last heartbeat was just before ``moment``."""
        query = (
            "SELECT id FROM job WHERE job_type = 'TriggererJob' AND latest_heartbeat BETWEEN ? AND ? "
            "ORDER BY latest_heartbeat DESC LIMIT 1"
        )
        # Airflow stores naive UTC in SQLite.
        window = [f"{moment + timedelta(seconds=shift):%Y-%m-%d %H:%M:%S.%f}" for shift in (-6, 1)]
        return next((int(row["id"]) for row in self.rows(query, *window)), None)
