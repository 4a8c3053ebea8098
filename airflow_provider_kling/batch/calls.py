"""What a batch does at Kling and in storage. Every method blocks, so the triggerer calls it in a thread."""

from __future__ import annotations

import contextlib
import itertools
import math
from typing import TYPE_CHECKING

from airflow_provider_kling import polling
from airflow_provider_kling.api.classic import MAX_PAGE_SIZE
from airflow_provider_kling.api.read_plan import TaskRef
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
from airflow_provider_kling.utils.foreign import reason
from airflow_provider_kling.waiting.hook_cache import HookCache, missing_connection

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from airflow_provider_kling.batch.plan import Plan, PlannedItem
    from airflow_provider_kling.batch.records import Record, Records
    from airflow_provider_kling.hooks import KlingHook
    from airflow_provider_kling.models import FileRecord, Task


#: What a record of which only the files are known had.
_ANY_VIDEO = Video(id="", url="-", watermark_url="-")


class BatchCalls:
    """
    Carries out what was decided.

    :param plan: the items, each of which has a product.
    :param kling_conn_id: the Kling connection.
    :param output_uri: folder of the videos.
    :param output_conn_id: Airflow connection of that storage.
    :param account: what the batch was planned for, see :attr:`KlingHook.account_name`; empty when not known.
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
        Find what Kling already has, with few requests however long the plan is.

        :param known: records of an earlier run; a task that they name is found even when it is far back in the list.
        :return: tasks by external id, and whether these are all that the account has of the plan's products.
        :raises KlingError: a transient one; nothing is known then.
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
        # Twice the plan leaves room for further attempts and for what others submit.
        most = math.ceil(2 * wanted / MAX_PAGE_SIZE) + 1
        try:
            for page in itertools.islice(hook.client.iter_pages(product_of(endpoint)), most):
                tasks.update({task.external_task_id: task for task in page.tasks})
                if page.is_last:
                    return tasks, True
        except KlingError as error:
            if error.transient:
                raise
            # A relay without this route, often: the tasks are found one by one.
        return tasks, False

    def submit(self, item: PlannedItem, look_up_first: bool) -> Task:
        """
        Drive the pay-once protocol for one item.

        :raises KlingError: when it brought no task.
        """
        with self._hook() as hook:
            body = item.full_body()
            if not hook.finds_by_id(item.endpoint, body):
                # Whether its id is refused twice is not known. So it is looked up before it is sent, because an earlier
                # run may have sent it, whatever find_tasks said; and what is in doubt now is never sent again.
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
        Look for one attempt of an item; free.

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
                # The batch itself tries again, with pauses that grow, and without a thread that waits.
                tries=1,
            )

    def missing_files(self, records: Records) -> set[str]:
        """
        Return which of these items have files that are not where this batch stores them, from one listing.

        :param records: of items that were stored, perhaps in another folder.
        :return: their keys; when the storage does not let us list, of those elsewhere only.
        """
        elsewhere = {record.key for record in records if not self._stands_here(record)}
        return elsewhere | self._missing_files(record for record in records if record.key not in elsewhere)

    def _target(self, key: str) -> str:
        return f"{self._output_uri}{key}.{{ext}}"

    def _stands_here(self, record: Record) -> bool:
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
        except Exception:  # noqa: BLE001 - no right to list is no reason to copy everything again
            return set()

        def is_missing(file: FileRecord) -> bool:
            uri = str(file["uri"])
            size = sizes.get(uri.rpartition("/")[2])
            return uri.startswith(folder.uri) and (size is None or size != file.get("bytes", size))

        return {record.key for record in records if any(map(is_missing, record.files))}

    @contextlib.contextmanager
    def _hook(self) -> Iterator[KlingHook]:
        """Lend the hook, and make every problem one of ours."""
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
            # The storage's: what is wrong with Kling's is said where it is read.
            raise missing_connection(place_of(self._output_uri, self._output_conn_id).conn_id, error) from None
        except Exception as error:  # noqa: BLE001 - becomes one of ours
            # Airflow's API or the storage may be away for a moment; what runs at Kling runs on.
            raise broken_step(error) from None

    def _check_account(self, account: str) -> None:
        if self._account and account != self._account:
            self._hooks.invalidate()
            raise KlingConfigurationError(
                f"Set the connection {self._kling_conn_id!r} back to the account of this batch. Its tasks were planned "
                f"and paid under {self._account}; now the connection names {account}, where they are not found."
            )


def broken_step(error: Exception) -> KlingConnectionError:
    """
    Return what to say of a step that is made again.

    :param error: that broke it.
    """
    return KlingConnectionError(f"Wait for the next try: a step of the batch broke. {reason(error)}")
