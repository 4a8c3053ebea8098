"""
What Kling's tasks import, imported once where Airflow forks a process for each of them, or for each Dag file.

A forked process inherits what its parent has imported. Airflow does the same with modules of its own, in the Dag
processor and before Celery forks.
"""

from __future__ import annotations

import functools
import logging
import multiprocessing
import sys
from importlib import import_module
from typing import TYPE_CHECKING

from airflow.configuration import conf

from airflow_provider_kling.get_provider_info import OPERATORS
from airflow_provider_kling.utils._airflow.switches import is_switched_on

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

log = logging.getLogger(__name__)

PACKAGE = "airflow_provider_kling"

#: What Dag files import. By name, as Airflow has them from ``get_provider_info``: plugins stand below operators.
DAG_FILE_MODULES = (*(f"operators.{module}" for module in dict.fromkeys(OPERATORS.values())), "sensors", "transfers")

#: What tasks import besides until Kling has accepted theirs, or has said how it is.
TASK_MODULES = (
    *DAG_FILE_MODULES,
    "api.classic",
    "api.sender",
    "api.task_reader",
    "api.transport",
    "api.v2",
    "hooks",
    "operators.unnamed",
    "preparation.prepare",
    "preparation.task_argument",
    *(f"products.rules.{rules}" for rules in ("camera", "elements", "faces", "frames", "omni", "references")),
    *(f"products.rules.{rules}" for rules in ("scalars", "shots", "trajectories")),
    "submission.unnamed",
)

#: Libraries that tasks import by themselves: what signs a token.
LIBRARIES = ("jwt",)

#: Tables that tasks read from a file, by the functions that keep them.
TABLES = (("products.capability_map", "table"), ("products.prices", "price_list"))


@functools.cache
def preload() -> None:
    """
    Import what the processes that this one forks will need, if it is one that forks them; once, and never raises.

    Forked processes inherit that it has happened. Those that Python starts afresh (``spawn``) import what they need.
    """
    if multiprocessing.parent_process() is not None or not is_switched_on("preload"):
        return
    names = modules_for(sys.argv, conf.get("core", "executor", fallback=""))
    import_all(f"{PACKAGE}.{name}" for name in names)
    if names == TASK_MODULES:
        import_all(LIBRARIES)
        _read_tables()


def modules_for(arguments: Sequence[str], executor: str) -> tuple[str, ...]:
    """
    Return what a process of Airflow imports ahead, by its command.

    :param arguments: the command line: ``airflow scheduler``, for example.
    :param executor: ``[core] executor``, perhaps several. The scheduler forks tasks for the ``LocalExecutor`` only.
    """
    match list(arguments[1:2]):
        case ["dag-processor"]:
            return DAG_FILE_MODULES
        case ["scheduler"] if "LocalExecutor" in executor:
            return TASK_MODULES
    return ()


def import_all(names: Iterable[str]) -> None:
    """
    Import modules.

    :param names: one that fails is logged; the task that needs it will say so.
    """
    for name in names:
        try:
            import_module(name)
        except Exception as error:  # noqa: BLE001 - whatever a module raises: a component of Airflow goes on
            log.warning("%s was not imported ahead, tasks import it themselves: %s", name, type(error).__name__)


def _read_tables() -> None:
    for module, function in TABLES:
        try:
            getattr(import_module(f"{PACKAGE}.{module}"), function)()
        except Exception as error:  # noqa: BLE001 - the same
            log.warning("%s was not read ahead, tasks read it themselves: %s", module, type(error).__name__)
