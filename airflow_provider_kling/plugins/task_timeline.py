"""The timeline of a task: when it was submitted, accepted, made and stored; and what it waits for now. Pure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, TypedDict

from airflow_provider_kling.exceptions import KlingConfigurationError
from airflow_provider_kling.models import SUBMISSION_KEY, TaskStatus, is_time
from airflow_provider_kling.plugins.run_progress import format_duration
from airflow_provider_kling.plugins.task_results import stored_files
from airflow_provider_kling.products.catalogue import product_of
from airflow_provider_kling.waiting.pace import SlotPace

if TYPE_CHECKING:
    from airflow_provider_kling.products.product import Product
    from airflow_provider_kling.utils._airflow.api_server import TaskRecord


#: What a page says of a reference that the API server cannot follow: Airflow runs XCom backends on workers only.
STORED_BY_BACKEND = (
    "Let the XCom backend leave values of a few kB in Airflow's database, and the result is shown here. With Airflow's "
    "own, set [core] xcom_backend and [common.io] xcom_objectstorage_path for the API server, as for workers."
)


class Step(TypedDict):
    """A moment; ``at`` is in epoch milliseconds."""

    label: str
    at: int
    note: str


class Wait(TypedDict):
    """
    What a task waits for. Times are epoch milliseconds, 0 when not known.

    ``usual`` is how long this product takes once Kling has accepted it, in words; empty when nobody has measured it.
    """

    what: str
    since: int
    until: int
    next_look: int
    every_seconds: int
    usual: str


def submission_of(record: TaskRecord) -> dict[str, Any]:
    """
    Return the XCom that the worker pushed when Kling had accepted the task; empty before.

    :param record: what Airflow knows.
    """
    value = record.xcoms.get(SUBMISSION_KEY)
    return value if isinstance(value, dict) else {}


def manifest_of(record: TaskRecord) -> dict[str, Any]:
    """
    Return the manifest that the task returned; empty before its end, and when an XCom backend stores it elsewhere.

    :param record: what Airflow knows.
    """
    value = record.xcoms.get("return_value")
    return value if isinstance(value, dict) else {}


def is_stored_by_backend(returned: Any) -> bool:
    """
    Whether an XCom backend stores the value outside of Airflow's database, which then holds a URI.

    :param returned: the XCom as the database has it; anything.
    """
    return isinstance(returned, str) and "://" in returned


def product_of_record(record: TaskRecord) -> Product | None:
    """
    Return the product of a task, where it is known.

    :param record: what Airflow knows.
    """
    sources = (manifest_of(record), submission_of(record), record.trigger_arguments)
    endpoint = next((source["endpoint"] for source in sources if isinstance(source.get("endpoint"), str)), "")
    try:
        return product_of(endpoint)
    except KlingConfigurationError:
        return None


def build_timeline(record: TaskRecord) -> list[Step]:
    """
    Return the steps with a known time, in order.

    :param record: what Airflow knows.
    """
    submission, manifest = submission_of(record), manifest_of(record)
    steps: list[Step] = [
        _slot_step(record),
        {"label": "Submitted", "at": milliseconds(submission.get("submitted_at")), "note": ""},
        {
            "label": "Accepted by Kling",
            "at": milliseconds(submission.get("accepted_at")) or milliseconds(manifest.get("created_at")),
            "note": "by an earlier try; not paid again" if submission.get("adopted") is True else "",
        },
    ]
    if manifest.get("status") == TaskStatus.SUCCEED:
        steps.append({"label": "Made by Kling", "at": milliseconds(manifest.get("updated_at")), "note": ""})
    if stored_files(manifest) and record.end:
        steps.append({"label": "Stored", "at": int(record.end.timestamp() * 1000), "note": ""})
    elif record.end:
        steps.append({"label": "Ended in Airflow", "at": int(record.end.timestamp() * 1000), "note": record.state})
    return sorted((step for step in steps if step["at"]), key=lambda step: step["at"])


def _slot_step(record: TaskRecord) -> Step:
    """Return the wait for a slot, from Kling's refusal to the submission that Kling accepted."""
    submission = submission_of(record)
    if waiting := _seconds(_waiting_slot(record).get("since")):
        return {"label": "Waits for a slot", "at": waiting, "note": "outside the worker, nothing is paid yet"}
    since, until = milliseconds(submission.get("slot_since")), milliseconds(submission.get("submitted_at"))
    note = f"{format_duration((until - since) / 1000)} outside the worker" if since < until else "outside the worker"
    return {"label": "Waited for a slot", "at": since, "note": note}


def wait_of(record: TaskRecord, now: float) -> Wait | None:
    """
    Return what a task waits for in the triggerer; ``None`` when it does not wait there.

    :param record: what Airflow knows.
    :param now: epoch seconds.
    """
    arguments = record.trigger_arguments
    if slot := _waiting_slot(record):
        return {
            "what": "no slot yet",
            "since": _seconds(slot.get("since")),
            "until": _seconds(slot.get("until")),
            "next_look": 0,
            "every_seconds": math.ceil(1.5 * SlotPace().read_interval),  # give or take a half
            "usual": usual(product_of_record(record)),
        }
    if record.trigger != "KlingTaskTrigger":
        return None
    first, every = arguments.get("first_poll_at"), arguments.get("poll_interval")
    accepted_at = milliseconds(submission_of(record).get("accepted_at"))
    return {
        "what": "being made",
        "since": accepted_at or _seconds(arguments.get("deferred_at")),
        "until": _seconds(arguments.get("end_time")) or _give_up_at(accepted_at, arguments.get("timeout")),
        "next_look": _seconds(first) if isinstance(first, (int, float)) and first > now else 0,
        "every_seconds": round(every) if isinstance(every, (int, float)) and 0 < every < 1e6 else 0,
        "usual": usual(product_of_record(record)),
    }


def usual(product: Product | None) -> str:
    """
    Return how long a product usually takes, as text.

    :param product: what was asked for.
    """
    seconds = product.typical_seconds if product else 0
    if not seconds:
        return ""
    return f"about {seconds:.0f} s" if seconds < 120 else f"about {seconds / 60:.0f} min"


def _waiting_slot(record: TaskRecord) -> dict[str, Any]:
    return record.trigger_arguments if record.trigger == "KlingSlotTrigger" else {}


def _give_up_at(accepted_at: int, timeout: Any) -> int:
    """Return the deadline of a trigger that has submitted: its arguments are older than the task and hold no time."""
    return milliseconds(accepted_at + _seconds(timeout)) if accepted_at and _seconds(timeout) else 0


def milliseconds(value: Any) -> int:
    """
    Return a time of a manifest; 0 when the value is none.

    :param value: anything.
    """
    return int(value) if is_time(value, per_second=1000) else 0


def _seconds(value: Any) -> int:
    """Return a time of a trigger's argument, which is in epoch seconds, as milliseconds."""
    return milliseconds(value * 1000) if isinstance(value, (int, float)) else 0
