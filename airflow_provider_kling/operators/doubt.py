"""
Submissions that Kling does not find again by an id: what a try keeps for the next one, in the task state store.

Airflow has that store from 3.3 on. Before, files take its place where the connection has a ``budget_uri``. Without both
a retry knows neither whether nor when an earlier try sent its request, because Airflow deletes a task's XComs when a
retry begins: then ``on_doubt`` decides.
"""

from __future__ import annotations

import dataclasses
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from airflow_provider_kling.exceptions import KlingError, KlingStorageError, KlingSubmissionInDoubtError
from airflow_provider_kling.operators import record
from airflow_provider_kling.operators.reservations import kling_tasks
from airflow_provider_kling.operators.state_files import store_of
from airflow_provider_kling.submission.unnamed import Window
from airflow_provider_kling.utils.foreign import reason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from airflow.sdk import Context

    from airflow_provider_kling.operators.task import KlingTaskOperator
    from airflow_provider_kling.preparation.prepare import Prepared
    from airflow_provider_kling.submission.protocol import Done

#: Key of the task state store: ``id``, ``since``, ``until`` of what is about to be sent; ``task_id`` once it is known.
SENT_KEY = "sent"


class Sending(NamedTuple):
    """
    One go at submitting.

    :param context: Airflow's context.
    :param name: the ``external_task_id``.
    :param look_up_first: whether an earlier try may have sent it.
    :param is_refused: whether Kling certainly refused it before, in the same try.
    :param permit: called before the paid call.
    """

    context: Context
    name: str
    look_up_first: bool
    is_refused: bool
    permit: Callable[[], None]

    @property
    def may_be_sent(self) -> bool:
        """Whether an earlier try may have sent it, as far as is known without a store."""
        return self.look_up_first and not self.is_refused


class Counted:
    """
    Counts the paid calls: of the first two, one left doubt.

    :param permit: called before each.
    """

    def __init__(self, permit: Callable[[], None]) -> None:
        self._permit = permit
        self.calls = 0

    def __call__(self) -> None:
        """Ask, and count."""
        self._permit()
        self.calls += 1


class SentNote:
    """
    What is kept of a submission in the task state store.

    :param store: from :func:`.state_files.store_of`.
    :param complain: logs a warning.
    :param key: under which it stands.
    """

    def __init__(self, store: Any, complain: Callable[..., object], *, key: str = SENT_KEY) -> None:
        self._store = store
        self._complain = complain
        self._key = key

    @property
    def is_possible(self) -> bool:
        """Whether there is a store."""
        return self._store is not None

    def read(self) -> dict[str, Any]:
        """
        Return what is kept.

        :raises KlingStorageError: when the store does not answer.
        """
        try:
            kept = self._store.get(self._key)
        except Exception as error:  # noqa: BLE001 - whatever a state store raises
            raise _unusable(error) from None
        return kept if isinstance(kept, dict) else {}

    def keep(self, value: dict[str, Any]) -> None:
        """
        Keep what is about to be sent.

        :raises KlingStorageError: when the store does not answer.
        """
        try:
            self._store.set(self._key, value)
        except Exception as error:  # noqa: BLE001 - whatever a state store raises
            raise _unusable(error) from None

    def keep_answer(self, value: dict[str, Any]) -> None:
        """Keep what came of it; it is paid, and must not fail now."""
        if self._store is None:
            return
        try:
            self._store.set(self._key, value)
        except Exception as error:  # noqa: BLE001 - whatever a state store raises
            self._complain("The answer was not written to the task state store: %s", reason(error))

    def forget(self) -> None:
        """Nothing is at Kling; when this cannot be noted, the next try is more careful than it must be."""
        if self._store is None:
            return
        try:
            self._store.delete(self._key)
        except Exception as error:  # noqa: BLE001 - whatever a state store raises
            self._complain("The task state store still says that something was sent: %s", reason(error))


def send(operator: KlingTaskOperator, prepared: Prepared, sending: Sending) -> Done:
    """
    Submit through the second pay-once protocol.

    :param operator: the one that submits.
    :param prepared: the checked request.
    :param sending: how.
    """
    permit = Counted(sending.permit)
    note = SentNote(store_of(operator, sending.context), operator.log.warning)
    now = Window.beginning(time.time(), request_seconds=operator.hook.settings.timeout_seconds)
    kept = note.read() if note.is_possible else {}
    earlier = Window.read(kept) if kept.get("id") == sending.name else None
    may_be_sent = earlier is not None if note.is_possible else sending.may_be_sent
    window = dataclasses.replace(earlier, until=now.until) if earlier else now
    sent = window

    def keep(window: Window) -> None:
        nonlocal sent
        sent = window
        if note.is_possible:
            note.keep({"id": sending.name, **window.record()})

    try:
        done = operator.hook.submit(
            operator.endpoint,
            prepared.body,
            external_task_id=sending.name,
            look_up_first=may_be_sent,
            on_doubt=operator.on_doubt,
            # Who does not know when it was sent cannot search.
            window=None if may_be_sent and earlier is None else window,
            owned=lambda: _ids_of_others(sending.context),
            permit=permit,
            keep=keep,
        )
    except KlingSubmissionInDoubtError:
        raise
    except KlingError:
        operator.may_be_paid = may_be_sent or permit.calls > 1
        if not operator.may_be_paid:
            note.forget()
        raise
    note.keep_answer({"id": sending.name, **sent.record(), "task_id": done.task.task_id})
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


def _unusable(error: Exception) -> KlingStorageError:
    return KlingStorageError(
        "Retry when the task state store, or budget_uri, answers: nothing was sent. Without it, a retry could not know "
        f"whether this was paid. {reason(error)}"
    )
