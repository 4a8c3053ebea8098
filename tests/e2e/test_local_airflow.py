"""Tests of the local Airflow, on which the other end-to-end tests rely."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from dev.local_airflow import DagNotFoundError, LocalAirflow
from dev.local_airflow.processes import processes_of
from dev.local_airflow.settings import clean_environment

if TYPE_CHECKING:
    from collections.abc import Iterator

REPOSITORY = Path(__file__).parents[2]
DAGS = textwrap.dedent("""
    import os
    import time
    from datetime import timedelta

    from airflow.providers.standard.triggers.temporal import TimeDeltaTrigger
    from airflow.sdk import BaseOperator, dag, task


    class Wait(BaseOperator):
        template_fields = ("seconds",)

        def __init__(self, *, seconds, **kwargs):
            super().__init__(**kwargs)
            self.seconds = seconds

        def execute(self, context):
            trigger = TimeDeltaTrigger(timedelta(seconds=float(self.seconds)))
            self.defer(trigger=trigger, method_name="resume")

        def resume(self, context, event=None):
            return {"waited": {"Sekunden": "für immer"}}


    @dag(schedule=None, params={"seconds": 1})
    def deferring():
        Wait(task_id="wait", seconds="{{ params.seconds }}")


    @dag(schedule=None)
    def counting():
        @task
        def burn(number):
            end = time.process_time() + 1
            while time.process_time() < end:
                pass
            print("burnt", number, os.environ.get("AIRFLOW_VAR_OF_THE_CALLER"))
            return [number, {"twice": 2 * number}]

        burn.expand(number=[1, 2])


    @dag(schedule=None)
    def failing():
        @task
        def fail():
            try:
                {}["missing"]
            except KeyError as error:
                raise ValueError("deliberate") from error

        fail()


    @dag(schedule=None)
    def sleeping():
        @task
        def sleep():
            time.sleep(300)

        sleep()


    deferring(), counting(), failing(), sleeping()
""")


@pytest.fixture(scope="module")
def dags(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dags")
    (folder / "harness.py").write_text(DAGS)
    return folder


@pytest.fixture(scope="module")
def local(dags: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAirflow]:
    with pytest.MonkeyPatch.context() as caller:
        caller.setenv("AIRFLOW_VAR_OF_THE_CALLER", "leaked")
        caller.setenv("AIRFLOW__CORE__EXECUTOR", "NoSuchExecutor")
        caller.setenv("AIRFLOW_HOME", "/nonexistent")
        instance = LocalAirflow(tmp_path_factory.mktemp("home"), dags, triggerers=2)
    with instance:
        yield instance


def test_mapped_tasks_run_and_their_cpu_time_is_counted(local: LocalAirflow) -> None:
    before = local.cpu_seconds()
    run_id = local.trigger_dag("counting")

    assert local.wait_for_run("counting", run_id) == "success"
    assert local.cpu_seconds() - before > 2
    assert local.states("counting", run_id) == {"burn[0]": "success", "burn[1]": "success"}
    assert local.xcom("counting", run_id, "burn", map_index=1) == [2, {"twice": 4}]


def test_the_settings_of_the_caller_do_not_reach_the_tasks(local: LocalAirflow) -> None:
    run_id = local.trigger_dag("counting")
    local.wait_for_run("counting", run_id)

    assert "burnt 1 None" in local.logs("counting", run_id, "burn", map_index=0)


def test_a_deferred_task_leaves_its_trigger_in_the_database_and_survives_the_death_of_a_triggerer(
    local: LocalAirflow,
) -> None:
    run_id = local.trigger_dag("deferring", {"seconds": 8})
    local.wait_for_task("deferring", run_id, "wait", ["deferred"])

    assert local.rendered_fields("deferring", run_id, "wait") == {"seconds": "8"}
    assert len(local.rows("SELECT classpath FROM trigger WHERE classpath LIKE ?", "%DateTimeTrigger")) == 1
    cpu = local.cpu_seconds()
    for name in ("triggerer", "triggerer-2"):
        local.kill(name)
    # Sums of the same seconds in another order may differ in the last bit.
    assert local.cpu_seconds() >= cpu - 0.01
    local.start("triggerer", "triggerer-2")
    assert local.wait_for_run("deferring", run_id) == "success"
    assert local.xcom("deferring", run_id, "wait") == {"waited": {"Sekunden": "für immer"}}


def test_a_stopped_component_resumes(local: LocalAirflow) -> None:
    local.kill("dag-processor", signal.SIGSTOP)
    local.kill("dag-processor", signal.SIGCONT)

    with pytest.raises(RuntimeError, match="is running already"):
        local.start("dag-processor")


def test_the_log_of_a_failure_ends_with_its_traceback(local: LocalAirflow) -> None:
    run_id = local.trigger_dag("failing")

    assert local.wait_for_run("failing", run_id) == "failed"
    log = local.logs("failing", run_id, "fail")
    assert log.index("KeyError: ") < log.index("ValueError: deliberate")


def test_a_task_can_be_marked_and_cleared_and_its_worker_killed(local: LocalAirflow) -> None:
    run_id = local.trigger_dag("sleeping")
    local.wait_for_task("sleeping", run_id, "sleep", ["running"])
    instance = local.task_instance("sleeping", run_id, "sleep")
    worker = _worker_of(local, instance["id"])

    local.mark("sleeping", run_id, "sleep", "success")
    assert local.wait_for_run("sleeping", run_id) == "success"
    _wait_until_gone(worker)
    local.clear("sleeping", run_id, ["sleep"])
    local.wait_for_task("sleeping", run_id, "sleep", ["running"])
    second = local.task_instance("sleeping", run_id, "sleep")
    assert second["try_number"] == instance["try_number"] + 1
    os.kill(_worker_of(local, second["id"]).pid, signal.SIGKILL)
    assert local.wait_for_run("sleeping", run_id) == "failed"


def test_a_restarted_scheduler_and_api_server_carry_on(local: LocalAirflow) -> None:
    for name in ("scheduler", "api-server"):
        local.restart(name)

    run_id = local.trigger_dag("counting", run_id="after")
    assert run_id == "after"
    assert local.wait_for_run("counting", run_id) == "success"


def test_a_pool_is_created_and_changed(local: LocalAirflow) -> None:
    local.set_pool("kling", 3)
    local.set_pool("kling", 5, include_deferred=True)

    pool = local.get("pools/kling")
    assert (pool["slots"], pool["include_deferred"]) == (5, True)


def test_a_dag_that_cannot_be_imported_is_named_with_its_error(local: LocalAirflow, dags: Path) -> None:
    broken = dags / "broken.py"
    broken.write_text("# an airflow dag\nimport no_such_module_anywhere\n")
    try:
        with pytest.raises(DagNotFoundError, match="no_such_module_anywhere"):
            local.trigger_dag("broken", timeout=8)
    finally:
        broken.unlink()


def test_a_home_in_use_is_refused(local: LocalAirflow, dags: Path) -> None:
    with pytest.raises(RuntimeError, match="another Airflow runs"), LocalAirflow(local.home, dags, fresh=True):
        pytest.fail("it started")
    assert local.rows("SELECT pool FROM slot_pool")


@pytest.mark.parametrize("end", ["exit", "SIGTERM"])
def test_nothing_is_left_running(end: str, dags: Path, tmp_path: Path) -> None:
    script = textwrap.dedent(f"""
        import os, signal, sys
        from pathlib import Path
        from dev.local_airflow import LocalAirflow
        from dev.local_airflow.processes import processes_of

        with LocalAirflow(Path({str(tmp_path)!r}), Path({str(dags)!r})) as airflow:
            run_id = airflow.trigger_dag("sleeping")
            airflow.wait_for_task("sleeping", run_id, "sleep", ["running"])
            print(*[process.pid for process in processes_of(airflow._components.values())], flush=True)
            if {end!r} == "SIGTERM":
                os.kill(os.getpid(), signal.SIGTERM)
    """)
    command = [sys.executable, "-c", script]
    result = subprocess.run(
        command, cwd=REPOSITORY, env=clean_environment(), stdout=subprocess.PIPE, text=True, check=False
    )

    assert result.returncode == (0 if end == "exit" else 128 + signal.SIGTERM)
    pids = [int(word) for word in result.stdout.split()]
    assert len(pids) > 4
    assert [pid for pid in pids if _runs(pid)] == []


def _worker_of(local: LocalAirflow, task_instance_id: str) -> psutil.Process:
    """The process of a task; Airflow names it a moment after the task's state says running."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        for worker in local.workers():
            if worker.task_instance_id == task_instance_id:
                return psutil.Process(worker.pid)
        time.sleep(0.1)
    names = [process.name() for process in processes_of(local._components.values())]
    raise AssertionError(f"no worker of {task_instance_id} among {names}")


def _wait_until_gone(process: psutil.Process) -> None:
    deadline = time.monotonic() + 20
    while _runs(process.pid):
        assert time.monotonic() < deadline, f"{process} is still there"
        time.sleep(0.1)


def _runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
