"""The routes behind the gallery of a Dag run: its progress, a page of its cards, and the files on them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

from fastapi import APIRouter, Depends, Header, HTTPException, Query
from fastapi.responses import Response  # noqa: TC002 - FastAPI reads the annotation

from airflow_provider_kling.plugins.run_cards import Card, cards_of, progress_of
from airflow_provider_kling.plugins.run_items import MAX_ITEMS, read_items
from airflow_provider_kling.plugins.run_progress import ENDED
from airflow_provider_kling.plugins.stored_file import NotShownError, in_thread
from airflow_provider_kling.plugins.task_routes import send_stored
from airflow_provider_kling.utils._airflow.api_server import TaskKey, permitted_dag, permitted_task
from airflow_provider_kling.utils._airflow.run_reader import RunTask, read_run
from airflow_provider_kling.utils.foreign import reason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_kling.plugins.run_items import Read

router = APIRouter()

#: Cards of one answer.
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


class Sheet(NamedTuple):
    """
    The cards of a run, and what could not be read.

    :param cards: all.
    :param notes: sentences.
    """

    cards: list[Card]
    notes: list[str]


def known_run(dag_id: Annotated[str, Depends(permitted_dag)], run_id: str) -> list[RunTask]:
    """Return the Kling tasks of a run; who may not read them has been refused before."""
    return read_run(dag_id, run_id)


def known_task(key: Annotated[TaskKey, Depends(permitted_task)]) -> RunTask:
    """Return one of them, likewise."""
    tasks = read_run(key.dag_id, key.run_id, (key.task_id, key.map_index))
    if not tasks:
        raise HTTPException(404, "Airflow has no such task instance.")
    return tasks[0]


@router.get("/run")
async def run(
    tasks: Annotated[list[RunTask], Depends(known_run)],
    show: str = "all",
    offset: Annotated[int, Query(ge=0, le=10**6)] = 0,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 60,
) -> dict[str, Any]:
    """Return the progress of a run, and some of its cards."""
    sheet = await _sheet(tasks)
    progress = progress_of(sheet.cards)
    states = FILTERS.get(show)
    chosen = [card for card in sheet.cards if states is None or card.item.state in states]
    count = {name: sum(progress.counts.get(state, 0) for state in states) for name, states in FILTERS.items()}
    is_over = all(card.item.state in ENDED for card in sheet.cards) and all(task.end for task in tasks)
    return {
        "sentence": progress.sentence(time.time()),
        "notes": sheet.notes,
        "counts": {"all": progress.total, **count},
        "total": len(chosen),
        "offset": offset,
        "cards": [card.shown() for card in chosen[offset : offset + limit]],
        "refresh_seconds": 0 if is_over else REFRESH_SECONDS,
    }


@router.get("/run/file")
async def file(
    task: Annotated[RunTask, Depends(known_task)],
    item: Annotated[int, Query(ge=-1, le=MAX_ITEMS)] = -1,
    index: Annotated[int, Query(ge=0, le=99)] = 0,
    what: Literal["file", "poster"] = "file",
    requested: Annotated[str | None, Header(alias="Range")] = None,
) -> Response:
    """Send a file of a card, or its poster: one that the task's manifest names, by its number there."""
    cards = (await _sheet([task])).cards
    card = next((card for card in cards if card.number == item), None)
    named = card.item.files[index : index + 1] if card else ()
    uri = card.item.poster if card and what == "poster" else next(iter(named), "")
    if not uri:
        raise HTTPException(404, "The run has stored no such file.")
    return await send_stored(uri, requested)


async def _sheet(tasks: Sequence[RunTask]) -> Sheet:
    items, notes = {}, []
    for task in [task for task in tasks if task.manifest_uri][:MAX_BATCHES]:
        read, note = await _items(task)
        items[task.task_id, task.map_index] = read.items if read else ()
        notes += [note] if note else []
    return Sheet(cards_of(tasks, items), notes)


async def _items(task: RunTask) -> tuple[Read | None, str]:
    try:
        read = await in_thread(read_items, task.manifest_uri)
    except FileNotFoundError:
        return None, ""  # it has just begun
    except (NotShownError, Exception) as error:  # noqa: BLE001 - each filesystem has errors of its own
        return None, (
            "Give the API server the storage's connection and provider package: "
            f"the manifest of {task.task_id} cannot be read ({reason(error)})."
        )
    return read, "" if read.is_whole else f"Only the first {len(read.items):,} items of {task.task_id} are shown."
