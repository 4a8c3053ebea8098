"""The name of a mapped task in the grid, changed while the task runs (Airflow 3.2 and later)."""

from __future__ import annotations

import logging

from airflow_provider_kling.utils.untrusted import reason

log = logging.getLogger(__name__)

#: Suffix of a label while the task waits for a slot.
WAITS = ": waits for a slot"


def waiting_label(label: str) -> str:
    """
    Return what a task is called while it waits for a slot at Kling.

    :param label: its name.
    """
    return label + WAITS


def base_label(label: str) -> str:
    """
    Return a label without the suffix of a task that waits for a slot.

    :param label: as the grid shows it.
    """
    return label.removesuffix(WAITS)


def show(label: str) -> None:
    """
    Change the label that ``map_index_template`` gave; the next start of the task restores it.

    Call it in the process of a worker; elsewhere, and before 3.2, nothing happens. It never raises.

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
