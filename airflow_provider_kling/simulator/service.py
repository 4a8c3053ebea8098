"""The simulated service without HTTP: connects the account, clock, inputs, results and callbacks."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any

import aiohttp

from airflow_provider_kling.simulator import media, presets, views
from airflow_provider_kling.simulator.account import Account, Rules
from airflow_provider_kling.simulator.auth import Credentials
from airflow_provider_kling.simulator.callbacks import Callbacks
from airflow_provider_kling.simulator.catalogue import load_catalogue
from airflow_provider_kling.simulator.clock import Clock
from airflow_provider_kling.simulator.context import Context
from airflow_provider_kling.simulator.files import make_file
from airflow_provider_kling.simulator.prices import as_text
from airflow_provider_kling.simulator.products import PRODUCTS
from airflow_provider_kling.simulator.results import FileName, Links, Renderer

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping

    from airflow_provider_kling.simulator.settings import Settings
    from airflow_provider_kling.simulator.tasks import Task
from airflow_provider_kling.simulator.state import StateFile


class Service:
    """One account and the parts that serve it.

    :param settings: settings of the account and the server.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.clock = Clock(settings.clock_skew)
        self.credentials = Credentials(settings.access_key, settings.secret_key, settings.api_key)
        rules = Rules(
            concurrency=settings.concurrency,
            image_concurrency=settings.image_concurrency,
            units=Decimal(str(settings.balance if settings.charge == "cash" else settings.units)),
            image_units=None if settings.image_units is None else Decimal(str(settings.image_units)),
            cash=settings.charge == "cash",
            reuse_after_failure=settings.reuse_after_failure == "accept",
            creates_per_second=settings.creates_per_second,
        )
        self.account = Account(rules, opened_at=self.clock.now_ms())
        self.links = Links("", settings.secret_key, int(settings.url_ttl * 1000))
        directory = settings.state.with_name(settings.state.name + ".images") if settings.state else None
        self.contents = media.ContentStore(directory)
        small = settings.video_size == "small"
        self._renderer = Renderer(partial(make_file, small=small), self.contents.get)
        self.callbacks = Callbacks(
            secret=settings.webhook_secret,
            retries=settings.callback_retries,
            backoff_scale=settings.time_scale,
        )
        self._context = Context(
            catalogue=load_catalogue(),
            refuse_retired=settings.retired == "refuse",
            retired_code=settings.retired_code,
            known_elements=settings.known_elements,
            accepts_digits=settings.element_digits == "accept",
            accepts_data_uris=settings.data_uris == "accept",
            account=self.account,
        )
        self._state: StateFile | None = None
        self._inspections: dict[str, asyncio.Task[None]] = {}

    # ------------------------------------------------------------------ start and stop

    async def start(self, base_url: str, trusted: ssl.SSLContext | None = None) -> None:
        """Load the state and start the background work.

        :param base_url: base of result URLs.
        :param trusted: TLS context for fetching inputs and sending callbacks; an input may be a URL of this server.
        """
        self.links = Links(base_url, self.links.secret, self.links.ttl_ms)
        # Before anything is opened: an unusable file must not leave a session behind.
        if self.settings.state is not None:
            self._state = StateFile(self.settings.state)
            self._state.load(self.account)
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=trusted or True))
        self._wake = asyncio.Event()
        self._resume()
        self._ticker = asyncio.create_task(self._tick())

    async def stop(self) -> None:
        """Stop all background work; running tasks continue after a restart with the same state file."""
        background = [self._ticker, *self._inspections.values()]
        for task in background:
            task.cancel()
        await asyncio.gather(*background, return_exceptions=True)
        await self.callbacks.close()
        await self._session.close()
        self._renderer.close()

    def _save(self, task: Task) -> None:
        if self._state is not None:
            self._state.record(task)

    def _resume(self) -> None:
        for task in self.account.all_tasks():
            if not task.inspected:
                self._begin_inspection(task)

    async def _tick(self) -> None:
        while True:
            self._wake.clear()
            self.update_statuses()
            due = self.account.next_change()
            pause = None if due is None else max(0.0, (due - self.clock.now_ms()) / 1000) + 0.001
            # Not wait_for: in Python 3.11 it loses a cancellation that meets the event, and stop() never returns.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._wake.wait()

    # ------------------------------------------------------------------ tasks

    def submit(self, product: str, body: Mapping[str, Any], *, failure: str = "") -> Task:
        """Validate and accept a request; its inputs are loaded in the background.

        :param failure: makes the task fail with this text.
        :raises KlingError: the request is rejected and no task was created.
        """
        self.update_statuses()
        scale, seconds = self.settings.time_scale, self.settings.seconds
        request = PRODUCTS[product].task_request(body, self._context, scale=scale, seconds=seconds)
        stored = {role: self.contents.put_input(source) for role, source in request.media.items()}
        external_id = request.external_task_id if self.settings.external_ids == "keep" else None
        request = replace(request, media=stored, external_task_id=external_id)
        task = self.account.submit(request, now=self.clock.now_ms())
        task.failure = failure or task.failure
        self._delete(task.recipe.get("deletes", ""))
        if not task.inspected:
            self._begin_inspection(task)
        self._save(task)
        self._notify(task)
        self._wake.set()
        return task

    def _delete(self, result_id: str) -> None:
        if result_id and (deleted := self.account.task_of_result(result_id)):
            deleted.recipe["deleted"] = True
            self._save(deleted)

    async def complete(self, task: Task) -> Task:
        """Wait until the inputs of a synchronous task are loaded, and end it."""
        if inspection := self._inspections.get(task.task_id):
            await asyncio.wait([inspection])
        self.update_statuses()
        return task

    def _begin_inspection(self, task: Task) -> None:
        self._inspections[task.task_id] = asyncio.create_task(self._inspect(task))

    async def _inspect(self, task: Task) -> None:
        inputs: dict[str, str] = {}
        media_info: dict[str, media.MediaInfo] = {}
        failure = ""
        try:
            for role, source in task.sources.items():
                kind = task.kinds.get(role, "image")
                inputs[role] = await self.contents.load(await self._resolve_source(source), self._session, kind=kind)
                if known := self.contents.info(inputs[role], kind):
                    media_info[role] = known
        except media.InputError as error:
            failure = str(error)
        now = self.clock.now_ms()
        self.account.record_inputs(task.task_id, inputs=inputs, media_info=media_info, failure=failure, now=now)
        del self._inspections[task.task_id]
        self._save(task)
        self._wake.set()

    async def _resolve_source(self, source: str) -> str:
        """Replace an input that is an earlier result by the key of its content; return any other unchanged.

        A URL of a result is not fetched: behind another host name or certificate the server may not reach itself.
        """
        if source.startswith(media.RESULT):
            name = FileName.parse(source.removeprefix(media.RESULT))
            return self.contents.put((await self.file(name) if name else None) or b"")
        name = self.links.name(source, now=self.clock.now_ms())
        content = await self.file(name) if name else None
        return source if content is None else self.contents.put(content)

    def update_statuses(self) -> None:
        """Move every task to its current status, save the changes and send their callbacks."""
        changes = self.account.update_statuses(self.clock.now_ms())
        for task in changes:
            self._save(task)
            self._notify(task)

    def _notify(self, task: Task) -> None:
        if task.callback_url:
            is_v2 = PRODUCTS[task.product].is_v2 and self.settings.v2_callback == "v2"
            view = views.v2 if is_v2 else views.callback
            self.callbacks.send(task, view(task, self.result), self._session)

    async def finish(self, task_id: str, *, failure: str = "") -> Task:
        """End a task now, with ``failure`` if that is not empty; its inputs are still loaded first."""
        self.account.end_soon(task_id, failure=failure, now=self.clock.now_ms())
        return await self.complete(self.account.find(task_id))

    def advance(self, seconds: float) -> None:
        """Move the clock of tasks and results forward."""
        self.clock.advance(seconds)
        self.update_statuses()
        self._wake.set()

    # ------------------------------------------------------------------ reading

    def result(self, task: Task) -> dict[str, Any]:
        """``task_result`` of a task that succeeded."""
        return PRODUCTS[task.product].result(task, self.links)

    async def file(self, name: FileName) -> bytes | None:
        """A file of a result or of a preset; ``None`` if no file has this name."""
        task = self.account.task_of_result(name.result_id)
        recipe = task.recipe if task else presets.RECIPES.get(name.result_id)
        return await self._renderer.render(recipe, name) if recipe else None

    def parent(self, task: Task) -> dict[str, Any] | None:
        """``parent_video``: the video that a task, or its session, works on; ``None`` for a task without one."""
        if "parent" not in task.recipe:
            return None
        made = self.account.task_of_result(task.recipe["parent"])
        if made is None:
            return {"id": "", "url": task.recipe.get("parent_url", ""), "duration": ""}
        if not PRODUCTS[made.product].is_task:
            return self.parent(made)
        video: dict[str, Any] = self.result(made)["videos"][0]
        return {key: video[key] for key in ("id", "url", "duration")}

    def ledger(self) -> dict[str, Any]:
        """What was charged for each task, and what is left."""
        account = self.account
        charges = [
            {
                "task_id": task.task_id,
                "external_task_id": task.external_task_id,
                "units": as_text(task.charged),
                **({"dollars": as_text(task.money)} if account.rules.cash else {}),
                "at": task.updated_at,
            }
            for task in account.all_tasks()
            if task.status == "succeed"
        ]
        return {
            "units_bought": as_text(account.rules.units),
            "units_used": as_text(account.units_used()),
            "units_left": as_text(account.units_left()),
            **self._image_pack(),
            "charges": charges,
        }

    def _image_pack(self) -> dict[str, str]:
        """The image pack's part of the ledger, if images have a separate pack."""
        account = self.account
        if account.rules.image_units is None:
            return {}
        return {
            "image_units_bought": as_text(account.rules.image_units),
            "image_units_used": as_text(account.units_used("image")),
            "image_units_left": as_text(account.units_left("image")),
        }
