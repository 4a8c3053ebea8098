"""What the scheduler and the Dag processor import ahead, so that the processes that they fork need not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import airflow_provider_kling
from airflow_provider_kling.get_provider_info import OPERATORS
from airflow_provider_kling.plugins import preload
from airflow_provider_kling.products.catalogue import PRODUCTS
from airflow_provider_kling.utils._airflow.compat import AIRFLOW_V_3_2_PLUS

ROOT = Path(airflow_provider_kling.__file__).parents[1]
PHOTO = ROOT / "benchmarks" / "dags" / "photo.jpg"

#: Whose modules a task needs. Before Airflow 3.2 a connection that is read outside of a task imports ``cryptography``.
PACKAGES = (
    *("airflow_provider_kling", "requests", "urllib3", "charset_normalizer", "jwt", "PIL", "yaml"),
    *(("cryptography",) if AIRFLOW_V_3_2_PLUS else ()),
)

#: Starts as a component of Airflow does; prints what importing ahead brought, then what paying imported all the same.
COMPONENT = """
import sys, threading
import airflow.sdk, airflow.configuration
sys.argv = {arguments}
from airflow_provider_kling.plugins.plugin import KlingPlugin
KlingPlugin.on_load()
packages = {packages}
ahead = set(sys.modules)
print([name for name in ("airflow_provider_kling.operators.video", "requests") if name in ahead])
assert threading.active_count() == 1
if {pays}:
    from airflow_provider_kling.operators import KlingImageToVideoOperator
    from airflow_provider_kling.sensors import KlingTaskSensor
    from airflow_provider_kling.hooks import KlingHook
    from airflow_provider_kling.products import prices, capability_map
    assert capability_map.table.cache_info().currsize == prices.price_list.cache_info().currsize == 1
    hook = KlingHook()
    task = hook.create_task("image2video", {{"image": {image!r}, "prompt": "A cat", "duration": 5}})
    hook.get_task(task.task_id, "image2video")
    print(sorted(name for name in set(sys.modules) - ahead if name.partition(".")[0] in packages))
"""


def _component(*arguments: str, image: str = "", **environment: str) -> list[str]:
    code = COMPONENT.format(arguments=["airflow", *arguments], packages=PACKAGES, pays=bool(image), image=image)
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        check=True,
    )
    # Airflow 3.0 logs to standard output.
    return [line for line in done.stdout.splitlines() if line.startswith(("['", "[]"))]


def test_a_scheduler_that_forks_tasks_imports_all_that_one_needs_to_pay(kling_simulator):
    connection = {
        "conn_type": "kling",
        "host": kling_simulator.url,
        "password": kling_simulator.api_key,
        "extra": {"allow_private_urls": True},
    }
    ahead, later = _component(
        "scheduler",
        image=str(PHOTO),
        AIRFLOW__CORE__EXECUTOR="LocalExecutor",
        AIRFLOW_CONN_KLING_DEFAULT=json.dumps(connection),
    )
    assert ahead == "['airflow_provider_kling.operators.video', 'requests']"
    assert later == "[]"
    assert len(kling_simulator.tasks()) == 1


def test_a_dag_processor_imports_what_dag_files_import():
    assert _component("dag-processor") == ["['airflow_provider_kling.operators.video']"]


@pytest.mark.parametrize("arguments", [(), ("api-server",), ("triggerer",), ("dags", "list"), ("standalone",)])
def test_no_other_command_becomes_slower(arguments):
    assert preload.modules_for(["airflow", *arguments], "LocalExecutor") == ()


def test_a_scheduler_whose_tasks_run_elsewhere_imports_nothing():
    assert preload.modules_for(["airflow", "scheduler"], "CeleryExecutor") == ()
    assert preload.modules_for(["airflow", "scheduler"], "CeleryExecutor,LocalExecutor") == preload.TASK_MODULES


def test_the_switch_turns_it_off():
    assert _component("scheduler", AIRFLOW__CORE__EXECUTOR="LocalExecutor", AIRFLOW__KLING__PRELOAD="no") == ["[]"]


def test_a_module_that_fails_stops_no_component(caplog):
    preload.import_all(["no_such_module", "airflow_provider_kling.sensors"])
    assert "no_such_module was not imported ahead" in caplog.text
    assert "airflow_provider_kling.sensors" in sys.modules


def test_the_rules_and_operators_of_all_products_are_among_them():
    rules = {f"products.rules.{name.partition('.')[0]}" for product in PRODUCTS.values() for name in product.rules}
    operators = {f"operators.{module}" for module in OPERATORS.values()}
    assert rules | operators <= set(preload.TASK_MODULES)
