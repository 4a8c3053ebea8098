"""
Turns a task's record in a response into a :class:`Task`: records of both generations of the API, and of relays.

Only the id and the status are needed. Any other field that cannot be read is left empty, because it must not fail a
task that was paid for.
"""

from __future__ import annotations

import hashlib
import logging
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from airflow_provider_kling.api import values
from airflow_provider_kling.api.outputs import read_results
from airflow_provider_kling.exceptions import KlingResponseError, error_details
from airflow_provider_kling.models import Face, Task, TaskStatus
from airflow_provider_kling.utils.untrusted import clean_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from airflow_provider_kling.api.envelope import Response
    from airflow_provider_kling.models import Result

log = logging.getLogger(__name__)

#: Kling's words for the states of a task, then those of relays and of the clients written for them (read 2026-11), in
#: lower case with ``_`` between words. ``cancelled`` and ``expired`` are not here: either end may be meant.
STATUS_WORDS: dict[str, TaskStatus] = {
    **dict.fromkeys(
        ("submitted", "queued", "queuing", "in_queue", "pending", "waiting", "staged", "created", "not_start"),
        TaskStatus.SUBMITTED,
    ),
    **dict.fromkeys(("processing", "in_progress", "running", "generating", "starting"), TaskStatus.PROCESSING),
    **dict.fromkeys(
        ("succeed", "succeeded", "success", "completed", "complete", "finished", "done"), TaskStatus.SUCCEED
    ),
    **dict.fromkeys(("failed", "fail", "failure", "error"), TaskStatus.FAILED),
}

#: Fields by their names: classic, second generation, relays.
_ID = ("task_id", "id", "taskId")
_STATUS = ("task_status", "status", "taskStatus")
_MESSAGE = ("task_status_msg", "fail_reason", "message")
_EXTERNAL_ID = ("external_task_id", "external_id")
_CREATED = ("created_at", "create_time", "submit_time")
_UPDATED = ("updated_at", "update_time", "finish_time")

#: Keys under which relays put a task's record or another envelope around it, and how deep such envelopes are opened.
_WRAPPER_KEYS = ("data", "task", "output", "result")
_MAX_WRAPPERS = 4

#: The shortest text that is taken for an id where no key says that it is one; Kling's ids have 18 digits.
_BARE_ID_CHARACTERS = 16


def task_records(data: Any, depth: int = _MAX_WRAPPERS) -> Iterator[dict[str, Any]]:
    """
    Yield the records of one task that a response holds, the outermost first; a relay may wrap Kling's in its own.

    :param data: any JSON.
    :param depth: how many envelopes are opened.
    """
    return (found for found in _records(data, depth) if values.first(found, *_ID) is not None)


def _records(data: Any, depth: int = _MAX_WRAPPERS) -> Iterator[dict[str, Any]]:
    if isinstance(data, list) and len(data) == 1:
        data = data[0]
    if not isinstance(data, dict):
        return
    yield data
    if depth:
        for name in _WRAPPER_KEYS:
            yield from _records(data.get(name), depth - 1)


def is_about(data: Any, task: Task, any_id: str) -> bool:
    """
    Whether a response is about the task that was asked for; a relay may name it in its own envelope only.

    :param data: of the response.
    :param task: what was read of it.
    :param any_id: Kling's id, or an ``external_task_id``.
    """
    if not any_id.isdecimal() and task.external_task_id in ("", any_id):
        return True
    return any(any_id == values.identifier(values.first(found, *_ID)) for found in task_records(data))


def holds_task_or_result(data: Any) -> bool:
    """Whether a response holds what was asked for, whatever else it says."""
    return holds_task(data) or holds_result(data)


def holds_result(data: Any) -> bool:
    """Whether a response holds the result of a product that creates no task, wherever a relay has put it."""
    return any(_session_id(found) or read_results(found) for found in _records(data))


def holds_task(data: Any) -> bool:
    """Whether a response names a task, whatever else it says."""
    return any(_is_task(record) and values.identifier(values.first(record, *_ID)) for record in task_records(data))


def _is_task(record: dict[str, Any]) -> bool:
    """Whether a record is certainly a task's: many things have an ``id``, a response among them."""
    return values.first(record, "task_id", "taskId") is not None or _known_status(record) is not None


def is_bare_id(data: Any) -> bool:
    """Whether the data of a response is an id alone, as some relays respond to a POST; ``"success"`` is no id."""
    return isinstance(data, str) and len(data) >= _BARE_ID_CHARACTERS and any(map(str.isdigit, data))


def read_task(data: Any, endpoint: str, request_id: str, *, status: TaskStatus | None = None) -> Task:
    """
    Read one task.

    :param data: where its record is.
    :param endpoint: the product.
    :param request_id: of the response.
    :param status: taken in place of a missing or unknown status: a POST that returned an id has created a task.
    :raises KlingResponseError: when there is no task, its id has no usable form, or its status is unknown.
    """
    found = sorted(task_records(data), key=lambda record: not _is_task(record))
    task_id = _task_id(found, request_id)
    info = values.json_object(found[0].get("task_info"))
    cost = values.json_objects(found[0].get("billing"))
    return Task(
        task_id=task_id,
        status=_status(found, task_id, status),
        endpoint=endpoint,
        message=values.text(values.first(found[0], *_MESSAGE)),
        external_task_id=values.identifier(values.first({**found[0], **info}, *_EXTERNAL_ID)),
        created_at=_first_time(found[0], _CREATED),
        updated_at=_first_time(found[0], _UPDATED),
        units=values.amount(found[0].get("final_unit_deduction")) or _sum_charges(cost, "unit"),
        cash=_read_cash(found[0].get("final_balance_deduction")) or _sum_charges(cost, "cash"),
        results=next((made for record in found if (made := read_results(record))), ()),
        request_id=request_id,
    )


def read_result(response: Response, endpoint: str) -> Task:
    """
    Read the response of a product that returns its result at once and creates no task.

    The id of the returned task is the session's id, or Kling's ``request_id``.

    :param response: to the POST.
    :param endpoint: the product.
    :raises KlingResponseError: when there is neither a session nor a result, or faces without the session in which
        their ids count.
    """
    data = next((found for found in _records(response.data) if _session_id(found) or read_results(found)), {})
    session, results = _session_id(data), read_results(data)
    has_faces = any(isinstance(result, Face) for result in results)
    if not session and (has_faces or not results):
        known = error_details(request_id=response.request_id)
        missing = "session" if has_faces else "result"
        raise KlingResponseError(
            f"Check the connection's host: the response holds no {missing}.{known}", http_status=200
        )
    return Task(
        task_id=session or _id_of_result(response.request_id, results),
        status=TaskStatus.SUCCEED,
        endpoint=endpoint,
        units=values.amount(data.get("final_unit_deduction")),
        cash=_read_cash(data.get("final_balance_deduction")),
        results=results,
        request_id=response.request_id,
    )


def _session_id(record: dict[str, Any]) -> str:
    return values.identifier(record.get("session_id"))


def _id_of_result(request_id: str, results: Iterable[Result]) -> str:
    """An id for a paid result that has none: files are named after it, and a relay's ``request_id`` is any text."""
    links = [link.url for result in results for link in result.links]
    known = request_id or "\n".join(links)
    return values.identifier(request_id) or f"result-{hashlib.sha256(known.encode()).hexdigest()[:20]}"


def _task_id(found: list[dict[str, Any]], request_id: str) -> str:
    known = error_details(request_id=request_id)
    if not found:
        raise KlingResponseError(f"Check the connection's host: the response holds no task.{known}", http_status=200)
    raw = values.first(found[0], *_ID)
    task_id = values.identifier(raw)
    if not task_id:
        raise KlingResponseError(
            f"Check the connection's host: the response holds no task with a usable id. {clean_text(raw, 80)!r} is "
            f"none.{known}",
            http_status=200,
        )
    return task_id


def _status(found: list[dict[str, Any]], task_id: str, default: TaskStatus | None) -> TaskStatus:
    status = next((status for record in found if (status := _known_status(record))), default)
    if status is None:
        raise _unknown_status(_status_word(found[0]), task_id)
    return status


def _known_status(record: dict[str, Any]) -> TaskStatus | None:
    return STATUS_WORDS.get(_status_word(record).lower().replace("-", "_").replace(" ", "_"))


def _status_word(record: dict[str, Any]) -> str:
    return values.text(values.first(record, *_STATUS), 40)


def _unknown_status(word: str, task_id: str) -> KlingResponseError:
    """Return the error for an unknown status: transient, because the task may still run and end with a known one."""
    return KlingResponseError(
        f"Look at the task in Kling's console: its status is not known here. The unknown status {word!r} is no end; "
        f"the task may still run and be billed.{error_details(kling_task_id=task_id)}",
        http_status=200,
        kling_task_id=task_id,
    )


def _first_time(record: dict[str, Any], names: tuple[str, ...]) -> int:
    return next((moment for name in names if (moment := values.milliseconds(record.get(name)))), 0)


def _read_cash(deduction: Any) -> str:
    """Read what was taken from the balance: ``{"quota", "list_price"}``, of which the first was charged."""
    return values.amount(deduction.get("quota") if isinstance(deduction, dict) else deduction)


def _sum_charges(billing: list[dict[str, Any]], charge_type: str) -> str:
    amounts = (values.amount(entry.get("amount")) for entry in billing if entry.get("charge_type") == charge_type)
    readable = [Decimal(amount) for amount in amounts if amount]
    return format(sum(readable, Decimal(0)), "f") if readable else ""


def read_list(
    response: Response, endpoint_of: Callable[[str], str | None], *, status: TaskStatus | None = None
) -> list[Task]:
    """
    Read a list of tasks; a record that cannot be read, perhaps of another product, is left out.

    :param response: whose data is the list.
    :param endpoint_of: returns the product of a task id, or ``None`` for a task to leave out.
    :param status: see :func:`read_task`.
    :raises KlingResponseError: when the response is no list; permanent, so that the list is not asked for again.
    """
    if response.data is not None and not isinstance(response.data, list):
        raise no_list(response)
    items: list[Any] = response.data or []
    tasks, skipped = [], 0
    for item in items:
        endpoint = endpoint_of(values.identifier(values.first(values.json_object(item), *_ID)))
        try:
            if endpoint is not None:
                tasks.append(read_task(item, endpoint, response.request_id, status=status))
        except KlingResponseError:
            skipped += 1
    if skipped:
        log.debug("%d of %d records of a list cannot be read and were left out", skipped, len(items))
    return tasks


def no_list(response: Response) -> KlingResponseError:
    """Return the error for a response without a list of tasks; permanent, so that the list is not asked for again."""
    return KlingResponseError(
        "Check the connection's host: the response is no list of tasks."
        f"{error_details(request_id=response.request_id)}",
        http_status=200,
        transient=False,
    )
