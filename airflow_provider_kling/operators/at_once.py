"""
Operators of products that return their result at once and have no ``external_task_id``: nothing is waited for, and a
lost response cannot be found.

Where there is a store (:mod:`.stored_submission`), a try writes there that it is about to send, and afterwards the
response. So a retry knows whether anything was sent, and finds what was paid for. Without a store it knows neither.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_kling.api import values
from airflow_provider_kling.batch.records import results_of
from airflow_provider_kling.exceptions import REQUEST_ID_CHARACTERS, KlingAnswerLostError
from airflow_provider_kling.models import Task, TaskStatus
from airflow_provider_kling.operators.stored_submission import StoredSubmission
from airflow_provider_kling.operators.task import KlingTaskOperator
from airflow_provider_kling.polling import Event
from airflow_provider_kling.submission.protocol import Done

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_kling.models import Manifest
    from airflow_provider_kling.operators.send_options import SendOptions
    from airflow_provider_kling.preparation.prepare import Prepared


class KlingAtOnceOperator(KlingTaskOperator):
    """
    Submit one task whose result is in Kling's response, and store it if asked. Nothing is waited for.

    Not used by itself.
    """

    def _send(self, prepared: Prepared, options: SendOptions) -> Done:
        store = StoredSubmission(self, options)
        stored = store.read()
        if task := _task_of(stored.get("answer")):
            return Done(task, adopted=True, attempt=1)
        may_be_sent = store.may_be_sent(stored)
        store.save()
        with store.sending(may_be_sent=may_be_sent) as permit:
            done = self.hook.submit(
                self.endpoint,
                prepared.body,
                external_task_id=options.name,
                look_up_first=may_be_sent,
                on_doubt=self.on_doubt,
                permit=permit,
            )
        if done.task.status is TaskStatus.FAILED:
            store.delete()  # it is not charged, and a retry may send it again
        else:
            store.save_answer(answer=done.task.manifest())
        return done

    def _after_submission(self, task: Task, context: Context) -> Manifest:
        if not task.status.is_terminal:
            raise KlingAnswerLostError(
                "Look in Kling's console for the result: Kling's response has none, and it cannot be asked for again. "
                f"Kling task {task.task_id} is {task.status.value}; it may be paid.",
                kling_task_id=task.task_id,
            )
        return self._finish(task, Event("success", task.task_id), context)


def _task_of(manifest: Any) -> Task | None:
    """Return the task that was stored; ``None`` when no task is named."""
    if not isinstance(manifest, dict) or not (task_id := values.identifier(manifest.get("task_id"))):
        return None
    # Only paid tasks are stored. Another version of the package may know more statuses.
    status = values.text(manifest.get("status"))
    return Task(
        task_id=task_id,
        status=TaskStatus(status) if status in set(TaskStatus) else TaskStatus.SUCCEED,
        endpoint=values.text(manifest.get("endpoint")),
        created_at=values.milliseconds(manifest.get("created_at")),
        updated_at=values.milliseconds(manifest.get("updated_at")),
        units=values.amount(manifest.get("units")),
        cash=values.amount(manifest.get("cash")),
        results=results_of(manifest),
        request_id=values.text(manifest.get("request_id"), REQUEST_ID_CHARACTERS),
    )
