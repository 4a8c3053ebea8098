"""
What a try stores of a submission for the next try, in the task state store.

Airflow has that store from 3.3 on. Before, files take its place where the connection has a ``budget_uri``
(:mod:`.state_files`).
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from airflow_provider_kling.exceptions import (
    KlingAnswerLostError,
    KlingError,
    KlingStorageError,
    KlingSubmissionInDoubtError,
)
from airflow_provider_kling.operators.state_files import DamagedFile, state_store_of
from airflow_provider_kling.utils.untrusted import reason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_provider_kling.operators.send_options import SendOptions
    from airflow_provider_kling.operators.task import KlingTaskOperator

#: Key of the task state store: ``id``, ``since``, ``until`` of what is about to be sent; ``task_id`` once it is known.
SENT_KEY = "sent"


class CountedPermit:
    """
    Asks for permission before each paid call, and counts the calls: a second call means that the first left doubt.

    :param permit: called before each; what it raises is raised.
    """

    def __init__(self, permit: Callable[[], None]) -> None:
        self._permit = permit
        self.calls = 0

    def __call__(self) -> None:
        """Ask, and count."""
        self._permit()
        self.calls += 1


class StoredSubmission:
    """
    What the tries of a task store of one submission: before it is sent, and when Kling has responded.

    :param operator: has the connection, and logs.
    :param options: how it is sent.
    :param key: of its entry in the task state store.
    """

    def __init__(self, operator: KlingTaskOperator, options: SendOptions, *, key: str = SENT_KEY) -> None:
        self._store = state_store_of(operator, options.context)
        self._operator = operator
        self._options = options
        self._key = key
        self._damaged: DamagedFile | None = None
        self._earlier: dict[str, Any] | None = None
        #: Whether the store was read and says nothing: what is sent leaves an entry, unless it certainly was not paid.
        self.is_empty = False

    @property
    def has_store(self) -> bool:
        """Whether there is a store."""
        return self._store is not None

    def read(self) -> dict[str, Any]:
        """
        Return what an earlier try stored of this submission; empty when that is nothing. What cannot be read, as of
        another version, may be about any submission: then it is no empty entry, and says nothing else.

        :raises KlingStorageError: when the store does not answer.
        """
        if self._store is None:
            return {}
        try:
            stored = self._store.get(self._key)
        except Exception as error:  # noqa: BLE001 - whatever a state store raises
            raise _unusable(error) from None
        if stored is None or stored == {}:
            self.is_empty = True
            return {}
        self._earlier = stored if isinstance(stored, dict) else None
        self._damaged = stored if isinstance(stored, DamagedFile) else None
        name = stored.get("id") if isinstance(stored, dict) else None
        if not isinstance(name, str):
            return {"unreadable": True}
        return stored if name == self._options.name else {}

    def may_be_sent(self, stored: dict[str, Any]) -> bool:
        """
        Whether an earlier try may have sent it.

        :param stored: what that try stored of it without a response.
        """
        return bool(stored) if self.has_store else self._options.may_be_sent

    def save(self, **value: Any) -> None:
        """
        Store what is about to be sent.

        :raises KlingStorageError: when the store does not answer.
        """
        if self._store is None:
            return
        try:
            self._set(value)
        except Exception as error:  # noqa: BLE001 - whatever a state store raises
            raise _unusable(error) from None

    @contextlib.contextmanager
    def sending(self, *, may_be_sent: bool) -> Iterator[CountedPermit]:
        """
        Yield what asks for permission to pay; take the entry back when an error says that nothing is at Kling.

        :param may_be_sent: whether an earlier try may have sent something.
        """
        permit = CountedPermit(self._options.permit)
        try:
            yield permit
        except KlingAnswerLostError:
            if self._damaged and not permit.calls:
                raise _damaged_error(self._damaged) from None
            raise
        except KlingSubmissionInDoubtError:
            raise
        except KlingError:
            if may_be_sent or permit.calls > 1:
                self._operator.may_be_paid = True
            else:
                self._put_back(self._earlier)
            raise

    def save_answer(self, **value: Any) -> None:
        """Store Kling's response. The task is paid, so a store that does not answer must not fail it."""
        if self._store is None:
            return
        try:
            self._set(value)
        except Exception as error:  # noqa: BLE001 - whatever a state store raises
            self._operator.log.warning("The response was not written to the task state store: %s", reason(error))

    def delete(self) -> None:
        """Delete what is stored of this submission: nothing is at Kling."""
        of_another = self._earlier is not None and self._earlier.get("id") != self._options.name
        self._put_back(self._earlier if of_another else None)

    def _put_back(self, earlier: dict[str, Any] | None) -> None:
        """
        Store again what :meth:`save` has replaced: a session that was paid, or a submission of other content, which
        would be paid twice if the content changed back. If that fails, the next try looks where it need not.
        """
        if self._store is None:
            return
        try:
            self._store.set(self._key, earlier) if earlier else self._store.delete(self._key)
        except Exception as error:  # noqa: BLE001 - whatever a state store raises
            self._operator.log.warning("The task state store still says that something was sent: %s", reason(error))

    def _set(self, value: dict[str, Any]) -> None:
        self._store.set(self._key, {"id": self._options.name, **value})


def _damaged_error(file: DamagedFile) -> KlingAnswerLostError:
    return KlingAnswerLostError(
        f"Look in Kling's console before you remove {file.name}: this may be paid already, and what an earlier try "
        "wrote about that is damaged. Nothing was sent. To send it again, and pay perhaps twice, set "
        f"on_doubt='resend'. {file.words}."
    )


def _unusable(error: Exception) -> KlingStorageError:
    return KlingStorageError(
        "Retry when the task state store, or budget_uri, answers: nothing was sent. Without it, a retry could not know "
        f"whether this was paid. {reason(error)}"
    )
