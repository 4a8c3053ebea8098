"""What a task leaves when it fails, for a branch to look at."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from airflow_provider_kling.utils.foreign import foreign_text, reason

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_kling.exceptions import KlingError

log = logging.getLogger(__name__)

#: Characters of an id that are stored; Kling's have 18, our own at most 64.
ID_CHARACTERS = 128


def failure_of(error: KlingError, kling_task_id: str | None = None) -> dict[str, Any]:
    """
    Return what went wrong, for programs.

    :param error: what was raised.
    :param kling_task_id: the task, when the error does not name it.
    """
    task_id = error.kling_task_id or kling_task_id
    return {
        "error": type(error).__name__,
        "code": getattr(error, "code", None),
        "message": foreign_text(error.message),
        "task_id": foreign_text(task_id, ID_CHARACTERS) if task_id else None,
    }


def push_failure(error: KlingError, context: Context, kling_task_id: str | None = None) -> None:
    """
    Leave the XCom ``failure``, so that a branch can look at what went wrong.

    It never raises: what ends the task is ``error``, and an XCom that cannot be stored must not make a permanent
    error look like one that is worth a retry.

    :param error: what went wrong.
    :param context: Airflow's context.
    :param kling_task_id: the task, when the error does not name it.
    """
    try:
        context["ti"].xcom_push(key="failure", value=failure_of(error, kling_task_id))
    except Exception as problem:  # noqa: BLE001 - whatever the XCom backend raises, the failure itself goes on
        log.warning("The XCom 'failure' was not stored (%s); the error itself follows.", reason(problem))
