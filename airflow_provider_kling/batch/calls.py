"""Blocking calls of a batch to Kling and to storage; the triggerer runs them in threads."""

from __future__ import annotations

import contextlib
import itertools
import math
from typing import TYPE_CHECKING

from airflow_provider_kling import polling
from airflow_provider_kling.api.classic import MAX_PAGE_SIZE
from airflow_provider_kling.api.task_ref import TaskRef
from airflow_provider_kling.exceptions import (
    KlingAuthenticationError,
    KlingConfigurationError,
    KlingConnectionError,
    KlingError,
    KlingTaskNotFoundError,
)
from airflow_provider_kling.models import Video
from airflow_provider_kling.products.catalogue import product_of
from airflow_provider_kling.results.storage import store
from airflow_provider_kling.results.targets import targets_of
from airflow_provider_kling.utils._airflow.compat import AirflowNotFoundException
from airflow_provider_kling.utils._airflow.object_storage import place_of
from airflow_provider_kling.utils.untrusted import reason
from airflow_provider_kling.waiting.hook_cache import HookCache, missing_connection

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from airflow_provider_kling.batch.plan import Plan, PlannedItem
    from airflow_provider_kling.batch.records import Record, Records
    from airflow_provider_kling.hooks import KlingHook
    from airflow_provider_kling.models import FileRecord, Task


#: Stands for the result of a record of which only the files are known.
_ANY_VIDEO = Video(id="", url="-", watermark_url="-")


class BatchCalls:
    """
    The blocking calls of one batch.

    :param plan: the items, each of which has a product.
    :param kling_conn_id: the Kling connection.
    :param output_uri: folder of the videos.
    :param output_conn_id: Airflow connection of that storage.
    :param account: the account that the batch was planned for, see :attr:`KlingHook.account_name`; empty if unknown.
    """

    def __init__(
        self, plan: Plan, kling_conn_id: str, output_uri: str, output_conn_id: str | None, account: str = ""
    ) -> None:
        self._plan = plan
        self._kling_conn_id = kling_conn_id
        self._output_uri = output_uri
        self._output_conn_id = output_conn_id
        self._account = account
        self._hooks = HookCache(kling_conn_id)

    def find_tasks(self, known: Records) -> tuple[dict[str, Task], bool]:
        """
        Find the tasks that Kling already has, with few requests however long the plan is.

        :param known: records of an earlier run; a task that they name is found even when it is far back in the list.
        :return: tasks by external id, and whether these are all that the account has of the plan's products.
        :raises KlingError: a transient one; no tasks are known then.
        """
        with self._hook() as hook:
            tasks: dict[str, Task] = {}
            complete = True
            for endpoint, count in self._plan.lists.items():
                listed, is_all = self._list(hook, endpoint, count)
                tasks.update(listed)
                complete = complete and is_all
            if not complete:
                found = {task.task_id for task in tasks.values()}
                left = (record for record in known if record.task_id and record.task_id not in found)
                refs = [TaskRef(self._plan.endpoint_of(record.key), record.task_id) for record in left]
                results = hook.get_tasks(refs).values()
                tasks.update({task.external_task_id: task for task in results if not isinstance(task, KlingError)})
            return tasks, complete

    def _list(self, hook: KlingHook, endpoint: str, wanted: int) -> tuple[dict[str, Task], bool]:
        tasks: dict[str, Task] = {}
        # Twice the plan leaves room for further attempts and for other tasks of the account.
        most = math.ceil(2 * wanted / MAX_PAGE_SIZE) + 1
        try:
            for page in itertools.islice(hook.client.iter_pages(product_of(endpoint)), most):
                tasks.update({task.external_task_id: task for task in page.tasks})
                if page.is_last:
                    return tasks, True
        except KlingError as error:
            if error.transient:
                raise
            # Often a relay without this route. The tasks are then looked up one by one.
        return tasks, False

    def submit(self, item: PlannedItem, look_up_first: bool) -> Task:
        """
        Run the pay-once protocol for one item.

        :raises KlingError: when it brought no task.
        """
        with self._hook() as hook:
            body = item.full_body()
            if not hook.finds_by_id(item.endpoint, body):
                # It is not known whether Kling refuses its id twice. An earlier run may have sent it, even if
                # find_tasks did not find it: so it is looked up first, and never sent again when in doubt.
                return hook.submit(
                    item.endpoint,
                    body,
                    external_task_id=item.external_task_id,
                    look_up_first=True,
                    on_doubt="fail" if look_up_first else None,
                ).task
            return hook.submit(
                item.endpoint, body, external_task_id=item.external_task_id, look_up_first=look_up_first
            ).task

    def find(self, key: str, external_task_id: str) -> Task | None:
        """
        Look up one attempt of an item; free.

        :raises KlingError: when Kling could not be asked.
        """
        with self._hook() as hook:
            return hook.find_task(external_task_id, self._plan.endpoint_of(key))

    def store(self, item: PlannedItem, task: Task, fresh: bool) -> list[FileRecord]:
        """
        Copy a task's results under the item's name.

        :param fresh: whether the task is read again first, for new links.
        :raises KlingError: when it could not be done.
        """
        with self._hook() as hook:
            if fresh:
                task = hook.get_task(task.task_id, task.endpoint)
                polling.require_success(task, polling.Event("success", task.task_id))
            return store(
                hook,
                task,
                self._target(item.key),
                conn_id=self._output_conn_id,
                duration=item.body.get("duration"),
                # The batch repeats it, with growing pauses and without a waiting thread.
                tries=1,
            )

    def missing_files(self, records: Records) -> set[str]:
        """
        Return the keys of items with a file that is not in this batch's folder, from one listing.

        :param records: of items that were stored, perhaps in another folder.
        :return: when the storage refuses to list, only those that were stored in another folder.
        """
        elsewhere = {record.key for record in records if not self._is_stored_here(record)}
        return elsewhere | self._missing_files(record for record in records if record.key not in elsewhere)

    def _target(self, key: str) -> str:
        return f"{self._output_uri}{key}.{{ext}}"

    def _is_stored_here(self, record: Record) -> bool:
        results = record.results or (_ANY_VIDEO,)
        targets = targets_of(results, self._target(record.key), task_id=record.task_id)
        places = {place_of(target, self._output_conn_id).uri for _, target in targets}
        return all(file["uri"] in places for file in record.files)

    def _missing_files(self, records: Iterable[Record]) -> set[str]:
        try:
            folder = place_of(self._output_uri, self._output_conn_id)
            folder.filesystem.invalidate_cache()
            entries = folder.filesystem.ls(folder.path, detail=True)
            sizes = {entry["name"].rpartition("/")[2]: entry.get("size") for entry in entries}
        except Exception:  # noqa: BLE001 - without the right to list, not everything is copied again
            return set()

        def is_missing(file: FileRecord) -> bool:
            uri = str(file["uri"])
            size = sizes.get(uri.rpartition("/")[2])
            return uri.startswith(folder.uri) and (size is None or size != file.get("bytes", size))

        return {record.key for record in records if any(map(is_missing, record.files))}

    @contextlib.contextmanager
    def _hook(self) -> Iterator[KlingHook]:
        """Yield the hook, and turn every exception into a KlingError."""
        try:
            hook = self._hooks.get()
            self._check_account(hook.account_name)
            yield hook
        except (KlingAuthenticationError, KlingTaskNotFoundError):
            # The key may have been rotated, or the connection edited.
            self._hooks.invalidate()
            raise
        except KlingError:
            raise
        except AirflowNotFoundException as error:
            # Of the storage: a missing Kling connection is raised by the hook cache.
            raise missing_connection(place_of(self._output_uri, self._output_conn_id).conn_id, error) from None
        except Exception as error:  # noqa: BLE001 - becomes a KlingError
            # Airflow's API or the storage may not answer for a moment; tasks at Kling run on.
            raise step_error(error) from None

    def _check_account(self, account: str) -> None:
        if self._account and account != self._account:
            self._hooks.invalidate()
            raise KlingConfigurationError(
                f"Set the connection {self._kling_conn_id!r} back to the account of this batch. Its tasks were planned "
                f"and paid under {self._account}; now the connection names {account}, where they are not found."
            )


def step_error(error: Exception) -> KlingConnectionError:
    """
    Return the error of a step that will be repeated.

    :param error: the cause.
    """
    return KlingConnectionError(f"Wait for the next try: a step of the batch broke. {reason(error)}")
