"""The routes behind the tab of one task: what the page says, and the files that it plays."""

from __future__ import annotations

import dataclasses
import time
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, HTTPException, Query
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response, StreamingResponse

from airflow_provider_kling.plugins.byte_range import ByteRange, OutOfRangeError, byte_range
from airflow_provider_kling.plugins.input_image import input_thumbnail
from airflow_provider_kling.plugins.stored_file import NotShownError, StoredFile, open_stored
from airflow_provider_kling.plugins.task_results import input_image_uri, stored_uri
from airflow_provider_kling.plugins.task_view import is_kling, view_of
from airflow_provider_kling.plugins.xcom_values import load_xcom_values
from airflow_provider_kling.utils._airflow.api_server import TaskKey, TaskRecord, permitted_task, read_task

router = APIRouter()


async def known_task(key: Annotated[TaskKey, Depends(permitted_task)]) -> TaskRecord:
    """Return what Airflow knows of a task; who may not read it has been refused before."""
    record = await run_in_threadpool(read_task, key)
    if record is None:
        raise HTTPException(404, "Airflow has no such task instance.")
    (whole,), unread = await load_xcom_values(key.dag_id, [record])
    return dataclasses.replace(whole, unread=unread)


KnownTask = Annotated[TaskRecord, Depends(known_task)]


@router.get("/task")
def task(record: KnownTask) -> Any:
    """Return what the tab of one task shows."""
    return view_of(record, time.time())


@router.get("/file")
async def file(
    record: KnownTask,
    index: Annotated[int, Query(ge=0, le=999)],
    requested: Annotated[str | None, Header(alias="Range")] = None,
    if_range: Annotated[str | None, Header()] = None,
) -> Response:
    """Send a stored result: one that the task's manifest names, by its number there."""
    uri = stored_uri(record.xcoms.get("return_value"), index)
    if uri is None:
        raise HTTPException(404, "The task has stored no such file.")
    return await send_stored(uri, requested, if_range)


@router.get("/frame")
async def frame(record: KnownTask, index: Annotated[int, Query(ge=0, le=99)]) -> Response:
    """Send a picture that the task was given, made small: one that its rendered fields name, by its number there."""
    uri = input_image_uri(record.fields, index) if is_kling(record) else None
    picture = await input_thumbnail(uri) if uri else b""
    if not picture:
        # One answer, whatever is there: who may start a run writes its fields, and is told nothing of other files.
        raise HTTPException(404, "The API server finds no PNG or JPEG picture there that it may read.")
    return Response(picture, media_type="image/jpeg", headers={"Cache-Control": "private, max-age=600"})


async def send_stored(uri: str, requested: str | None, if_range: str | None) -> Response:
    """
    Send a file that a manifest names.

    :param uri: as the manifest has it.
    :param requested: the header ``Range``.
    :param if_range: the header ``If-Range``: which content the browser has another part of.
    :raises HTTPException: 404 when there is none, 502 when it cannot be shown.
    """
    try:
        stored = await open_stored(uri)
    except NotShownError as error:
        raise HTTPException(404 if error.is_missing else 502, str(error)) from None
    return answer(stored, requested if if_range in (None, stored.etag) else None)


def answer(stored: StoredFile, requested: str | None) -> Response:
    """
    Return a file, or the part of it that is asked for.

    :param stored: a file that may be shown.
    :param requested: the header ``Range``.
    """
    headers = {
        "Accept-Ranges": "bytes",
        "ETag": stored.etag,
        "Cache-Control": "private, max-age=60",
        "Content-Disposition": f'inline; filename="kling.{stored.media.extension}"',
    }
    try:
        part = byte_range(requested, stored.size)
    except OutOfRangeError:
        return Response(status_code=416, headers={**headers, "Content-Range": f"bytes */{stored.size}"})
    if part:
        headers["Content-Range"] = part.header(stored.size)
    sent = part or ByteRange(0, stored.size - 1)
    headers["Content-Length"] = str(sent.length)
    return StreamingResponse(
        stored.iter_chunks(sent), 206 if part else 200, headers=headers, media_type=stored.media.content_type
    )
