"""Runs in each environment: imports every module of the package, and checks that Airflow finds the provider."""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

# The simulator needs an extra, which is not installed in these environments.
EXTRA = "airflow_provider_kling.simulator."


def main() -> None:
    """Run all checks; print the tested versions."""
    import airflow_provider_kling as package

    if "site-packages" not in Path(package.__file__).parts:
        raise AssertionError(f"not the installed package: {package.__file__}")
    modules = [module.name for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")]
    for name in modules:
        if not name.startswith(EXTRA):
            importlib.import_module(name)
    _first_lines_of_a_dag()
    _discovery()
    _simulator_without_its_extra()
    found = (f"{name} {version(name)}" for name in ("apache-airflow-core", "apache-airflow-task-sdk"))
    sys.stdout.write(f"{len(modules)} modules, {', '.join(found)}\n")


def _first_lines_of_a_dag() -> None:
    from airflow_provider_kling.operators import KlingImageToVideoOperator

    KlingImageToVideoOperator(task_id="animate", image="https://example.com/rocket.jpg", prompt="It lifts off")


def _discovery() -> None:
    from airflow.providers_manager import ProvidersManager

    # Airflow does not annotate it.
    manager = ProvidersManager()  # type: ignore[no-untyped-call]
    if "airflow-provider-kling" not in manager.providers:
        raise AssertionError(f"Airflow finds only {sorted(manager.providers)}")
    hook = manager.hooks["kling"]
    if hook is None or hook.hook_class_name != "airflow_provider_kling.hooks.KlingHook":
        raise AssertionError(f"the hook of the connection type is {hook}")


def _simulator_without_its_extra() -> None:
    command = [sys.executable, "-m", "airflow_provider_kling.simulator"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    if (
        ended.returncode != 1
        or ended.stderr.count("\n") != 1
        or "airflow-provider-kling[simulator]" not in ended.stderr
    ):
        raise AssertionError(f"the simulator without its extra says:\n{ended.stderr}{ended.stdout}")


if __name__ == "__main__":
    main()
