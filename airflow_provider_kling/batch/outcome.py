"""What the end of a batch means for its Airflow task. Pure."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from airflow_provider_kling.exceptions import KlingBatchError, KlingBatchFailedError, KlingTimeoutError
from airflow_provider_kling.utils.foreign import foreign_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_provider_kling.batch.actions import Finish, Reason
    from airflow_provider_kling.exceptions import KlingError
    from airflow_provider_kling.models import BatchRecord, BatchSummary

#: How many failed items a sentence tells of; the manifest has all.
TOLD = 5

#: Characters of an event's message: a sentence for each item that it tells of.
MESSAGE_CHARACTERS = 2000

RETRY = "Running this Airflow task again goes on where Kling says the batch is, and pays nothing twice."

#: The trigger's own words for an end that is none: somebody else works on the batch now.
SUPERSEDED = "Another run of this Airflow task works on the batch now; this one has stopped and writes nothing more."


class Failed(StrEnum):
    """What another try of the Airflow task would make of the failed items."""

    NONE = "none failed"
    PASSES = "may pass"
    FOR_GOOD = "for good"


class Ending(NamedTuple):
    """What an end means: the event's status, and whether another try would meet the same."""

    status: str
    permanent: bool


_SUCCESS, _RETRY, _FAIL = Ending("success", False), Ending("failed", False), Ending("failed", True)

#: Why the batch ended, what failed, and whether at least one video is done. None of these ends leaves anything that is
#: paid or may be: such an item is waited for until the deadline, and ``timeout`` is always worth a retry. A refusal of
#: the account brings its own answer.
ENDINGS: dict[tuple[Reason, Failed, bool], Ending] = {
    ("done", Failed.NONE, True): _SUCCESS,
    ("done", Failed.NONE, False): _FAIL,
    ("done", Failed.PASSES, True): _SUCCESS,
    ("done", Failed.PASSES, False): _RETRY,
    ("done", Failed.FOR_GOOD, True): _SUCCESS,
    ("done", Failed.FOR_GOOD, False): _FAIL,
    ("max_units", Failed.NONE, True): _SUCCESS,
    ("max_units", Failed.NONE, False): _FAIL,
    ("max_units", Failed.PASSES, True): _SUCCESS,
    ("max_units", Failed.PASSES, False): _RETRY,
    ("max_units", Failed.FOR_GOOD, True): _SUCCESS,
    ("max_units", Failed.FOR_GOOD, False): _FAIL,
    ("item_failure", Failed.PASSES, True): _RETRY,
    ("item_failure", Failed.PASSES, False): _RETRY,
    ("item_failure", Failed.FOR_GOOD, True): _FAIL,
    ("item_failure", Failed.FOR_GOOD, False): _FAIL,
}


def outcome(
    finish: Finish, records: Sequence[BatchRecord], summary: BatchSummary, *, stop_on_failure: bool
) -> dict[str, Any]:
    """
    Judge a batch.

    :param finish: how the loop ended.
    :param records: the manifest.
    :param summary: what the Airflow task returns.
    :param stop_on_failure: whether one failed item fails the task.
    :return: the trigger's event: ``status`` (``success``, ``failed`` or ``timeout``), ``message``, ``permanent`` and
        ``summary``.
    """
    status, permanent = _ending(finish, records, summary, stop_on_failure)
    return {
        "status": status,
        "message": _message(finish, records, summary),
        "permanent": permanent,
        "summary": summary,
    }


def spent(numbers: Mapping[str, Any]) -> str:
    """
    Return what a batch cost, in words.

    :param numbers: with ``units`` and ``cash``, as the progress and the summary have them.
    """
    cash = f" and {numbers['cash']:g} in cash" if numbers["cash"] else ""
    return f"{numbers['units']:g} units{cash}"


def _ending(finish: Finish, records: Sequence[BatchRecord], summary: BatchSummary, stop_on_failure: bool) -> Ending:
    if finish.reason == "timeout":
        return Ending("timeout", False)
    if finish.failure is not None:
        return Ending("failed", finish.failure.permanent)
    ending = ENDINGS[finish.reason, _failed(records, stop_on_failure), bool(summary["done"])]
    # Asked for all of them or none, a batch that max_units has stopped would meet max_units again.
    return _FAIL if stop_on_failure and summary["stopped"] and ending == _SUCCESS else ending


def _failed(records: Sequence[BatchRecord], stop_on_failure: bool) -> Failed:
    permanent = [
        bool(record["error"] and record["error"]["permanent"]) for record in records if record["status"] == "failed"
    ]
    if not permanent:
        return Failed.NONE
    # Where one failed item fails the task, one that fails for good does so again at each try.
    for_good = any(permanent) if stop_on_failure else all(permanent)
    return Failed.FOR_GOOD if for_good else Failed.PASSES


def error_of(event: Any) -> KlingError:
    """
    Return what the worker raises for a batch that did not succeed.

    :param event: what the trigger fired, perhaps of another version of the package.
    """
    event = event if isinstance(event, dict) else {}
    message = foreign_text(event.get("message"), MESSAGE_CHARACTERS) or "The trigger of the batch did not say why."
    if event.get("status") == "timeout":
        return KlingTimeoutError(f"Retry this task, or raise its timeout: the batch is not complete. {message} {RETRY}")
    if event.get("permanent") is True:
        return KlingBatchFailedError(f"Change what failed; a retry would meet the same. {message}")
    return KlingBatchError(f"Retry this task: it does only what is missing of the batch. {message} {RETRY}")


def _message(finish: Finish, records: Sequence[BatchRecord], summary: BatchSummary) -> str:
    counts = "{done} of {items} videos are done, {failed} failed, {running} still run, {stopped} were not submitted"
    sentences = [f"{counts.format(**summary)}; {spent(summary)} so far."]
    if finish.failure is not None:
        sentences.append(finish.failure.message)
    elif finish.reason == "max_units":
        sentences.append("One more would have gone above max_units.")
    if finish.reason == "timeout":
        sentences.append("The time given to the batch has passed; what still runs at Kling is billed when it succeeds.")
    # Those that only may still come have their last trouble beside them.
    told = [
        (record["key"], error) for record in records if (error := record["error"]) and record["status"] != "succeed"
    ]
    sentences += [f"Item {key!r}: {foreign_text(error['message'], 300)}" for key, error in told[:TOLD]]
    if len(told) > TOLD:
        sentences.append(f"The other {len(told) - TOLD} stand in the manifest.")
    return " ".join([*sentences, f"Manifest: {summary['manifest_uri']}."])
