"""Kling's routes: a request in, an answer out. Knows nothing of sockets and faults."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from airflow_provider_kling.simulator import unified, unserved, views
from airflow_provider_kling.simulator.auth import authenticate
from airflow_provider_kling.simulator.envelope import KlingError, accepted, refused
from airflow_provider_kling.simulator.faults import Call
from airflow_provider_kling.simulator.prices import as_text
from airflow_provider_kling.simulator.products import PATHS, PRODUCTS
from airflow_provider_kling.simulator.results import CONTENT_TYPES, FileName
from airflow_provider_kling.simulator.validation import bad

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_kling.simulator.service import Service
    from airflow_provider_kling.simulator.tasks import Task

#: The pack is valid for a year: a test that advances the clock by months is not about expired packs.
PACK_VALID_MS: Final = 365 * 24 * 3600 * 1000

#: Longer numbers are no page and no time, and Python refuses to convert the very long ones.
MAX_DIGITS: Final = 16


@dataclass(frozen=True, kw_only=True)
class Request:
    """One HTTP request.

    :param authorization: the header, if there is one.
    :param server_time: epoch seconds of the server; a fault can shift it.
    :param failure: text that makes a created task fail; from a fault.
    """

    call: Call
    query: Mapping[str, str]
    body: bytes
    authorization: str | None
    server_time: float
    failure: str = ""


@dataclass(frozen=True)
class Answer:
    """One HTTP answer.

    :param credential: how the caller was known; empty if it was not.
    :param task_id: the task that was created.
    """

    status: int
    body: bytes
    content_type: str = "application/json"
    credential: str = ""
    task_id: str = ""


def classify(method: str, path: str) -> Call:
    """What a request is about; product and operation are empty for an unknown route."""
    if name := PATHS.get(path):
        return Call(method, path, name, _collection_operation(method, reads=PRODUCTS[name].reads))
    parent, _, _any_id = path.rpartition("/")
    if (name := PATHS.get(parent)) and PRODUCTS[name].reads:
        return Call(method, path, name, "query" if method == "GET" else "")
    if path == "/tasks":
        return Call(method, path, "tasks", {"GET": "query", "POST": "list"}.get(method, ""))
    if path == "/account/costs":
        return Call(method, path, "account", "costs" if method == "GET" else "")
    if path.startswith("/results/"):
        return Call(method, path, "results", "download" if method in {"GET", "HEAD"} else "")
    return Call(method, path, "", "")


def _collection_operation(method: str, *, reads: bool) -> str:
    if method == "POST":
        return "create"
    return "list" if method == "GET" and reads else ""


class Api:
    """Answers requests on behalf of a service."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def answer(self, request: Request) -> Answer:
        """Answer one request; refusals are answers too."""
        if request.call.operation == "download":
            return await self._download(request)
        if not request.call.product and not unserved.is_known(request.call.path):
            return Answer(404, json.dumps(unserved.not_found(request.call.path)).encode())
        credential, task_id = "", ""
        try:
            credential = self._authenticate(request)
            if not request.call.product:
                return self._unserved(request.call, credential)
            status, payload = 200, accepted(await self._data(request))
            task_id = _created_id(payload["data"]) if request.call.operation == "create" else ""
        except KlingError as error:
            status, payload = error.http_status, refused(error)
        return Answer(status, json.dumps(payload).encode(), credential=credential, task_id=task_id)

    def _unserved(self, call: Call, credential: str) -> Answer:
        """The answer to a product that has a path at Kling and none here."""
        unserved.refuse_retired(call.path)
        unserved.refuse_unknown_model(call.method, call.path)
        return Answer(501, json.dumps(unserved.not_simulated(call.method, call.path)).encode(), credential=credential)

    def _authenticate(self, request: Request) -> str:
        paths: Literal["classic", "new", "relay"] = "new" if unserved.is_new(request.call.path) else "classic"
        if self._service.settings.prefix:
            paths = "relay"
        return authenticate(request.authorization, self._service.credentials, now=request.server_time, paths=paths)

    async def _data(self, request: Request) -> Any:
        self._service.settle()
        call = request.call
        match (call.product, call.operation):
            case ("account", "costs"):
                return self._costs(request.query)
            case ("tasks", "query"):
                return unified.query(self._service, request.query)
            case ("tasks", "list"):
                return unified.listing(self._service, _json_object(request.body))
            case (product, "create"):
                return await self._create(product, request)
            case (product, "query"):
                any_id = call.path.rpartition("/")[2]
                return self._view(self._service.account.find(any_id, product=product))
            case (product, "list"):
                return self._list(product, request.query)
            case _:
                raise KlingError(1202)

    async def _create(self, product: str, request: Request) -> dict[str, Any]:
        task = self._service.submit(product, _json_object(request.body), failure=request.failure)
        if PRODUCTS[product].is_new:
            return views.created_new(task)
        if PRODUCTS[product].at_once:
            return views.at_once(await self._service.complete(task), self._service.result)
        return views.created(task, missing_task_info=self._service.settings.missing_task_info)

    def _view(self, task: Task) -> dict[str, Any]:
        early = self._service.settings.early_result
        return views.classic(task, self._service.result, early_result=early)

    def _list(self, product: str, query: Mapping[str, str]) -> list[dict[str, Any]]:
        page = _bounded(query, "pageNum", default=1, high=1000)
        size = _bounded(query, "pageSize", default=30, high=500)
        newest_first = self._service.settings.list_order == "newest"
        tasks = self._service.account.all_tasks(product=product, newest_first=newest_first)
        return [self._view(task) for task in tasks[(page - 1) * size : page * size]]

    def _costs(self, query: Mapping[str, str]) -> dict[str, Any]:
        for name in ("start_time", "end_time"):
            _bounded(query, name, default=None, high=10**15)
        account = self._service.account
        left = account.units_left()
        months, slots = PACK_VALID_MS // (30 * 24 * 3600 * 1000), account.rules.concurrency
        pack = {
            "resource_pack_name": f"Trial-Video-{as_text(account.rules.units)}Units-{slots}Con-{months}Months",
            "resource_pack_id": "60aa3fd3d4ab4a3f9eec5db27aa44f28",
            "resource_pack_type": "decreasing_total",
            "total_quantity": float(account.rules.units),
            "remaining_quantity": max(0.0, float(left)),
            "purchase_time": account.opened_at,
            "effective_time": account.opened_at,
            "invalid_time": account.opened_at + PACK_VALID_MS,
            "status": "online" if left > 0 else "runOut",
        }
        wanted = query.get("resource_pack_name")
        packs = [pack] if wanted in {None, "", pack["resource_pack_name"]} else []
        # Without packs the key is absent, not empty.
        found = {"resource_pack_subscribe_infos": packs} if packs else {}
        return {"code": 0, "msg": "success", **found}

    async def _download(self, request: Request) -> Answer:
        name = request.call.path.removeprefix("/results/")
        expires, signature = request.query.get("Expires", ""), request.query.get("Signature", "")
        now = self._service.clock.now_ms()
        if not self._service.links.permits(name, expires, signature, now=now):
            return Answer(403, b"Forbidden\n", "text/plain")
        file = FileName.parse(name)
        content = await self._service.file(file) if file else None
        if file is None or content is None:
            return Answer(404, b"Not Found\n", "text/plain")
        return Answer(200, content, CONTENT_TYPES[file.form])


def _created_id(data: dict[str, Any]) -> str:
    return str(data.get("task_id") or data.get("id") or "")


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body or b"{}")
    except ValueError:
        raise KlingError(1200) from None
    if not isinstance(value, dict):
        raise KlingError(1200)
    return value


def _bounded(query: Mapping[str, str], name: str, *, default: int | None, high: int) -> int:
    text = query.get(name)
    if text is None:
        if default is None:
            raise bad(f"{name} is required")
        return default
    if not (text.isascii() and text.isdecimal() and len(text) <= MAX_DIGITS) or not 1 <= int(text) <= high:
        raise bad(f"{name} value '{text}' is invalid")
    return int(text)
