"""Reading an account's tasks over a connection that somebody may change while tasks wait on it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from airflow_provider_kling.exceptions import KlingError
from airflow_provider_kling.waiting.hook_cache import HookCache
from airflow_provider_kling.waiting.pace import CONNECTION_SECONDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_kling.api.task_ref import TaskRef
    from airflow_provider_kling.hooks import KlingHook
    from airflow_provider_kling.models import Task


class AccountReader:
    """
    Reads tasks over one connection; its methods block, and several threads may use it at once.

    After a refusal the connection is read again, and the call is repeated if it has changed.

    :param kling_conn_id: the connection.
    :param keep_seconds: how long it is used as it was read.
    """

    def __init__(self, kling_conn_id: str, *, keep_seconds: float = CONNECTION_SECONDS) -> None:
        self._hooks = HookCache(kling_conn_id, keep_seconds=keep_seconds)

    def invalidate(self) -> None:
        """Read the connection again next time. It does not block: the event loop calls it."""
        self._hooks.invalidate()

    def read_together(
        self, refs: Sequence[TaskRef], began: float
    ) -> tuple[dict[TaskRef, Task | KlingError], list[TaskRef]]:
        """
        Read many tasks as far as a request can cover several.

        :param refs: the tasks.
        :param began: when the sweep began, by the monotonic clock.
        :return: for each its task, or why it could not be read; and those that have to be read one by one.
        """
        try:
            hook = self._hooks.get()
            results, singles = hook.get_tasks_in_bulk(refs, tries=1)
            refused = [task for task, result in results.items() if _is_refusal(result)]
            renewed = self._hooks.get_newer(hook, began) if refused else None
            if renewed is None:
                return results, singles
            again, more = renewed.get_tasks_in_bulk(refused, tries=1)
        except KlingError as error:
            return dict.fromkeys(refs, error), []
        for task in refused:
            del results[task]
        return results | again, singles + more

    def read_single(self, ref: TaskRef, began: float) -> Task | KlingError:
        """
        Read one task.

        :param ref: the task.
        :param began: when the sweep began, by the monotonic clock.
        :return: the task, or why it could not be read.
        """

        def read(hook: KlingHook) -> Task | KlingError:
            try:
                return hook.get_task(ref.task_id, ref.endpoint, tries=1)
            except KlingError as error:
                return error

        try:
            hook = self._hooks.get()
            result = read(hook)
            renewed = self._hooks.get_newer(hook, began) if _is_refusal(result) else None
        except KlingError as error:
            return error
        return result if renewed is None else read(renewed)

    def account(self) -> str:
        """
        Return what identifies the account, see :attr:`Settings.account`.

        :raises KlingError: when the connection cannot be read.
        """
        return self._hooks.get().settings.account

    def list_newest(self, endpoints: Sequence[str], count: int) -> dict[str, list[Task]]:
        """
        List the newest tasks of the account, whoever submitted them; one request for each list.

        :param endpoints: the products.
        :param count: tasks of each product at most.
        :raises KlingError: when no product can be listed, or one cannot be listed now.
        """
        began, hook = time.monotonic(), self._hooks.get()
        try:
            return _listed(hook, endpoints, count)
        except KlingError as error:
            renewed = None if error.transient else self._hooks.get_newer(hook, began)
            if renewed is None:
                raise
        return _listed(renewed, endpoints, count)


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
