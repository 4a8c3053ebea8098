"""What the end of a batch means for its Airflow task. Pure."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from airflow_provider_kling.exceptions import KlingBatchError, KlingBatchFailedError, KlingTimeoutError
from airflow_provider_kling.utils.untrusted import clean_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_provider_kling.batch.actions import Finish, Reason
    from airflow_provider_kling.exceptions import KlingError
    from airflow_provider_kling.models import BatchRecord, BatchSummary

#: How many failed items a message names; the manifest has all.
MAX_NAMED_ITEMS = 5

#: Characters of an event's message: a sentence for each item that it names.
MESSAGE_CHARACTERS = 2000

RETRY = "Running this Airflow task again continues the batch from its state at Kling, and pays nothing twice."

#: The message of a trigger that stops because another run of the task works on the batch.
SUPERSEDED = "Another run of this Airflow task works on the batch now; this one has stopped and writes nothing more."


class FailedItems(StrEnum):
    """Whether the failed items could succeed in another try of the Airflow task."""

    NONE = "none"
    TRANSIENT = "transient"
    PERMANENT = "permanent"


class Outcome(NamedTuple):
    """What an end means: the event's status, and whether another try would fail again."""

    status: str
    permanent: bool


_SUCCESS, _RETRY, _FAIL = Outcome("success", False), Outcome("failed", False), Outcome("failed", True)

#: By why the batch ended, what failed, and whether at least one video is done. No paid item is unfinished at any of
#: these ends: a batch waits for paid items until its deadline, and after a ``timeout`` a retry always makes sense. A
#: refusal of the account has its own outcome.
OUTCOMES: dict[tuple[Reason, FailedItems, bool], Outcome] = {
    ("done", FailedItems.NONE, True): _SUCCESS,
    ("done", FailedItems.NONE, False): _FAIL,
    ("done", FailedItems.TRANSIENT, True): _SUCCESS,
    ("done", FailedItems.TRANSIENT, False): _RETRY,
    ("done", FailedItems.PERMANENT, True): _SUCCESS,
    ("done", FailedItems.PERMANENT, False): _FAIL,
    ("max_units", FailedItems.NONE, True): _SUCCESS,
    ("max_units", FailedItems.NONE, False): _FAIL,
    ("max_units", FailedItems.TRANSIENT, True): _SUCCESS,
    ("max_units", FailedItems.TRANSIENT, False): _RETRY,
    ("max_units", FailedItems.PERMANENT, True): _SUCCESS,
    ("max_units", FailedItems.PERMANENT, False): _FAIL,
    ("item_failure", FailedItems.TRANSIENT, True): _RETRY,
    ("item_failure", FailedItems.TRANSIENT, False): _RETRY,
    ("item_failure", FailedItems.PERMANENT, True): _FAIL,
    ("item_failure", FailedItems.PERMANENT, False): _FAIL,
}


def outcome_event(
    finish: Finish, records: Sequence[BatchRecord], summary: BatchSummary, *, stop_on_failure: bool
) -> dict[str, Any]:
    """
    Return the event of a batch that has ended.

    :param finish: how the loop ended.
    :param records: the manifest.
    :param summary: what the Airflow task returns.
    :param stop_on_failure: whether one failed item fails the task.
    :return: the trigger's event: ``status`` (``success``, ``failed`` or ``timeout``), ``message``, ``permanent`` and
        ``summary``.
    """
    status, permanent = _outcome(finish, records, summary, stop_on_failure)
    return {
        "status": status,
        "message": _message(finish, records, summary),
        "permanent": permanent,
        "summary": summary,
    }


def cost_text(numbers: Mapping[str, Any]) -> str:
    """
    Return what a batch cost, as text.

    :param numbers: with ``units`` and ``cash``, as the progress and the summary have them.
    """
    cash = f" and {numbers['cash']:g} in cash" if numbers["cash"] else ""
    return f"{numbers['units']:g} units{cash}"


def _outcome(finish: Finish, records: Sequence[BatchRecord], summary: BatchSummary, stop_on_failure: bool) -> Outcome:
    if finish.reason == "timeout":
        return Outcome("timeout", False)
    if finish.failure is not None:
        return Outcome("failed", finish.failure.permanent)
    result = OUTCOMES[finish.reason, _failed_items(records, stop_on_failure), bool(summary["done"])]
    # All items were wanted, and max_units stopped the batch; it would stop a retry, too.
    return _FAIL if stop_on_failure and summary["stopped"] and result == _SUCCESS else result


def _failed_items(records: Sequence[BatchRecord], stop_on_failure: bool) -> FailedItems:
    permanent = [
        bool(record["error"] and record["error"]["permanent"]) for record in records if record["status"] == "failed"
    ]
    if not permanent:
        return FailedItems.NONE
    # Where one failed item fails the task, one permanent failure fails each try.
    for_good = any(permanent) if stop_on_failure else all(permanent)
    return FailedItems.PERMANENT if for_good else FailedItems.TRANSIENT


def error_of(event: Any) -> KlingError:
    """
    Return what the worker raises for a batch that did not succeed.

    :param event: what the trigger fired, perhaps of another version of the package.
    """
    event = event if isinstance(event, dict) else {}
    message = clean_text(event.get("message"), MESSAGE_CHARACTERS) or "The trigger of the batch gave no reason."
    if event.get("status") == "timeout":
        return KlingTimeoutError(f"Retry this task, or raise its timeout: the batch is not complete. {message} {RETRY}")
    if event.get("permanent") is True:
        return KlingBatchFailedError(f"Change what failed; a retry would fail again. {message}")
    return KlingBatchError(f"Retry this task: it does only the missing part of the batch. {message} {RETRY}")


def _message(finish: Finish, records: Sequence[BatchRecord], summary: BatchSummary) -> str:
    counts = "{done} of {items} videos are done, {failed} failed, {running} still run, {stopped} were not submitted"
    sentences = [f"{counts.format(**summary)}; {cost_text(summary)} so far."]
    if finish.failure is not None:
        sentences.append(finish.failure.message)
    elif finish.reason == "max_units":
        sentences.append("One more item would exceed max_units.")
    if finish.reason == "timeout":
        sentences.append("The time given to the batch has passed; what still runs at Kling is billed when it succeeds.")
    # Unfinished items are named with their last error, too.
    with_error = [
        (record["key"], error) for record in records if (error := record["error"]) and record["status"] != "succeed"
    ]
    sentences += [f"Item {key!r}: {clean_text(error['message'], 300)}" for key, error in with_error[:MAX_NAMED_ITEMS]]
    if len(with_error) > MAX_NAMED_ITEMS:
        sentences.append(f"The other {len(with_error) - MAX_NAMED_ITEMS} are in the manifest.")
    return " ".join([*sentences, f"Manifest: {summary['manifest_uri']}."])
