"""The name of a mapped task in the grid, changed while the task runs (Airflow 3.2 and later)."""

from __future__ import annotations

import logging

from airflow_provider_kling.utils.untrusted import reason

log = logging.getLogger(__name__)

#: What follows the name of a task while it waits for a slot; one that is being made has the name alone.
WAITS = ": waits for a slot"


def waiting_label(label: str) -> str:
    """
    Return what a task is called while it waits for a slot at Kling.

    :param label: its name.
    """
    return label + WAITS


def name_of(label: str) -> str:
    """
    Return the name of a task, whatever it waits for.

    :param label: what the grid calls it.
    """
    return label.removesuffix(WAITS)


def show(label: str) -> None:
    """
    Ask Airflow to show another name than ``map_index_template`` gave; the next start of the task restores that.

    To be called in the process of a worker; elsewhere, and before 3.2, nothing happens. A label is never a reason to
    fail.

    :param label: at most 250 characters.
    """
    try:
        from airflow.sdk.execution_time import task_runner
        from airflow.sdk.execution_time.comms import SetRenderedMapIndex

        comms = getattr(task_runner, "SUPERVISOR_COMMS", None)
        if comms is not None:
            comms.send(msg=SetRenderedMapIndex(rendered_map_index=label))
    except Exception as error:  # noqa: BLE001 - whatever a release without it, or a server that is away, raises
        log.debug("The label of the mapped task was not changed: %s", reason(error))
