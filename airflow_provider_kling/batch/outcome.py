"""What the end of a batch means for its Airflow task. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_kling.exceptions import KlingBatchError, KlingBatchFailedError, KlingTimeoutError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_kling.batch.actions import Finish
    from airflow_provider_kling.exceptions import KlingError

#: How many failed items a sentence tells of; the manifest has all.
TOLD = 5

RETRY = "Running this Airflow task again goes on where Kling says the batch is, and pays nothing twice."


def outcome(
    finish: Finish, records: Sequence[dict[str, Any]], summary: dict[str, Any], *, stop_on_failure: bool
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
    failed = [record["error"] for record in records if record["status"] == "failed"]
    permanent = any(error["permanent"] for error in failed)
    message = _message(finish, records, summary)
    status = "success"
    if finish.reason == "timeout":
        status, permanent = "timeout", False
    elif finish.failure is not None:
        status, permanent = "failed", finish.failure.permanent
    elif (failed and (stop_on_failure or not summary["done"])) or (stop_on_failure and summary["stopped"]):
        status = "failed"
    elif not summary["done"]:
        status, permanent = "failed", True
    return {
        "status": status,
        "message": message,
        "permanent": permanent or (not failed and finish.reason == "max_units"),
        "summary": summary,
    }


def error_of(event: dict[str, Any]) -> KlingError:
    """Return what the worker raises for a batch that did not succeed."""
    message = f"{event.get('message') or 'The batch broke.'}"
    if event.get("status") == "timeout":
        return KlingTimeoutError(f"{message} {RETRY}")
    if event.get("permanent"):
        return KlingBatchFailedError(message)
    return KlingBatchError(f"{message} {RETRY}")


def _message(finish: Finish, records: Sequence[dict[str, Any]], summary: dict[str, Any]) -> str:
    counts = "{done} of {items} videos are done, {failed} failed, {running} still run, {stopped} were not submitted"
    sentences = [counts.format(**summary) + f"; {summary['units']:g} units so far."]
    if finish.failure is not None:
        sentences.append(finish.failure.message)
    elif finish.reason == "max_units":
        sentences.append("One more would have gone above max_units.")
    elif finish.reason == "timeout":
        sentences.append("The time given to the batch has passed; what still runs at Kling is billed when it succeeds.")
    failed = [record for record in records if record["status"] == "failed"]
    sentences += [f"Item {record['key']!r}: {record['error']['message']}" for record in failed[:TOLD]]
    if len(failed) > TOLD:
        sentences.append(f"The other {len(failed) - TOLD} stand in the manifest.")
    return " ".join([*sentences, f"Manifest: {summary['manifest_uri']}."])
