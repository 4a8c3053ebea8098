"""Reading tasks over a connection that somebody may change while tasks wait on it."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from airflow_provider_kling.exceptions import KlingConfigurationError, KlingConnectionError, KlingError
from airflow_provider_kling.hooks import KlingHook
from airflow_provider_kling.utils._airflow.compat import AirflowNotFoundException
from airflow_provider_kling.utils.foreign import foreign_text, reason
from airflow_provider_kling.waiting.pace import CONNECTION_SECONDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_kling.api.reads import TaskRef
    from airflow_provider_kling.models import Task


class AccountReader:
    """
    Reads tasks over one connection; its methods block, and several threads may use it at once.

    The connection is read again every few minutes, and before a refusal is believed: the key may have been rotated, the
    connection edited to another account.

    :param kling_conn_id: the connection.
    :param keep_seconds: how long it is used as it was read.
    """

    def __init__(self, kling_conn_id: str, *, keep_seconds: float = CONNECTION_SECONDS) -> None:
        self._kling_conn_id = kling_conn_id
        self._keep_seconds = keep_seconds
        self._hook: KlingHook | None = None
        self._read_at = 0.0
        self._forgotten_at = 0.0
        self._lock = threading.Lock()

    def forget(self) -> None:
        """Read the connection again before the next look. It does not block: the event loop calls it."""
        self._forgotten_at = time.monotonic()

    def read_together(
        self, waiting: Sequence[TaskRef], began: float
    ) -> tuple[dict[TaskRef, Task | KlingError], list[TaskRef]]:
        """
        Read many tasks as far as a request can answer for several.

        :param waiting: the tasks.
        :param began: when the sweep began, by the monotonic clock.
        :return: for each its task, or why it could not be read; and those that have to be asked for singly.
        """
        try:
            results, singles = self._current().get_together(waiting, tries=1)
            refused = [task for task, result in results.items() if _is_refusal(result)]
            if not refused or self._read_at >= began:
                return results, singles
            again, more = self._renewed(began).get_together(refused, tries=1)
            for task in refused:
                del results[task]
            return results | again, singles + more
        except Exception as error:  # noqa: BLE001 - see _problem
            return dict.fromkeys(waiting, self._problem(error)), []

    def read_single(self, waiting: TaskRef, began: float) -> Task | KlingError:
        """
        Read one task.

        :param waiting: the task.
        :param began: when the sweep began, by the monotonic clock.
        :return: the task, or why it could not be read.
        """

        def look(hook: KlingHook) -> Task | KlingError:
            try:
                return hook.get_task(waiting.task_id, waiting.endpoint, tries=1)
            except KlingError as error:
                return error

        try:
            result = look(self._current())
            if _is_refusal(result) and self._read_at < began:
                result = look(self._renewed(began))
        except Exception as error:  # noqa: BLE001 - see _problem
            return self._problem(error)
        return result

    def account(self) -> str:
        """
        Return what tells the account from others, see :attr:`Settings.account`.

        :raises KlingError: when the connection cannot be read.
        """
        try:
            return self._current().settings.account
        except Exception as error:  # noqa: BLE001 - see _problem
            raise self._problem(error) from None

    def list_newest(self, endpoints: Sequence[str], count: int) -> dict[str, list[Task]]:
        """
        List what the account runs, whoever submitted it, and what it ran last; one request for each list.

        :param endpoints: the products.
        :param count: tasks of each product at most.
        :raises KlingError: when no product can be listed, or one cannot be listed now.
        """
        began = time.monotonic()
        try:
            try:
                return _listed(self._current(), endpoints, count)
            except KlingError as error:
                if error.transient or self._read_at >= began:
                    raise
                return _listed(self._renewed(began), endpoints, count)
        except Exception as error:  # noqa: BLE001 - see _problem
            raise self._problem(error) from None

    def _current(self) -> KlingHook:
        with self._lock:
            return self._hook_since(time.monotonic() - self._keep_seconds)

    def _renewed(self, began: float) -> KlingHook:
        """Return a hook whose connection was read in this sweep, once for all that the sweep finds refused."""
        with self._lock:
            return self._hook_since(began)

    def _hook_since(self, earliest: float) -> KlingHook:
        if self._hook is None or self._read_at < max(earliest, self._forgotten_at):
            self._hook = None
            now = time.monotonic()
            hook = KlingHook(self._kling_conn_id)
            _ = hook.settings
            self._hook, self._read_at = hook, now
        return self._hook

    def _problem(self, error: Exception) -> KlingError:
        if isinstance(error, KlingError):
            return error
        name = self._kling_conn_id
        if isinstance(error, AirflowNotFoundException):
            return missing_connection(name, error)
        # Airflow's API may be restarting; the tasks at Kling run on.
        return KlingConnectionError(f"The connection {name} cannot be read now: {reason(error)}")


def missing_connection(name: str, error: Exception) -> KlingConfigurationError:
    """
    Return what to say when the triggerer has no such connection; the workers may have it.

    :param name: its id.
    :param error: what Airflow said.
    """
    return KlingConfigurationError(
        f"Make connection {name} known to the triggerer: it finds none.\nA connection in environment variables "
        f"or in a secrets backend has to be there for triggerers too, not for workers only. "
        f"{foreign_text(error)}"
    )


def _listed(hook: KlingHook, endpoints: Sequence[str], count: int) -> dict[str, list[Task]]:
    tasks: dict[str, list[Task]] = {}
    refusals: list[KlingError] = []
    for endpoint in endpoints:
        try:
            tasks[endpoint] = hook.list_tasks(endpoint, page_size=count, tries=1)
        except KlingError as error:
            # A relay often lacks some products, and a key pair the second generation.
            if error.transient:
                raise
            refusals.append(error)
    if refusals and not tasks:
        raise refusals[0]
    return tasks


def _is_refusal(result: Task | KlingError) -> bool:
    return isinstance(result, KlingError) and not result.transient
