"""The content of the tab of one task, from what Airflow knows of the task. Pure: the clock is an argument."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from airflow_provider_kling.plugins.failure_words import split_details
from airflow_provider_kling.plugins.task_results import FRAMES, Frame, ShownResult, frames_shown, results_shown
from airflow_provider_kling.plugins.task_timeline import (
    STORED_BY_BACKEND,
    Step,
    Wait,
    build_timeline,
    is_stored_by_backend,
    manifest_of,
    product_of_record,
    submission_of,
    usual,
    wait_of,
)
from airflow_provider_kling.utils.ours import is_our_operator
from airflow_provider_kling.utils.untrusted import clean_text

if TYPE_CHECKING:
    from airflow_provider_kling.utils._airflow.api_server import TaskRecord

#: States of Airflow after which nothing changes by itself.
FINAL = frozenset({"success", "failed", "skipped", "upstream_failed", "removed"})

#: Seconds between two requests of a page whose task still runs.
REFRESH_SECONDS = 5

#: Characters of a prompt that are shown; Kling takes 2,500.
PROMPT_CHARACTERS = 3000

#: Fields that other parts of the page show, or that say nothing about the result.
_ELSEWHERE = {
    *("prompt", "negative_prompt", "text", "model_name"),
    *("kling_task_id", "endpoint", "manifest", "items", "image_list", *FRAMES),
}

Tone = Literal["good", "bad", "busy", "quiet"]


class Row(TypedDict):
    """A name and its value."""

    label: str
    value: str


class Failure(TypedDict):
    """Why there is no result: sentences that begin with what to do, Kling's code, and the status of its HTTP answer."""

    sentence: str
    code: str
    http_status: str


class TaskView(TypedDict):
    """The content of the page; the page only draws it."""

    is_kling: bool
    headline: str
    tone: Tone
    sentence: str
    results: list[ShownResult]
    frames: list[Frame]
    prompt: str
    negative_prompt: str
    text: str
    facts: list[Row]
    parameters: list[Row]
    wait: Wait | None
    time_line: list[Step]
    ids: list[Row]
    failure: Failure | None
    refresh_seconds: int


def view_of(record: TaskRecord, now: float) -> TaskView:
    """
    Return what the page shows.

    :param record: what Airflow knows.
    :param now: epoch seconds.
    """
    ours = is_kling(record)
    if not ours:
        # The page shows nothing of other tasks.
        record = dataclasses.replace(record, end=None, fields={}, xcoms={}, unread="")
    manifest = manifest_of(record)
    headline, tone, sentence = _headline(record)
    return {
        "is_kling": ours,
        "headline": headline,
        "tone": tone,
        "sentence": f"{sentence} {record.unread}".strip(),
        "results": results_shown(manifest, now),
        "frames": frames_shown(record.fields),
        "prompt": clean_text(record.fields.get("prompt"), PROMPT_CHARACTERS),
        "negative_prompt": clean_text(record.fields.get("negative_prompt"), PROMPT_CHARACTERS),
        "text": clean_text(record.fields.get("text"), PROMPT_CHARACTERS),
        "facts": _facts(record),
        "parameters": _rows({name: value for name, value in record.fields.items() if name not in _ELSEWHERE}),
        "wait": wait_of(record, now),
        "time_line": build_timeline(record),
        "ids": _ids(record),
        "failure": _failure(record),
        "refresh_seconds": 0 if record.state in FINAL or not ours else REFRESH_SECONDS,
    }


def is_kling(record: TaskRecord) -> bool:
    """
    Whether a task is one of ours, also of a subclass with another name.

    :param record: what Airflow knows.
    """
    made = {"task_id", "external_task_id", "endpoint"} <= manifest_of(record).keys()
    return is_our_operator(record.operator) or bool(record.trigger) or made or bool(submission_of(record))


#: Headline, tone and sentence by the trigger that a task waits in; a batch's trigger is the other one.
_WAITING: dict[str, tuple[str, Tone, str]] = {
    "KlingSlotTrigger": (
        "No slot yet",
        "busy",
        "Every slot of the account is taken. Nothing is paid yet, and no worker is held.",
    ),
    "KlingTaskTrigger": ("Being made", "busy", "Kling works on it. No worker is held."),
}
_IN_BATCH: tuple[str, Tone, str] = ("Running", "busy", "The triggerer works through the batch. No worker is held.")

#: The same by Airflow's state.
_IN_STATE: dict[str, tuple[str, Tone, str]] = {
    "running": ("Running", "busy", "A worker checks, submits or stores it."),
    "failed": ("Failed", "bad", "Airflow's log of the last try says more."),
    "up_for_retry": (
        "Failed, Airflow tries again",
        "bad",
        "A retry adopts what Kling has accepted; it is not paid twice.",
    ),
}


def _headline(record: TaskRecord) -> tuple[str, Tone, str]:
    if record.trigger:
        return _WAITING.get(record.trigger, _IN_BATCH)
    if record.state == "success":
        return _success(record)
    other = record.state.replace("_", " ").capitalize() or "Not started"
    return _IN_STATE.get(record.state, (other, "quiet", ""))


def _success(record: TaskRecord) -> tuple[str, Tone, str]:
    manifest = manifest_of(record)
    if "items" in manifest:
        return "Done", "good", "A batch: the tab Kling of its Dag run shows each result."
    if manifest.get("status") == "succeed":
        return "Done", "good", ""
    if is_stored_by_backend(record.xcoms.get("return_value")):
        return "Done", "good", "" if record.unread else STORED_BY_BACKEND
    if manifest:
        return "Submitted", "good", "This task only submits. The task that waits for the result shows it."
    return "Done", "good", "What it returned is not in Airflow's database, so nothing more is known here."


def _failed(record: TaskRecord) -> dict[str, Any]:
    """Return the XCom ``failure``; empty when a later try has mended it."""
    value = record.xcoms.get("failure")
    return value if record.state != "success" and isinstance(value, dict) else {}


def _failure_words(record: TaskRecord) -> tuple[str, dict[str, str]]:
    failed = _failed(record)
    return split_details(clean_text(failed.get("message") or failed.get("error"), 1000))


def _failure(record: TaskRecord) -> Failure | None:
    code = _failed(record).get("code")
    sentence, details = _failure_words(record)
    if not _failed(record):
        return None
    return {
        "sentence": sentence,
        "code": str(code) if isinstance(code, int) else "",
        "http_status": details.get("HTTP", ""),
    }


def _facts(record: TaskRecord) -> list[Row]:
    manifest, submission = manifest_of(record), submission_of(record)
    product = product_of_record(record)
    sources = (manifest, submission, record.trigger_arguments, record.fields)
    model = next((source["model_name"] for source in sources if source.get("model_name")), "")
    return _rows(
        {
            "Product": product.endpoint if product else "",
            "Model": model,
            "Usual time": "" if wait_of(record, 0) else usual(product),
            "Estimated cost": submission.get("estimate") or record.trigger_arguments.get("estimate"),
            "Units charged": manifest.get("units"),
            "Cash charged": _hide_zero(manifest.get("cash")),
            **{name.capitalize(): manifest.get(name) for name in ("items", "done")},
            **{name.capitalize(): _hide_zero(manifest.get(name)) for name in ("failed", "running", "stopped")},
            **_progress(record),
            "Try": record.try_number if record.try_number > 1 else "",
        }
    )


def _hide_zero(amount: Any) -> Any:
    """Return an amount; empty for zero, which is not shown."""
    return "" if amount in (0, "0", "0.0") else amount


def _progress(record: TaskRecord) -> dict[str, Any]:
    progress = record.xcoms.get("progress")
    if manifest_of(record) or not isinstance(progress, dict):
        return {}
    return {
        name.capitalize(): progress.get(name) for name in ("items", "done", "failed", "running", "waiting", "units")
    }


def _ids(record: TaskRecord) -> list[Row]:
    manifest, details = manifest_of(record), _failure_words(record)[1]
    waiting = record.trigger_arguments
    return _rows(
        {
            "Kling's task id": manifest.get("task_id")
            or record.xcoms.get("task_id")
            or waiting.get("kling_task_id")
            or _failed(record).get("task_id"),
            "external_task_id": manifest.get("external_task_id")
            or submission_of(record).get("external_task_id")
            or waiting.get("external_task_id"),
            "Kling's request id": manifest.get("request_id") or details.get("request_id"),
            "Batch id": manifest.get("batch_id"),
            "Batch manifest": manifest.get("manifest_uri"),
        }
    )


def _as_json(value: Any) -> Any:
    """Return lists and dicts as JSON text, as Kling's documentation writes them."""
    try:
        return json.dumps(value, ensure_ascii=False) if isinstance(value, (dict, list)) else value
    except (ValueError, TypeError, RecursionError):
        return value


def _rows(values: dict[str, Any]) -> list[Row]:
    return [
        {"label": clean_text(label, 60), "value": clean_text(_as_json(value), 300)}
        for label, value in list(values.items())[:40]
        if value not in (None, "", "None", [], {})
    ]
