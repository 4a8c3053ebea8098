"""The account: tasks, external ids, slots and charges. Pure: no I/O; the time is an argument."""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict, deque
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from airflow_provider_kling.simulator.envelope import KlingError
from airflow_provider_kling.simulator.prices import dollars
from airflow_provider_kling.simulator.tasks import Task, TaskRequest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_provider_kling.simulator.media import MediaInfo

#: Fraction of the processing time in which a task is ``submitted``; published responses show 7 s of 127 s.
QUEUE_SHARE = 0.05

#: Ids of elements are JSON numbers below this; observed ids have 15 digits.
ELEMENT_IDS = 10**15


@dataclass(frozen=True, kw_only=True)
class Rules:
    """Limits and prices of the account, from the settings.

    :param concurrency: slots per model.
    :param image_concurrency: the same for the models that make images.
    :param units: units bought, or dollars paid in.
    :param image_units: units bought for images only; ``None`` pays for images from ``units``.
    :param cash: whether the account pays with money instead of units.
    :param reuse_after_failure: whether the external id of a failed task can be used again.
    :param creates_per_second: limit of create calls; ``None`` for no limit.
    """

    concurrency: int = 5
    image_concurrency: int = 9
    units: Decimal = Decimal(10_000)
    image_units: Decimal | None = None
    cash: bool = False
    reuse_after_failure: bool = False
    creates_per_second: int | None = None


def _slot_group(item: TaskRequest | Task) -> tuple[str, str]:
    """Tasks with the same group share slots: model version and type of pack."""
    return item.counted_as or item.model, item.pack


class Account:
    """An account at Kling. All times are epoch milliseconds.

    :param rules: limits of the account.
    :param opened_at: when the resource pack was bought.
    """

    def __init__(self, rules: Rules, *, opened_at: int) -> None:
        self.rules = rules
        self.opened_at = opened_at
        self._tasks: dict[str, Task] = {}
        self._open: dict[str, Task] = {}
        # Counters and a heap: iterating over ten thousand open tasks would take seconds for each request.
        self._slots_of: Counter[tuple[str, str]] = Counter()
        self._schedule: list[tuple[int, str]] = []
        self._by_external_id: dict[str, Task] = {}
        self._by_result_id: dict[str, Task] = {}
        self._by_element_id: dict[int, Task] = {}
        self._last_id = 0
        self._used: defaultdict[str, Decimal] = defaultdict(Decimal)
        self._recent_creates: deque[int] = deque()

    # ------------------------------------------------------------------ create

    def submit(self, request: TaskRequest, *, now: int) -> Task:
        """Accept a request.

        :raises KlingError: the external id exists (1201), the units (1102) or the money (1101) are used up, there are
            too many calls per second (1302) or no slot is free (1303); then no task is created.
        """
        self._check_rate(now)
        self._check_external_id(request.external_task_id)
        left = self.units_left(request.pack)
        # A free call, such as a deletion, needs no pack.
        if request.price and (left < self._cost(request.price, request.pack) or left <= 0):
            raise KlingError(1101 if self.rules.cash else 1102)
        if self._slots_taken(request) + request.slots > self._slots(request):
            raise KlingError(1303)
        task = self._new_task(request, now)
        self._add(task)
        return task

    def _check_rate(self, now: int) -> None:
        limit = self.rules.creates_per_second
        if limit is None:
            return
        while self._recent_creates and self._recent_creates[0] <= now - 1000:
            self._recent_creates.popleft()
        if len(self._recent_creates) >= limit:
            raise KlingError(1302)
        self._recent_creates.append(now)

    def _check_external_id(self, external_id: str | None) -> None:
        earlier = self._by_external_id.get(external_id) if external_id else None
        if earlier is None or (earlier.status == "failed" and self.rules.reuse_after_failure):
            return
        raise KlingError(1201, f"External_task_id {external_id} already exists")

    def _slots(self, request: TaskRequest) -> int:
        return self.rules.image_concurrency if request.pack == "image" else self.rules.concurrency

    def _slots_taken(self, request: TaskRequest) -> int:
        return self._slots_of[_slot_group(request)]

    def _new_task(self, request: TaskRequest, now: int) -> Task:
        duration = int(request.seconds * 1000)
        return Task(
            task_id=self._next_id(now),
            result_id=self._next_id(now),
            created_at=now,
            updated_at=now,
            starts_at=now + int(duration * QUEUE_SHARE),
            ends_at=now + duration,
            sources=dict(request.media),
            inspected=not request.media,
            **request.common_fields(),
        )

    def _next_id(self, now: int) -> str:
        # 18 digits like Kling's ids: 13 of milliseconds and 5 more.
        self._last_id = max(self._last_id + 1, now * 100_000)
        return str(self._last_id)

    def _add(self, task: Task) -> None:
        self._tasks[task.task_id] = self._by_result_id[task.result_id] = task
        if "element_id" in task.recipe:
            task.recipe["element_id"] = task.recipe["element_id"] or int(task.result_id) % ELEMENT_IDS
            self._by_element_id[task.recipe["element_id"]] = task
        if not task.ended:
            self._open[task.task_id] = task
            self._slots_of[_slot_group(task)] += task.slots
            self._schedule_next_change(task)
        if task.external_task_id:
            self._by_external_id[task.external_task_id] = task
        self._used[self.pack_of(task.pack)] += self._cost(task.charged, task.pack)

    def _cost(self, units: Decimal, pack: str) -> Decimal:
        return dollars(units, pack) if self.rules.cash else units

    # ------------------------------------------------------------------ progress

    def record_inputs(
        self, task_id: str, *, inputs: dict[str, str], media_info: dict[str, MediaInfo], failure: str, now: int
    ) -> None:
        """Store the inputs that were loaded for a task.

        :param inputs: key of the stored content, by role.
        :param media_info: duration and size of the videos and sounds, by role; some results are as long as their input.
        :param failure: why the task will fail; empty if the inputs are valid.
        """
        task = self._tasks[task_id]
        task.recipe["inputs"] = inputs
        if (followed := task.recipe.get("follows")) in media_info:
            task.recipe |= {"duration": max(1, round(media_info[followed]["seconds"])), "facts": media_info[followed]}
        if followed in media_info and (block := task.recipe.get("block")):
            # Billed per second, or per started block of several seconds.
            task.price = Decimal(task.recipe["rate"]) * -(-task.recipe["duration"] // block)
        task.failure = task.failure or failure
        task.ends_at = max(task.ends_at, now)
        task.inspected = True
        self._schedule_next_change(task)

    def end_soon(self, task_id: str, *, failure: str = "", now: int) -> None:
        """End a task as soon as its inputs are loaded, with ``failure`` if that is not empty."""
        task = self.find(task_id)
        if task.ended:
            return
        task.starts_at, task.ends_at = min(task.starts_at, now), min(task.ends_at, now)
        task.failure = failure or task.failure
        self._schedule_next_change(task)

    def _schedule_next_change(self, task: Task) -> None:
        """Push the time of the next change of status; older entries of the task stay in the heap without effect."""
        if task.status == "submitted":
            heapq.heappush(self._schedule, (task.starts_at, task.task_id))
        elif task.inspected:
            heapq.heappush(self._schedule, (task.ends_at, task.task_id))

    def update_statuses(self, now: int) -> list[Task]:
        """Move every task to the status that it has at ``now``.

        :return: a copy of the task per change of status, ordered by time.
        """
        changes: list[Task] = []
        while self._schedule and self._schedule[0][0] <= now:
            task = self._open.get(heapq.heappop(self._schedule)[1])
            if task is None:
                continue
            if task.status == "submitted" and now >= task.starts_at:
                task.status, task.updated_at = "processing", task.starts_at
                changes.append(replace(task))
            if task.status == "processing" and task.inspected and now >= task.ends_at:
                self._end(task)
                changes.append(replace(task))
            else:
                self._schedule_next_change(task)
        return sorted(changes, key=lambda task: task.updated_at)

    def _end(self, task: Task) -> None:
        task.updated_at = task.ends_at
        if task.failure:
            task.status, task.message = "failed", task.failure
        else:
            task.status, task.charged = "succeed", task.price
            cost = self._cost(task.price, task.pack)
            task.money = cost if self.rules.cash else Decimal(0)
            self._used[self.pack_of(task.pack)] += cost
        del self._open[task.task_id]
        self._slots_of[_slot_group(task)] -= task.slots

    def next_change(self) -> int | None:
        """When the next status changes; ``None`` if no task is running."""
        while self._schedule and self._schedule[0][1] not in self._open:
            heapq.heappop(self._schedule)
        return self._schedule[0][0] if self._schedule else None

    # ------------------------------------------------------------------ reading

    def find(self, any_id: str, *, product: str | None = None) -> Task:
        """A task by its id or external id.

        :raises KlingError: 1201, with the measured text.
        """
        task = self._tasks.get(any_id) or self._by_external_id.get(any_id)
        if task is None or product not in {None, task.product}:
            raise KlingError(1201, f"Task not found by id/external id: {any_id}")
        return task

    def task_of_result(self, result_id: str) -> Task | None:
        """The task whose results have this id, if it succeeded."""
        task = self._by_result_id.get(result_id)
        return task if task and task.status == "succeed" else None

    def task_of_element(self, element_id: int) -> Task | None:
        """The task that made an element, if it succeeded."""
        task = self._by_element_id.get(element_id)
        return task if task and task.status == "succeed" else None

    def by_ids(self, task_ids: Iterable[str], external_ids: Iterable[str]) -> list[Task]:
        """The tasks with these ids, each once; unknown ids are left out."""
        found = [self._tasks.get(task_id) for task_id in task_ids]
        found += [self._by_external_id.get(external_id) for external_id in external_ids]
        return list({task.task_id: task for task in found if task}.values())

    def all_tasks(self, *, product: str | None = None, newest_first: bool = False) -> list[Task]:
        """Tasks, oldest first unless ``newest_first``."""
        chosen = [task for task in self._tasks.values() if product in {None, task.product}]
        return chosen[::-1] if newest_first else chosen

    # ------------------------------------------------------------------ units

    def pack_of(self, pack: str) -> str:
        """The pack that pays for a type of task: ``image`` if a separate image pack was bought, else ``video``."""
        own = pack == "image" and self.rules.image_units is not None and not self.rules.cash
        return "image" if own else "video"

    def units_used(self, pack: str = "video") -> Decimal:
        """Units, or dollars, deducted so far; only succeeded tasks are charged."""
        return self._used[self.pack_of(pack)]

    def units_left(self, pack: str = "video") -> Decimal:
        """Units in the pack, or dollars; nothing is reserved for running tasks, so it can become negative."""
        bought = self.rules.image_units if self.pack_of(pack) == "image" else self.rules.units
        return (bought or Decimal(0)) - self.units_used(pack)

    # ------------------------------------------------------------------ persistence

    def dump(self) -> dict[str, Any]:
        """The state of the account as plain JSON."""
        tasks = [task.as_json() for task in self._tasks.values()]
        return {"opened_at": self.opened_at, "tasks": tasks}

    def load(self, saved: dict[str, Any]) -> None:
        """Restore what :meth:`dump` returned."""
        self.opened_at = saved["opened_at"]
        for values in saved["tasks"]:
            task = Task.from_json(values)
            self._add(task)
            self._last_id = max(self._last_id, int(task.result_id))
