"""A real Airflow on this machine, for the demo, the end-to-end tests, the chaos tests and the benchmarks."""

from dev.local_airflow.harness import LocalAirflow
from dev.local_airflow.processes import Component, ComponentError, Worker, stop
from dev.local_airflow.rest import AirflowClient, DagNotFoundError
from dev.local_airflow.signals import exit_on_termination, ignore_signals

__all__ = [
    "AirflowClient",
    "Component",
    "ComponentError",
    "DagNotFoundError",
    "LocalAirflow",
    "Worker",
    "exit_on_termination",
    "ignore_signals",
    "stop",
]
