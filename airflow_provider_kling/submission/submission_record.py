"""What a task leaves in an XCom of its submission, for its page. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_kling.models import stored_model

if TYPE_CHECKING:
    from airflow_provider_kling.models import Submission
    from airflow_provider_kling.submission.protocol import Done


def submission_record(
    done: Done, *, model_name: str, estimate: str, submitted_at: float | None, slot_since: float | None
) -> Submission:
    """
    Return the value of the XCom.

    :param done: how the submission ended.
    :param model_name: what was asked for.
    :param estimate: what it costs by the price list, in words.
    :param submitted_at: epoch seconds at which this try sent it, if it did.
    :param slot_since: epoch seconds since when it waited for a slot, if it did.
    """
    return {
        "external_task_id": done.task.external_task_id,
        "endpoint": done.task.endpoint,
        "model_name": stored_model(model_name),
        "slot_since": _milliseconds(slot_since),
        "submitted_at": _milliseconds(submitted_at),
        "accepted_at": done.task.created_at or None,
        "adopted": done.adopted and not done.answer_lost,
        "estimate": estimate,
    }


def _milliseconds(seconds: float | None) -> int | None:
    return None if seconds is None else int(seconds * 1000)
