"""
Operators of products that answer at once and have no ``external_task_id``: there is nothing to wait for, and nothing by
which a lost answer could be found.

Where something outlives a try (:mod:`.state_files`), it keeps there that it is about to send, and afterwards the
answer. So a retry knows whether anything was sent, and finds what was paid for. Elsewhere it knows neither.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_kling.batch.records import results_of
from airflow_provider_kling.exceptions import KlingAnswerLostError, KlingError, KlingSubmissionInDoubtError
from airflow_provider_kling.models import Task, TaskStatus
from airflow_provider_kling.operators.doubt import Counted, SentNote
from airflow_provider_kling.operators.state_files import store_of
from airflow_provider_kling.operators.task import KlingTaskOperator
from airflow_provider_kling.polling import Event
from airflow_provider_kling.submission.protocol import Done

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_kling.models import Manifest
    from airflow_provider_kling.operators.doubt import Sending
    from airflow_provider_kling.preparation.prepare import Prepared


class KlingAtOnceOperator(KlingTaskOperator):
    """
    Submit one task whose result is in Kling's answer, and store it if asked. Nothing is waited for.

    Not used by itself.
    """

    def _send(self, prepared: Prepared, sending: Sending) -> Done:
        note = SentNote(store_of(self, sending.context), self.log.warning)
        may_be_sent = sending.may_be_sent
        if note.is_possible:
            kept = note.read()
            if kept.get("id") == sending.name and isinstance(kept.get("answer"), dict):
                return Done(_task_of(kept["answer"]), adopted=True, attempt=1)
            may_be_sent = kept.get("id") == sending.name
            note.keep({"id": sending.name})
        permit = Counted(sending.permit)
        try:
            done = self.hook.submit(
                self.endpoint,
                prepared.body,
                external_task_id=sending.name,
                look_up_first=may_be_sent,
                on_doubt=self.on_doubt,
                permit=permit,
            )
        except KlingSubmissionInDoubtError:
            raise
        except KlingError:
            self.may_be_paid = may_be_sent or permit.calls > 1
            if not self.may_be_paid:
                note.forget()
            raise
        if done.task.status is TaskStatus.FAILED:
            note.forget()  # it is not charged, and a retry may send it again
        else:
            note.keep_answer({"id": sending.name, "answer": done.task.manifest()})
        return done

    def _after_submission(self, task: Task, context: Context) -> Manifest:
        if not task.status.is_terminal:
            raise KlingAnswerLostError(
                "Look in Kling's console for the result: Kling's answer has none, and it cannot be asked for again. "
                f"Kling task {task.task_id} is {task.status.value}; it may be paid.",
                kling_task_id=task.task_id,
            )
        return self._finish(task, Event("success", task.task_id), context)


def _task_of(manifest: dict[str, Any]) -> Task:
    # Only what is paid was kept, perhaps by a version that had more words for it.
    status = str(manifest.get("status"))
    return Task(
        task_id=str(manifest.get("task_id")),
        status=TaskStatus(status) if status in set(TaskStatus) else TaskStatus.SUCCEED,
        endpoint=str(manifest.get("endpoint")),
        created_at=manifest.get("created_at") or 0,
        updated_at=manifest.get("updated_at") or 0,
        units=str(manifest.get("units") or ""),
        cash=str(manifest.get("cash") or ""),
        results=results_of(manifest),
        request_id=str(manifest.get("request_id") or ""),
    )
