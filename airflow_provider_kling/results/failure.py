"""Pushes the XCom ``failure`` when a task fails, for a branch operator to read."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from airflow_provider_kling.utils.untrusted import clean_text, reason

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_kling.exceptions import KlingError

log = logging.getLogger(__name__)

#: Characters of an id that are stored; Kling's have 18, our own at most 64.
ID_CHARACTERS = 128


def failure_of(error: KlingError, kling_task_id: str | None = None) -> dict[str, Any]:
    """
    Return an error as a dict for the XCom.

    :param error: what was raised.
    :param kling_task_id: the task, when the error does not name it.
    """
    task_id = error.kling_task_id or kling_task_id
    return {
        "error": type(error).__name__,
        "code": getattr(error, "code", None),
        "message": clean_text(error.message),
        "task_id": clean_text(task_id, ID_CHARACTERS) if task_id else None,
    }


def push_failure(error: KlingError, context: Context, kling_task_id: str | None = None) -> None:
    """
    Push the XCom ``failure``, so that a branch operator can read what went wrong.

    It never raises: ``error`` must end the task. Otherwise an XCom that cannot be stored would turn a permanent error
    into one that Airflow retries.

    :param error: what went wrong.
    :param context: Airflow's context.
    :param kling_task_id: the task, when the error does not name it.
    """
    try:
        context["ti"].xcom_push(key="failure", value=failure_of(error, kling_task_id))
    except Exception as problem:  # noqa: BLE001 - whatever the XCom backend raises, the failure itself goes on
        log.warning("The XCom 'failure' was not stored (%s); the error itself follows.", reason(problem))
