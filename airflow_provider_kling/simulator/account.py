"""The account: tasks, external ids, slots and charges. Pure: no I/O, the time is an argument."""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict, deque
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from airflow_provider_kling.simulator.envelope import KlingError
from airflow_provider_kling.simulator.prices import dollars
from airflow_provider_kling.simulator.tasks import Order, Task

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_provider_kling.simulator.media import Facts

#: Part of the processing time that a task spends as ``submitted``; a published pair of answers shows 7 s of 127 s.
QUEUE_SHARE = 0.05

#: Ids of elements are JSON numbers; those that were seen have 15 digits.
ELEMENT_IDS = 10**15


@dataclass(frozen=True, kw_only=True)
class Rules:
    """The part of the settings that the account obeys.

    :param concurrency: slots per model.
    :param image_concurrency: the same for the models that make images.
    :param units: units bought, or dollars paid in.
    :param image_units: units bought for images alone; without them, ``units`` pay for everything.
    :param cash: whether the account pays with money instead of units.
    :param reuse_after_failure: whether the external id of a failed task is free again.
    :param creates_per_second: limit of create calls, or none.
    """

    concurrency: int = 5
    image_concurrency: int = 9
    units: Decimal = Decimal(10_000)
    image_units: Decimal | None = None
    cash: bool = False
    reuse_after_failure: bool = False
    creates_per_second: int | None = None


def _slot_group(item: Order | Task) -> tuple[str, str]:
    """What shares slots: one version of a model, per type of pack."""
    return item.counted_as or item.model, item.pack


class Account:
    """One customer of Kling. All times are epoch milliseconds.

    :param rules: limits of the account.
    :param opened_at: when the resource pack was bought.
    """

    def __init__(self, rules: Rules, *, opened_at: int) -> None:
        self.rules = rules
        self.opened_at = opened_at
        self._tasks: dict[str, Task] = {}
        self._open: dict[str, Task] = {}
        # What is under way is never walked through: with ten thousand open tasks each request would take seconds.
        self._slots_of: Counter[tuple[str, str]] = Counter()
        self._agenda: list[tuple[int, str]] = []
        self._by_external_id: dict[str, Task] = {}
        self._by_result_id: dict[str, Task] = {}
        self._by_element_id: dict[int, Task] = {}
        self._last_id = 0
        self._used: defaultdict[str, Decimal] = defaultdict(Decimal)
        self._recent_creates: deque[int] = deque()

    # ------------------------------------------------------------------ create

    def submit(self, order: Order, *, now: int) -> Task:
        """Accept an order.

        :raises KlingError: the external id is taken (1201), the pack is used up (1102) or the money (1101), calls come
            too fast (1302) or no slot is free (1303); then nothing was created.
        """
        self._check_rate(now)
        self._check_external_id(order.external_task_id)
        left = self.units_left(order.pack)
        # What costs nothing, such as a deletion, needs no pack.
        if order.price and (left < self._cost(order.price, order.pack) or left <= 0):
            raise KlingError(1101 if self.rules.cash else 1102)
        if self._slots_taken(order) + order.slots > self._slots(order):
            raise KlingError(1303)
        task = self._new_task(order, now)
        self._keep(task)
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

    def _slots(self, order: Order) -> int:
        return self.rules.image_concurrency if order.pack == "image" else self.rules.concurrency

    def _slots_taken(self, order: Order) -> int:
        return self._slots_of[_slot_group(order)]

    def _new_task(self, order: Order, now: int) -> Task:
        duration = int(order.seconds * 1000)
        return Task(
            task_id=self._next_id(now),
            result_id=self._next_id(now),
            product=order.product,
            model=order.model,
            pack=order.pack,
            price=order.price,
            created_at=now,
            updated_at=now,
            starts_at=now + int(duration * QUEUE_SHARE),
            ends_at=now + duration,
            external_task_id=order.external_task_id,
            callback_url=order.callback_url,
            watermark=order.watermark,
            recipe=dict(order.recipe),
            failure=order.failure,
            slots=order.slots,
            counted_as=order.counted_as,
            sources=dict(order.media),
            kinds=dict(order.kinds),
            inspected=not order.media,
        )

    def _next_id(self, now: int) -> str:
        # 13 digits of milliseconds and 5 more: Kling's ids have 18 digits, too many for a double.
        self._last_id = max(self._last_id + 1, now * 100_000)
        return str(self._last_id)

    def _keep(self, task: Task) -> None:
        self._tasks[task.task_id] = self._by_result_id[task.result_id] = task
        if "element_id" in task.recipe:
            task.recipe["element_id"] = task.recipe["element_id"] or int(task.result_id) % ELEMENT_IDS
            self._by_element_id[task.recipe["element_id"]] = task
        if not task.ended:
            self._open[task.task_id] = task
            self._slots_of[_slot_group(task)] += task.slots
            self._plan(task)
        if task.external_task_id:
            self._by_external_id[task.external_task_id] = task
        self._used[self.pack_of(task.pack)] += self._cost(task.charged, task.pack)

    def _cost(self, units: Decimal, pack: str) -> Decimal:
        return dollars(units, pack) if self.rules.cash else units

    # ------------------------------------------------------------------ progress

    def record_inputs(
        self, task_id: str, *, inputs: dict[str, str], facts: dict[str, Facts], failure: str, now: int
    ) -> None:
        """Record the result of loading the inputs of a task.

        :param inputs: key of the stored content, by role.
        :param facts: what is known of the videos and sounds among them, by role; some results are as long as one.
        :param failure: why the task will fail; empty if the inputs are good.
        """
        task = self._tasks[task_id]
        task.recipe["inputs"] = inputs
        if (followed := task.recipe.get("follows")) in facts:
            task.recipe |= {"duration": max(1, round(facts[followed]["seconds"])), "facts": facts[followed]}
        if followed in facts and (block := task.recipe.get("block")):
            # Billed by the second, or by each that was begun of several.
            task.price = Decimal(task.recipe["rate"]) * -(-task.recipe["duration"] // block)
        task.failure = task.failure or failure
        task.ends_at = max(task.ends_at, now)
        task.inspected = True
        self._plan(task)

    def end_soon(self, task_id: str, *, failure: str = "", now: int) -> None:
        """Let a task end as soon as it can, with ``failure`` if that is not empty."""
        task = self.find(task_id)
        if task.ended:
            return
        task.starts_at, task.ends_at = min(task.starts_at, now), min(task.ends_at, now)
        task.failure = failure or task.failure
        self._plan(task)

    def _plan(self, task: Task) -> None:
        """Note when the status of an open task changes next; an earlier note of it may stay, and means nothing then."""
        if task.status == "submitted":
            heapq.heappush(self._agenda, (task.starts_at, task.task_id))
        elif task.inspected:
            heapq.heappush(self._agenda, (task.ends_at, task.task_id))

    def settle(self, now: int) -> list[Task]:
        """Move every task to the status that it has at ``now``.

        :return: one snapshot per change of status, in the order of their times.
        """
        changes: list[Task] = []
        while self._agenda and self._agenda[0][0] <= now:
            task = self._open.get(heapq.heappop(self._agenda)[1])
            if task is None:
                continue
            if task.status == "submitted" and now >= task.starts_at:
                task.status, task.updated_at = "processing", task.starts_at
                changes.append(replace(task))
            if task.status == "processing" and task.inspected and now >= task.ends_at:
                self._end(task)
                changes.append(replace(task))
            else:
                self._plan(task)
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
        """When :meth:`settle` has something to do; ``None`` if nothing is under way."""
        while self._agenda and self._agenda[0][1] not in self._open:
            heapq.heappop(self._agenda)
        return self._agenda[0][0] if self._agenda else None

    # ------------------------------------------------------------------ reading

    def find(self, any_id: str, *, product: str | None = None) -> Task:
        """A task by its own or its external id.

        :raises KlingError: 1201, with the measured text.
        """
        task = self._tasks.get(any_id) or self._by_external_id.get(any_id)
        if task is None or product not in {None, task.product}:
            raise KlingError(1201, f"Task not found by id/external id: {any_id}")
        return task

    def of_result(self, result_id: str) -> Task | None:
        """The task whose results have this id, if it succeeded."""
        task = self._by_result_id.get(result_id)
        return task if task and task.status == "succeed" else None

    def of_element(self, element_id: int) -> Task | None:
        """The task that made an element, if it succeeded."""
        task = self._by_element_id.get(element_id)
        return task if task and task.status == "succeed" else None

    def by_ids(self, task_ids: Iterable[str], external_ids: Iterable[str]) -> list[Task]:
        """The tasks that exist among these ids, each once."""
        found = [self._tasks.get(task_id) for task_id in task_ids]
        found += [self._by_external_id.get(external_id) for external_id in external_ids]
        return list({task.task_id: task for task in found if task}.values())

    def all_tasks(self, *, product: str | None = None, newest_first: bool = False) -> list[Task]:
        """Tasks in the order of their creation, or the reverse."""
        chosen = [task for task in self._tasks.values() if product in {None, task.product}]
        return chosen[::-1] if newest_first else chosen

    # ------------------------------------------------------------------ units

    def pack_of(self, pack: str) -> str:
        """What pays: images have a pack of their own, if one was bought."""
        own = pack == "image" and self.rules.image_units is not None and not self.rules.cash
        return "image" if own else "video"

    def units_used(self, pack: str = "video") -> Decimal:
        """Units, or dollars, deducted so far; only tasks that succeeded cost any."""
        return self._used[self.pack_of(pack)]

    def units_left(self, pack: str = "video") -> Decimal:
        """Units in the pack, or dollars; running tasks are not reserved, so it can fall below zero."""
        bought = self.rules.image_units if self.pack_of(pack) == "image" else self.rules.units
        return (bought or Decimal(0)) - self.units_used(pack)

    # ------------------------------------------------------------------ persistence

    def dump(self) -> dict[str, Any]:
        """Everything that must survive a restart, as plain JSON."""
        tasks = [task.as_json() for task in self._tasks.values()]
        return {"opened_at": self.opened_at, "tasks": tasks}

    def load(self, saved: dict[str, Any]) -> None:
        """Take over what :meth:`dump` returned."""
        self.opened_at = saved["opened_at"]
        for values in saved["tasks"]:
            task = Task.from_json(values)
            self._keep(task)
            self._last_id = max(self._last_id, int(task.result_id))
