"""
What a try stores of a submission for the next try, in the task state store.

Airflow has that store from 3.3 on. Before, files take its place where the connection has a ``budget_uri``
(:mod:`.state_files`).
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from airflow_provider_kling.exceptions import KlingError, KlingStorageError, KlingSubmissionInDoubtError
from airflow_provider_kling.operators.state_files import state_store_of
from airflow_provider_kling.utils.untrusted import reason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow.sdk import Context

    from airflow_provider_kling.operators.base import KlingBaseOperator

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
    One entry of the task state store.

    :param operator: has the connection, and logs.
    :param context: Airflow's context.
    :param key: of the entry.
    """

    def __init__(self, operator: KlingBaseOperator, context: Context, *, key: str = SENT_KEY) -> None:
        self._store = state_store_of(operator, context)
        self._log = operator.log
        self._key = key

    @property
    def has_store(self) -> bool:
        """Whether there is a store."""
        return self._store is not None

    def read(self) -> dict[str, Any]:
        """
        Return the entry; empty when there is none. See :func:`may_be_about`.

        :raises KlingStorageError: when the store does not answer.
        """
        try:
            stored = self._store.get(self._key)
        except Exception as error:  # noqa: BLE001 - whatever a state store raises
            raise _unusable(error) from None
        return {} if stored is None else stored if isinstance(stored, dict) else {"unreadable": True}

    def save(self, value: dict[str, Any]) -> None:
        """
        Store what is about to be sent.

        :raises KlingStorageError: when the store does not answer.
        """
        try:
            self._store.set(self._key, value)
        except Exception as error:  # noqa: BLE001 - whatever a state store raises
            raise _unusable(error) from None

    def save_answer(self, value: dict[str, Any]) -> None:
        """Store Kling's answer. The task is paid, so a store that does not answer must not fail it."""
        if self._store is None:
            return
        try:
            self._store.set(self._key, value)
        except Exception as error:  # noqa: BLE001 - whatever a state store raises
            self._log.warning("The answer was not written to the task state store: %s", reason(error))

    def delete(self) -> None:
        """Delete the entry: nothing is at Kling. If that fails, the next try looks where it need not."""
        if self._store is None:
            return
        try:
            self._store.delete(self._key)
        except Exception as error:  # noqa: BLE001 - whatever a state store raises
            self._log.warning("The task state store still says that something was sent: %s", reason(error))

    @contextlib.contextmanager
    def deleted_when_refused(self, *, may_be_sent: Callable[[], bool]) -> Iterator[None]:
        """
        Delete the entry when an error says that nothing is at Kling.

        :param may_be_sent: asked then: whether an earlier call or try may have sent something.
        """
        try:
            yield
        except KlingSubmissionInDoubtError:
            raise
        except KlingError:
            if not may_be_sent():
                self.delete()
            raise


def may_be_about(stored: dict[str, Any], name: str) -> bool:
    """
    Whether an entry is about a submission. One that cannot be read, as of another version, may be about any.

    :param stored: from :meth:`StoredSubmission.read`.
    :param name: the submission's ``external_task_id``.
    """
    known = stored.get("id")
    return bool(stored) and (known == name or not isinstance(known, str))


def _unusable(error: Exception) -> KlingStorageError:
    return KlingStorageError(
        "Retry when the task state store, or budget_uri, answers: nothing was sent. Without it, a retry could not know "
        f"whether this was paid. {reason(error)}"
    )
