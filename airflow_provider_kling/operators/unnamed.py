"""
Submissions that Kling does not find again by an id: the second pay-once protocol, with what earlier tries stored.

Without a store (:mod:`.stored_submission`) a retry knows neither whether nor when an earlier try sent its request,
because Airflow deletes a task's XComs when a retry begins: then ``on_doubt`` decides.
"""

from __future__ import annotations

import dataclasses
import time
from typing import TYPE_CHECKING

from airflow_provider_kling.exceptions import KlingStorageError
from airflow_provider_kling.operators import record
from airflow_provider_kling.operators.reservations import kling_tasks
from airflow_provider_kling.operators.stored_submission import StoredSubmission
from airflow_provider_kling.submission.unnamed import Window
from airflow_provider_kling.utils.untrusted import reason

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow.sdk import Context

    from airflow_provider_kling.operators.send_options import SendOptions
    from airflow_provider_kling.operators.task import KlingTaskOperator
    from airflow_provider_kling.preparation.prepare import Prepared
    from airflow_provider_kling.submission.protocol import Done


def send(operator: KlingTaskOperator, prepared: Prepared, options: SendOptions) -> Done:
    """
    Submit through the second pay-once protocol.

    :param operator: the one that submits.
    :param prepared: the checked request.
    :param options: how.
    """
    store = StoredSubmission(operator, options)
    now = Window.starting_at(time.time(), request_seconds=operator.hook.settings.timeout_seconds)
    stored = store.read()
    earlier, may_be_sent = Window.from_dict(stored), store.may_be_sent(stored)
    window = dataclasses.replace(earlier, until=now.until) if earlier else now
    sent = window

    def save_window(window: Window) -> None:
        nonlocal sent
        sent = window
        store.save(**window.to_dict())

    with store.sending(may_be_sent=may_be_sent) as permit:
        done = operator.hook.submit(
            operator.endpoint,
            prepared.body,
            external_task_id=options.name,
            look_up_first=may_be_sent,
            on_doubt=operator.on_doubt,
            # A search needs the time at which it was sent.
            window=None if may_be_sent and earlier is None else window,
            ids_of_others=lambda: _ids_of_others(options.context),
            permit=permit,
            save_window=save_window,
        )
    store.save_answer(**{**sent.to_dict(), "task_id": done.task.task_id})
    return done


def _ids_of_others(context: Context) -> Iterable[str]:
    """Kling's ids of the tasks that the other Airflow tasks of this run have submitted."""
    ti = context["ti"]
    try:
        pulled = ti.xcom_pull(task_ids=kling_tasks(context), key="task_id") or ()
        own = record.submitted_id(context)
    except Exception as error:  # noqa: BLE001 - whatever an XCom backend raises
        raise KlingStorageError(
            f"Retry when Airflow's XComs answer: they say which tasks are not this one's. {reason(error)}"
        ) from None
    return [value for value in pulled if isinstance(value, str) and value != own]
