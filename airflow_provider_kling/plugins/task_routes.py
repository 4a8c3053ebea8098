"""The routes behind the tab of one task: what the page says, and the files that it plays."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException

from airflow_provider_kling.plugins.task_view import view_of
from airflow_provider_kling.utils._airflow.api_server import SessionDep, TaskKey, permitted_task, read_task

router = APIRouter()

PermittedTask = Annotated[TaskKey, Depends(permitted_task)]


@router.get("/task")
def task(key: PermittedTask, session: SessionDep) -> dict[str, Any]:
    """Return what the tab of one task shows."""
    record = read_task(session, key)
    if record is None:
        raise HTTPException(404, "Airflow has no such task instance.")
    return view_of(record)
