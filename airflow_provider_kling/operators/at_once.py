"""
Operators of products that answer at once and have no ``external_task_id``: there is nothing to wait for, and nothing by
which a lost answer could be found.

Where Airflow has a task state store (3.3 and later), a try keeps there that it is about to send, and afterwards the
answer. So a retry knows whether anything was sent, and finds what was paid for. Before 3.3 a retry knows neither.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

from airflow_provider_kling.batch.records import results_of
from airflow_provider_kling.exceptions import (
    KlingAnswerLostError,
    KlingError,
    KlingStorageError,
    KlingSubmissionInDoubtError,
)
from airflow_provider_kling.models import Task, TaskStatus
from airflow_provider_kling.operators.task import KlingTaskOperator
from airflow_provider_kling.polling import Event
from airflow_provider_kling.preparation import arguments
from airflow_provider_kling.submission.protocol import Done, OnDoubt
from airflow_provider_kling.utils.foreign import reason

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow.sdk import Context

    from airflow_provider_kling.models import Manifest
    from airflow_provider_kling.operators.slot_wait import SlotWait
    from airflow_provider_kling.preparation.prepare import Prepared

#: Key of the task state store: ``{"id": …}`` of what is about to be sent, with ``answer`` once it is there.
SENT_KEY = "sent"


class KlingAtOnceOperator(KlingTaskOperator):
    """
    Submit one task whose result is in Kling's answer, and store it if asked. Nothing is waited for.

    Not used by itself.

    :param on_doubt: what a lost answer leads to: ``fail`` (default) with a sentence that says where to look, without
        retries; or ``resend``, which may pay twice.
    """

    def __init__(self, *, on_doubt: OnDoubt = "fail", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.on_doubt = on_doubt
        self._store: Any = None
        self._is_refused = False

    def _read_arguments(self, *, is_paid: bool = False) -> list[str]:
        problems = super()._read_arguments(is_paid=is_paid)
        with arguments.collect(problems):
            self.on_doubt = arguments.choice("on_doubt", self.on_doubt, get_args(OnDoubt))  # type: ignore[assignment]
        return problems

    def _submit(self, prepared: Prepared, context: Context, *, look_up_first: bool, slot: SlotWait | None) -> Done:
        self._store = context.get("task_state_store")
        # Who waited for a slot was refused, for sure, by the same try.
        self._is_refused = slot is not None
        return super()._submit(prepared, context, look_up_first=look_up_first, slot=slot)

    def _send(self, prepared: Prepared, name: str, look_up_first: bool, permit: Callable[[], None]) -> Done:
        may_be_sent = look_up_first and not self._is_refused
        if self._store is not None:
            kept = self._kept()
            if kept.get("id") == name and isinstance(kept.get("answer"), dict):
                return Done(_task_of(kept["answer"]), adopted=True, attempt=1)
            may_be_sent = kept.get("id") == name
            self._keep({"id": name})
        try:
            done = self.hook.submit(
                self.endpoint,
                prepared.body,
                external_task_id=name,
                look_up_first=may_be_sent,
                on_doubt=self.on_doubt,
                permit=permit,
            )
        except KlingSubmissionInDoubtError:
            raise
        except KlingError:
            self._is_refused = True
            self._forget()
            raise
        self._keep_answer(name, done.task)
        return done

    def _after_submission(self, task: Task, context: Context) -> Manifest:
        if not task.status.is_terminal:
            raise KlingAnswerLostError(
                "Look in Kling's console for the result: Kling's answer has none, and it cannot be asked for again. "
                f"Kling task {task.task_id} is {task.status.value}; it may be paid.",
                kling_task_id=task.task_id,
            )
        return self._finish(task, Event("success", task.task_id), context)

    def _kept(self) -> dict[str, Any]:
        try:
            kept = self._store.get(SENT_KEY)
        except Exception as error:  # noqa: BLE001 - whatever a state store raises
            raise _unusable(error) from None
        return kept if isinstance(kept, dict) else {}

    def _keep(self, value: dict[str, Any]) -> None:
        try:
            self._store.set(SENT_KEY, value)
        except Exception as error:  # noqa: BLE001 - whatever a state store raises
            raise _unusable(error) from None

    def _keep_answer(self, name: str, task: Task) -> None:
        if task.status is TaskStatus.FAILED:
            self._forget()  # it is not charged, and a retry may send it again
        elif self._store is not None:
            try:
                self._store.set(SENT_KEY, {"id": name, "answer": task.manifest()})
            except Exception as error:  # noqa: BLE001 - it is paid, and must not fail now
                self.log.warning("The answer was not written to the task state store: %s", reason(error))

    def _forget(self) -> None:
        """Nothing is at Kling; when this cannot be noted, the next try is more careful than it must be."""
        if self._store is None:
            return
        try:
            self._store.delete(SENT_KEY)
        except Exception as error:  # noqa: BLE001 - whatever a state store raises
            self.log.warning("The task state store still says that something was sent: %s", reason(error))


def _unusable(error: Exception) -> KlingStorageError:
    return KlingStorageError(
        "Retry when Airflow's task state store answers: nothing was sent. Without it, a retry could not know whether "
        f"this was paid. {reason(error)}"
    )


def _task_of(manifest: dict[str, Any]) -> Task:
    return Task(
        task_id=str(manifest.get("task_id")),
        status=TaskStatus(str(manifest.get("status"))),
        endpoint=str(manifest.get("endpoint")),
        created_at=manifest.get("created_at") or 0,
        updated_at=manifest.get("updated_at") or 0,
        units=str(manifest.get("units") or ""),
        cash=str(manifest.get("cash") or ""),
        results=results_of(manifest),
        request_id=str(manifest.get("request_id") or ""),
    )
