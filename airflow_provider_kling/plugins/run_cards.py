"""
The cards of a Dag run's gallery: one for each result that its tasks make, whatever the kind of task. Pure.

The input comes from Airflow's database and from manifests of batches. A Dag can push any XCom, so the type of each
value is checked.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Literal

from airflow_provider_kling.models import KINDS
from airflow_provider_kling.plugins.failure_words import split_details
from airflow_provider_kling.plugins.run_progress import Progress
from airflow_provider_kling.utils._airflow.grid_label import base_label
from airflow_provider_kling.utils.untrusted import clean_text, web_link

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from airflow_provider_kling.utils._airflow.run_reader import RunTask

State = Literal["waiting", "slot", "making", "storing", "done", "failed", "stopped"]

#: Operators that read a result of another task.
READERS = ("KlingTaskSensor", "KlingToObjectStorageOperator")

#: An operator that only counts results of other tasks.
COUNTERS = ("KlingRunSummaryOperator",)

#: Airflow's states as states of a card, where no XCom says more.
TASK_STATES: dict[str, State] = {
    "success": "done",
    "failed": "failed",
    "upstream_failed": "failed",
    "skipped": "stopped",
    "removed": "stopped",
    "running": "making",
    "deferred": "making",
}

#: States of a batch's manifest as states of a card.
ITEM_STATES: dict[str, State] = {
    "waiting": "waiting",
    "running": "making",
    "storing": "storing",
    "succeed": "done",
    "failed": "failed",
    "stopped": "stopped",
}

#: How a browser shows the files of a kind; other kinds have only an id for later requests.
SHOWS = {
    "videos": "video",
    "images": "image",
    "faces": "image",
    "segments": "image",
    "audios": "audio",
    "voices": "audio",
}

#: Ids by which later requests name a result.
RESULT_IDS = ("voice_id", "element_id", "face_id")

#: Characters of a name and of a sentence on a card.
NAME_CHARACTERS = 120
MESSAGE_CHARACTERS = 400

#: Files of one result that can be opened.
MAX_FILES = 20


@dataclasses.dataclass(frozen=True)
class Item:
    """
    An item of a batch, as a line of its manifest says.

    :param key: its name.
    :param state: where it stands.
    :param kling_task_id: Kling's id of its newest attempt.
    :param units: what it cost, as Kling says it.
    :param files: URIs of what is stored.
    :param poster: URI of a picture of the first.
    :param link: Kling's own.
    :param kind: of the result: ``videos``, ``images`` or another of Kling's words.
    :param result_id: the id by which later requests name the result, of kinds that have one.
    :param message: why it has no result.
    """

    key: str
    state: State
    kling_task_id: str = ""
    units: str = ""
    files: tuple[str, ...] = ()
    poster: str = ""
    link: str = ""
    kind: str = ""
    result_id: str = ""
    message: str = ""


@dataclasses.dataclass(frozen=True)
class Card:
    """
    A result in the gallery.

    :param task: the task that makes it.
    :param name: of the item, the mapped task or the task.
    :param item: what is known of the result.
    :param number: of the batch's item, from 0; -1 for a task of its own.
    :param holder: the task whose manifest names the files, when that is another one.
    """

    task: RunTask
    name: str
    item: Item
    number: int = -1
    holder: RunTask | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the card for the page. Files have numbers there; their URIs stay in the API server."""
        item, holder = self.item, self.holder or self.task
        return {
            "task_id": self.task.task_id,
            "map_index": self.task.map_index,
            "holder": [holder.task_id, holder.map_index],
            "item": self.number,
            "name": self.name,
            "state": item.state,
            "units": item.units,
            "kind": item.kind,
            "shows": SHOWS.get(item.kind, ""),
            "result_id": item.result_id,
            "files": len(item.files),
            "poster": bool(item.poster),
            "link": item.link,
            "message": item.message,
            "kling_task_id": item.kling_task_id,
        }


def cards_of(tasks: Sequence[RunTask], items: Mapping[tuple[str, int], Sequence[Item]]) -> list[Card]:
    """
    Return the cards of a run, in the order of its tasks.

    :param tasks: those of its task instances that are Kling's.
    :param items: of batches, by task id and map index; a batch without is one card.
    """
    cards: list[Card] = []
    for task in tasks:
        if task.operator not in (*READERS, *COUNTERS):
            cards += _cards_of_task(task, items.get((task.task_id, task.map_index), ()))
    _merge_readers(cards, [task for task in tasks if task.operator in READERS])
    return cards


def progress_of(cards: Iterable[Card]) -> Progress:
    """
    Count the cards.

    :param cards: all of a run.
    """
    cards = list(cards)
    costs = [cost for card in cards if card.item.state == "done" and (cost := _decimal(card.item.units)) is not None]
    tasks = [card.task for card in cards]
    return Progress(
        counts=Counter(card.item.state for card in cards),
        units=sum(costs, Decimal(0)),
        priced=len(costs),
        started=min((task.start for task in tasks if task.start), default=0.0),
        ended=max((task.end for task in tasks), default=0.0),
    )


def item_of_line(line: Mapping[str, Any]) -> Item:
    """
    Return what a line of a batch's manifest says.

    :param line: a JSON object; anything may stand in it.
    """
    error = line.get("error")
    message = error.get("message") if isinstance(error, dict) else None
    return _item(line, ITEM_STATES.get(_text(line.get("status")), "waiting"), _text(line.get("key")), message)


def _cards_of_task(task: RunTask, items: Sequence[Item]) -> list[Card]:
    if items:
        return [Card(task, item.key or f"{task.task_id} {number}", item, number) for number, item in enumerate(items)]
    # A task that is not mapped may have a label too, of a template of the Dag's; the card shows its id.
    label = clean_text(base_label(task.label), NAME_CHARACTERS) or f"{task.task_id} {task.map_index}"
    return [Card(task, label if task.map_index >= 0 else task.task_id, item_of_task(task))]


def item_of_task(task: RunTask) -> Item:
    """
    Return what a task's own XComs say; anything may stand in them.

    :param task: one that is no batch, or whose batch cannot be read.
    """
    returned, failure = task.xcoms.get("return_value"), task.xcoms.get("failure")
    manifest: dict[str, Any] = returned if isinstance(returned, dict) else {}
    state = TASK_STATES.get(task.state, "waiting")
    if state == "making" and task.trigger == "KlingSlotTrigger":
        state = "slot"
    if state == "done" and manifest.get("status") in ("submitted", "processing"):
        state = "making"
    message = None
    if state in ("failed", "waiting"):
        message = failure.get("message") if isinstance(failure, dict) else _state_message(task)
    item = _item(manifest, state, "", message)
    return item if item.kling_task_id else dataclasses.replace(item, kling_task_id=_id(task.xcoms.get("task_id")))


def _state_message(task: RunTask) -> str:
    words = {
        "upstream_failed": "It did not run: a task before it failed.",
        "up_for_retry": "It will be tried again.",
        "failed": "Look at the log of the task.",
    }
    return words.get(task.state, "")


def _merge_readers(cards: list[Card], readers: Sequence[RunTask]) -> None:
    """Merge results of sensors and transfers into the card of the task that submitted; without one they get a card."""
    by_id = {card.item.kling_task_id: place for place, card in enumerate(cards) if card.item.kling_task_id}
    for reader in readers:
        failure = reader.xcoms.get("failure")
        read = item_of_task(reader)
        known = read.kling_task_id or (_id(failure.get("task_id")) if isinstance(failure, dict) else "")
        if known in by_id:
            card = cards[by_id[known]]
            merged = _merge_items(card.item, read)
            holder = card.holder if merged.files == card.item.files else reader
            cards[by_id[known]] = dataclasses.replace(card, item=merged, holder=holder)
        elif isinstance(reader.xcoms.get("return_value"), dict):
            by_id[known] = len(cards)
            cards += _cards_of_task(reader, ())


def _merge_items(made: Item, read: Item) -> Item:
    """Return the item that says more: one with stored files before one with a link, a finished one before others."""
    if made.state in ("done", "failed") and not (read.files and not made.files):
        return made
    if read.state not in ("done", "failed") or (made.files and not read.files):
        return made
    if read.state == "failed" and made.state == "done":
        return made
    keep = {name: getattr(made, name) for name in ("units", "link", "kind") if not getattr(read, name)}
    return dataclasses.replace(read, key=made.key, kling_task_id=made.kling_task_id, **keep)


def _item(manifest: Mapping[str, Any], state: State, key: str, message: Any) -> Item:
    files = manifest.get("files")
    stored = [file for file in files[:MAX_FILES] if isinstance(file, dict)] if isinstance(files, list) else []
    group = next((group for group in KINDS if isinstance(manifest.get(group), list) and manifest[group]), "")
    results = manifest[group] if group else [None]
    first = results[0] if isinstance(results[0], dict) else {}
    return Item(
        key=clean_text(key, NAME_CHARACTERS),
        state=state,
        kling_task_id=_id(manifest.get("task_id")),
        units=str(cost) if (cost := _decimal(manifest.get("units"))) is not None else "",
        files=tuple(_text(file.get("uri")) for file in stored),
        poster=next((_text(file.get("poster")) for file in stored), ""),
        link=web_link(next((first[name] for name in ("url", "trial_url", "image_url") if first.get(name)), None)),
        kind=group,
        result_id=next((clean_text(first[name], NAME_CHARACTERS) for name in RESULT_IDS if first.get(name)), ""),
        message=split_details(clean_text(message, MESSAGE_CHARACTERS))[0],
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _id(value: Any) -> str:
    return clean_text(value, NAME_CHARACTERS) if isinstance(value, str) else ""


def _decimal(value: Any) -> Decimal | None:
    try:
        cost = Decimal(value) if isinstance(value, str) and len(value) < 40 else Decimal("NaN")
    except InvalidOperation:
        return None
    return cost if cost.is_finite() and 0 <= cost < 10**12 else None
