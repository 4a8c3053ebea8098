"""The routes behind the gallery of a Dag run: its progress, a page of its cards, and the files on them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import APIRouter, Depends, Header, HTTPException, Query
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response  # noqa: TC002 - FastAPI reads the annotation

from airflow_provider_kling.plugins.run_cards import cards_of, item_of_task, progress_of
from airflow_provider_kling.plugins.run_items import MAX_ITEMS, read_items
from airflow_provider_kling.plugins.run_progress import ENDED
from airflow_provider_kling.plugins.stored_file import NotShownError, StoredFile, in_thread
from airflow_provider_kling.plugins.task_routes import send_stored
from airflow_provider_kling.plugins.task_timeline import STORED_BY_BACKEND, is_stored_by_backend
from airflow_provider_kling.plugins.xcom_values import load_xcom_values
from airflow_provider_kling.utils._airflow.api_server import TaskKey, permitted_dag, permitted_task
from airflow_provider_kling.utils._airflow.object_storage import place_of
from airflow_provider_kling.utils._airflow.run_reader import RunTask, read_run
from airflow_provider_kling.utils.untrusted import reason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_kling.plugins.run_cards import Item
    from airflow_provider_kling.plugins.run_items import ManifestItems

    #: Of each batch that could be read, by task id and map index.
    Items = dict[tuple[str, int], Sequence[Item]]

router = APIRouter()

#: Cards of one response.
MAX_PAGE = 200

#: What a filter lets through; one that is not here, everything.
FILTERS = {
    "done": ("done",),
    "making": ("making", "storing"),
    "waiting": ("waiting", "slot"),
    "failed": ("failed", "stopped"),
}

#: Batches of one run whose manifests are read.
MAX_BATCHES = 200

#: Seconds after which the page asks again while something is under way.
REFRESH_SECONDS = 10


def known_run(dag_id: Annotated[str, Depends(permitted_dag)], run_id: str) -> list[RunTask]:
    """Return the Kling tasks of a run; the dependency has checked that the user may read them."""
    return read_run(dag_id, run_id)


async def known_task(key: Annotated[TaskKey, Depends(permitted_task)]) -> RunTask:
    """Return one of them, likewise."""
    tasks = await run_in_threadpool(read_run, key.dag_id, key.run_id, (key.task_id, key.map_index))
    if not tasks:
        raise HTTPException(404, "Airflow has no such task instance.")
    (task, *_), _ = await load_xcom_values(key.dag_id, tasks[:1])
    return task


@router.get("/run")
async def run(
    dag_id: str,
    tasks: Annotated[list[RunTask], Depends(known_run)],
    show: str = "all",
    offset: Annotated[int, Query(ge=0, le=10**6)] = 0,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 60,
) -> dict[str, Any]:
    """Return the progress of a run, and some of its cards."""
    tasks, unread = await load_xcom_values(dag_id, tasks)
    items, notes = await _items_of(tasks)
    if unread or any(is_stored_by_backend(task.xcoms.get("return_value")) and not task.manifest_uri for task in tasks):
        notes.append(unread or STORED_BY_BACKEND)
    # In a thread: thousands of cards take a part of a second, and Airflow's other requests would wait for it.
    page = await run_in_threadpool(_page, tasks, items, show, slice(offset, offset + limit))
    return {**page, "notes": notes, "offset": offset}


def _page(tasks: Sequence[RunTask], items: Items, show: str, part: slice) -> dict[str, Any]:
    cards = cards_of(tasks, items)
    progress = progress_of(cards)
    states = FILTERS.get(show)
    chosen = [card for card in cards if states is None or card.item.state in states]
    count = {name: sum(progress.counts.get(state, 0) for state in states) for name, states in FILTERS.items()}
    is_over = all(card.item.state in ENDED for card in cards) and all(task.end for task in tasks)
    return {
        "sentence": progress.sentence(time.time()),
        "counts": {"all": progress.total, **count},
        "total": len(chosen),
        "cards": [card.to_dict() for card in chosen[part]],
        "refresh_seconds": 0 if is_over else REFRESH_SECONDS,
    }


@router.get("/run/file")
async def file(
    task: Annotated[RunTask, Depends(known_task)],
    item: Annotated[int, Query(ge=-1, le=MAX_ITEMS)] = -1,
    index: Annotated[int, Query(ge=0, le=99)] = 0,
    what: Literal["file", "poster"] = "file",
    requested: Annotated[str | None, Header(alias="Range")] = None,
    if_range: Annotated[str | None, Header()] = None,
) -> Response:
    """Send a file of a card, or its poster; only files that the task's manifest names, by their number there."""
    known = await _item(task, item)
    named = known.files[index : index + 1] if known else ()
    uri = known.poster if known and what == "poster" else next(iter(named), "")
    if not uri:
        raise HTTPException(404, "The run has stored no such file.")
    return await send_stored(uri, requested, if_range)


async def _item(task: RunTask, number: int) -> Item | None:
    """Return the item of one card by its number; a page asks for each picture, so the other cards are not made."""
    if number < 0:
        return item_of_task(task)
    read, _ = await _read(task) if task.manifest_uri else (None, "")
    return read.items[number] if read and number < len(read.items) else None


async def _items_of(tasks: Sequence[RunTask]) -> tuple[Items, list[str]]:
    """Return the items of the batches, and a sentence for each that cannot be shown as a whole."""
    items: Items = {}
    notes: list[str] = []
    until = time.monotonic() + StoredFile.read_seconds
    for task in [task for task in tasks if task.manifest_uri][:MAX_BATCHES]:
        if time.monotonic() > until:
            return items, [*notes, "Try again: some batches are not shown, their storage is too slow."]
        read, note = await _read(task)
        items[task.task_id, task.map_index] = read.items if read else ()
        notes += [note] if note else []
    return items, notes


async def _read(task: RunTask) -> tuple[ManifestItems | None, str]:
    try:
        read = await in_thread(place_of(task.manifest_uri), read_items, task.manifest_uri)
    except FileNotFoundError:
        return None, ""  # the batch has just begun
    except (NotShownError, Exception) as error:  # noqa: BLE001 - each filesystem has errors of its own
        return None, (
            "Give the API server the storage's connection and provider package: "
            f"the manifest of {task.task_id} cannot be read ({reason(error)})."
        )
    return read, "" if read.is_whole else f"Only the first {len(read.items):,} items of {task.task_id} are shown."
