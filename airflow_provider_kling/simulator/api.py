"""Kling's routes: a request in, an answer out. Knows nothing of sockets and faults."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, Literal

from airflow_provider_kling.simulator import billing, presets, ranges, unified, unserved, views
from airflow_provider_kling.simulator.auth import authenticate
from airflow_provider_kling.simulator.envelope import KlingError, accepted, refused
from airflow_provider_kling.simulator.faults import Call
from airflow_provider_kling.simulator.products import PATHS, PRODUCTS, solutions
from airflow_provider_kling.simulator.results import CONTENT_TYPES, FileName
from airflow_provider_kling.simulator.validation import Lenient, bad, bounded

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airflow_provider_kling.simulator.service import Service
    from airflow_provider_kling.simulator.tasks import Task


@dataclass(frozen=True, kw_only=True)
class Request:
    """One HTTP request.

    :param authorization: the header, if there is one.
    :param part: the ``Range`` header, if there is one.
    :param server_time: epoch seconds of the server; a fault can shift it.
    :param failure: text that makes a created task fail; from a fault.
    """

    call: Call
    query: Mapping[str, str]
    body: bytes
    authorization: str | None
    server_time: float
    part: str | None = None
    failure: str = ""


@dataclass(frozen=True)
class Answer:
    """One HTTP answer.

    :param credential: how the caller was known; empty if it was not.
    :param task_id: the task that was created.
    :param headers: further headers.
    """

    status: int
    body: bytes
    content_type: str = "application/json"
    credential: str = ""
    task_id: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


def classify(method: str, path: str) -> Call:
    """What a request is about; product and operation are empty for an unknown route.

    Several slashes mean one, and one at the end means nothing: the examples of Kling's page of elements (read 2026-11)
    post to ``advanced-custom-elements/``, Kling's nodes for ComfyUI (KwaiVGI/ComfyUI-KLingAI-API, read 2026-11) read a
    try-on at ``kolors-virtual-try-on//{id}``, and the framework that Kling's answer to an unknown route shows reads a
    path so.
    """
    path = re.sub("/{2,}", "/", path).rstrip("/") or "/"
    if name := PATHS.get(path):
        return Call(method, path, name, _collection_operation(method, reads=PRODUCTS[name].reads))
    if path in ROUTES:
        product, operations = ROUTES[path]
        return Call(method, path, product, operations.get(method, ""))
    if path.startswith(f"{solutions.PATH}/") and path.count("/") in (2, 3):
        return Call(method, path, solutions.NAME, "create" if method == "POST" else "")
    if path.startswith("/results/"):
        return Call(method, path, "results", "download" if method in {"GET", "HEAD"} else "")
    name = PATHS.get(path.rpartition("/")[0], "")
    if name and PRODUCTS[name].reads and PRODUCTS[name].is_task:
        return Call(method, path, name, "query" if method == "GET" else "")
    return Call(method, path, "", "")


def _collection_operation(method: str, *, reads: bool) -> str:
    if method == "POST":
        return "create"
    return "list" if method == "GET" and reads else ""


#: What is no product: names and operations by path and method.
ROUTES: Final[dict[str, tuple[str, dict[str, str]]]] = {
    "/tasks": ("tasks", {"GET": "query", "POST": "list"}),
    solutions.PATH: (solutions.NAME, {"GET": "query", "POST": "list"}),
    "/account/costs": ("account", {"GET": "costs"}),
    "/account/billing/package": ("account", {"POST": "package"}),
    "/account/billing/balance": ("account", {"POST": "balance"}),
    "/v1/general/presets-voices": ("presets-voices", {"GET": "list"}),
    "/v1/general/advanced-presets-elements": ("advanced-presets-elements", {"GET": "list"}),
    "/v1/general/presets-elements": ("presets-elements", {"GET": "list"}),
}


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
        if answer := SERVICES.get((call.product, call.operation)):
            return answer(self._service, request)
        product = PRODUCTS.get(call.product)
        if product and product.retired and self._service.settings.retired == "refuse":
            # Measured on 2026-09-28; status and code were not reported and are taken to be 400 and 1201.
            raise bad("This API is no longer available")
        if not call.operation:
            raise KlingError(1202)
        if call.operation == "create":
            return await self._create(call.product, request)
        if call.operation == "list":
            return self._list(call.product, request.query)
        return self._view(self._service.account.find(call.path.rpartition("/")[2], product=call.product))

    async def _create(self, product: str, request: Request) -> dict[str, Any]:
        lenient = self._service.settings.scalars == "convert" and not PRODUCTS[product].is_new
        body = _json_object(request.body, Lenient if lenient else None)
        task = self._service.submit(product, body, failure=request.failure)
        if PRODUCTS[product].is_new:
            return views.created_new(task)
        if not PRODUCTS[product].is_task:
            return await self._answered(task)
        if PRODUCTS[product].at_once:
            return views.at_once(await self._service.complete(task), self._service.result)
        return views.created(task, missing_task_info=self._service.settings.missing_task_info)

    async def _answered(self, task: Task) -> dict[str, Any]:
        """The answer of a call that makes no task; an input that cannot be used is a refusal."""
        done = await self._service.complete(task)
        if done.status == "failed":
            raise bad(done.message)
        return self._service.result(done)

    def _view(self, task: Task) -> dict[str, Any]:
        settings = self._service.settings
        return views.classic(
            task,
            self._service.result,
            early_result=settings.early_result,
            missing_task_info=settings.missing_task_info,
            watermark=PRODUCTS[task.product].watermark,
            parent=self._service.parent(task),
        )

    def _list(self, product: str, query: Mapping[str, str]) -> list[dict[str, Any]]:
        page = bounded(query, "pageNum", default=1, high=1000)
        size = bounded(query, "pageSize", default=30, high=PRODUCTS[product].max_page)
        newest_first = self._service.settings.list_order == "newest"
        tasks = self._service.account.all_tasks(product=product, newest_first=newest_first)
        if not PRODUCTS[product].is_task:
            tasks = [task for task in tasks if task.status == "succeed" and not task.recipe.get("deleted")]
        show = self._view if PRODUCTS[product].is_task else self._service.result
        return [show(task) for task in tasks[(page - 1) * size : page * size]]

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
        return self._part(Answer(200, content, CONTENT_TYPES[file.form]), request.part)

    def _part(self, whole: Answer, header: str | None) -> Answer:
        if self._service.settings.ranges == "ignore":
            return whole
        size = len(whole.body)
        try:
            part = ranges.wanted(header, size)
        except ValueError:
            return Answer(416, b"", whole.content_type, headers={"Content-Range": f"bytes */{size}"})
        if part is None:
            return replace(whole, headers={"Accept-Ranges": "bytes"})
        place = f"bytes {part.start}-{part.stop - 1}/{size}"
        return replace(whole, status=206, body=whole.body[part], headers={"Content-Range": place})


def _created_id(data: dict[str, Any]) -> str:
    return str(data.get("task_id") or data.get("id") or "")


def _json_object(body: bytes, kind: type[dict[str, Any]] | None = None) -> dict[str, Any]:
    try:
        value = json.loads(body or b"{}", object_hook=kind)
    except (ValueError, RecursionError):
        # What is nested too deep to be read is no request either.
        raise KlingError(1200) from None
    if not isinstance(value, dict):
        raise KlingError(1200)
    return value


#: Who answers the operations of :data:`ROUTES`.
SERVICES: Final[dict[tuple[str, str], Callable[[Service, Request], Any]]] = {
    ("account", "costs"): lambda service, request: billing.costs(service, request.query),
    ("account", "package"): lambda service, request: billing.package_report(service, _json_object(request.body)),
    ("account", "balance"): lambda service, request: billing.balance_report(service, _json_object(request.body)),
    ("tasks", "query"): lambda service, request: unified.query(service, request.query),
    ("tasks", "list"): lambda service, request: unified.listing(service, _json_object(request.body)),
    ("solutions", "query"): lambda service, request: unified.query(service, request.query, unified.SOLUTIONS),
    ("solutions", "list"): lambda service, request: unified.listing(
        service, _json_object(request.body), unified.SOLUTIONS
    ),
    ("presets-voices", "list"): lambda service, request: presets.voices(service, request.query),
    ("advanced-presets-elements", "list"): lambda service, request: presets.elements(service, request.query),
    ("presets-elements", "list"): lambda service, request: presets.old_elements(service, request.query),
}
