"""What a batch does at Kling and in storage. Every method blocks, so the triggerer calls it in a thread."""

from __future__ import annotations

import contextlib
import math
from typing import TYPE_CHECKING, Any

from airflow_provider_kling._airflow.compat import AirflowNotFoundException
from airflow_provider_kling.api.classic import MAX_PAGE_SIZE
from airflow_provider_kling.exceptions import (
    KlingAuthenticationError,
    KlingConfigurationError,
    KlingConnectionError,
    KlingError,
)
from airflow_provider_kling.hooks import KlingHook
from airflow_provider_kling.storage import store
from airflow_provider_kling.sweep import Waiting

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from airflow_provider_kling.batch.plan import PlannedItem
    from airflow_provider_kling.models import Task


class Hands:
    """
    Carries out what was decided.

    Each thread has a hook to itself for as long as it works; a hook sends one request at a time.

    :param endpoint: the product.
    :param kling_conn_id: the Kling connection.
    :param output_uri: folder of the videos.
    :param output_conn_id: Airflow connection of that storage.
    """

    def __init__(self, endpoint: str, kling_conn_id: str, output_uri: str, output_conn_id: str | None) -> None:
        self._endpoint = endpoint
        self._kling_conn_id = kling_conn_id
        self._output_uri = output_uri
        self._output_conn_id = output_conn_id
        self._idle: list[KlingHook] = []

    def survey(self, plan: Sequence[PlannedItem], known: Sequence[Mapping[str, Any]]) -> tuple[dict[str, Task], bool]:
        """
        Find what Kling already has, with few requests however long the plan is.

        :param plan: the items.
        :param known: records of an earlier run; a task that they name is found even when it is far back in the list.
        :return: tasks by external id, and whether these are all that the account has of this product.
        :raises KlingError: a transient one; nothing is known then.
        """
        with self._hook() as hook:
            tasks, complete = self._list(hook, len(plan))
            if not complete:
                found = {task.task_id for task in tasks.values()}
                ids = [str(record["task_id"]) for record in known if record.get("task_id")]
                results = hook.get_tasks([Waiting(self._endpoint, one) for one in ids if one not in found]).values()
                tasks.update({task.external_task_id: task for task in results if not isinstance(task, KlingError)})
            return tasks, complete

    def _list(self, hook: KlingHook, wanted: int) -> tuple[dict[str, Task], bool]:
        tasks: dict[str, Task] = {}
        # Twice the plan leaves room for further attempts and for what others submit.
        for number in range(1, math.ceil(2 * wanted / MAX_PAGE_SIZE) + 2):
            try:
                page = hook.list_tasks(self._endpoint, page=number)
            except KlingError as error:
                if error.transient:
                    raise
                # A relay without this route, often: the tasks are found one by one.
                return tasks, False
            tasks.update({task.external_task_id: task for task in page})
            if len(page) < MAX_PAGE_SIZE:
                return tasks, True
        return tasks, False

    def submit(self, item: PlannedItem, look_up_first: bool) -> Task:
        """
        Drive the pay-once protocol for one item.

        :raises KlingError: when it brought no task.
        """
        with self._hook() as hook:
            body = item.full_body()
            return hook.submit(
                self._endpoint, body, external_task_id=item.external_task_id, look_up_first=look_up_first
            ).task

    def find(self, external_task_id: str) -> Task | None:
        """
        Look for one attempt; free.

        :raises KlingError: when Kling could not be asked.
        """
        with self._hook() as hook:
            return hook.find_task(external_task_id, self._endpoint)

    def store(self, item: PlannedItem, task: Task, fresh: bool) -> list[dict[str, Any]]:
        """
        Copy a task's results under the item's name.

        :param fresh: whether the task is read again first, for new links.
        :raises KlingError: when it could not be done.
        """
        with self._hook() as hook:
            if fresh:
                task = hook.get_task(task.task_id, self._endpoint)
            return store(
                hook,
                task,
                f"{self._output_uri}{item.key}.{{ext}}",
                conn_id=self._output_conn_id,
                duration=item.body.get("duration"),
            )

    @contextlib.contextmanager
    def _hook(self) -> Iterator[KlingHook]:
        """Lend a hook, and make every problem one of ours."""
        try:
            hook = self._idle.pop()
        except IndexError:
            hook = KlingHook(self._kling_conn_id)
        try:
            yield hook
        except KlingAuthenticationError:
            # The key may have been rotated: this hook is not used again.
            raise
        except KlingError:
            self._idle.append(hook)
            raise
        except AirflowNotFoundException as error:
            raise KlingConfigurationError(str(error)) from error
        except Exception as error:
            # Airflow's API or the storage may be away for a moment; what runs at Kling runs on.
            raise KlingConnectionError(f"A step of the batch broke: {type(error).__name__}: {error}") from error
        else:
            self._idle.append(hook)
