"""Kling's routes: turns a request into a response. Knows nothing of sockets and faults."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, Literal

from airflow_provider_kling.simulator import billing, presets, ranges, unknown_paths, v2_tasks, views
from airflow_provider_kling.simulator.auth import authenticate
from airflow_provider_kling.simulator.envelope import KlingError, error_body, success_body
from airflow_provider_kling.simulator.faults import Route
from airflow_provider_kling.simulator.products import PATHS, PRODUCTS, solutions
from airflow_provider_kling.simulator.results import CONTENT_TYPES, FileName
from airflow_provider_kling.simulator.validation import LenientObject, invalid, query_number

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airflow_provider_kling.simulator.service import Service
    from airflow_provider_kling.simulator.tasks import Task


@dataclass(frozen=True, kw_only=True)
class Request:
    """One HTTP request.

    :param authorization: the header, if there is one.
    :param range_header: the ``Range`` header, if there is one.
    :param server_time: epoch seconds of the server; a fault can shift it.
    :param failure: text that makes a created task fail; from a fault.
    """

    route: Route
    query: Mapping[str, str]
    body: bytes
    authorization: str | None
    server_time: float
    range_header: str | None = None
    failure: str = ""


@dataclass(frozen=True)
class Response:
    """One HTTP response.

    :param credential: ``api_key`` or ``jwt``; empty if authentication failed.
    :param task_id: id of the created task.
    :param headers: further headers.
    """

    status: int
    body: bytes
    content_type: str = "application/json"
    credential: str = ""
    task_id: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


def find_route(method: str, path: str) -> Route:
    """Match a request to its product and operation; both are empty for an unknown route.

    Repeated and trailing slashes are ignored: the examples of Kling's page of elements (read 2026-11) post to
    ``advanced-custom-elements/``, Kling's nodes for ComfyUI (KwaiVGI/ComfyUI-KLingAI-API, read 2026-11) query
    ``kolors-virtual-try-on//{id}``, and the web framework that Kling's 404 response shows treats paths this way.
    """
    path = re.sub("/{2,}", "/", path).rstrip("/") or "/"
    if name := PATHS.get(path):
        return Route(method, path, name, _collection_operation(method, reads=PRODUCTS[name].reads))
    if path in OTHER_ROUTES:
        product, operations = OTHER_ROUTES[path]
        return Route(method, path, product, operations.get(method, ""))
    if path.startswith(f"{solutions.PATH}/") and path.count("/") in (2, 3):
        return Route(method, path, solutions.NAME, "create" if method == "POST" else "")
    if path.startswith("/results/"):
        return Route(method, path, "results", "download" if method in {"GET", "HEAD"} else "")
    name = PATHS.get(path.rpartition("/")[0], "")
    if name and PRODUCTS[name].reads and PRODUCTS[name].is_task:
        return Route(method, path, name, "query" if method == "GET" else "")
    return Route(method, path, "", "")


def _collection_operation(method: str, *, reads: bool) -> str:
    if method == "POST":
        return "create"
    return "list" if method == "GET" and reads else ""


#: Paths that belong to no product: the name, and the operation by HTTP method.
OTHER_ROUTES: Final[dict[str, tuple[str, dict[str, str]]]] = {
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
    """Handles requests with a service."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def handle(self, request: Request) -> Response:
        """Return the response to a request; errors become responses too."""
        if request.route.operation == "download":
            return await self._download(request)
        if not request.route.product and not unknown_paths.is_known(request.route.path):
            return Response(404, json.dumps(unknown_paths.not_found(request.route.path)).encode())
        credential, task_id = "", ""
        try:
            credential = self._authenticate(request)
            if not request.route.product:
                return self._not_simulated(request.route, credential)
            status, payload = 200, success_body(await self._response_data(request))
            task_id = _created_id(payload["data"]) if request.route.operation == "create" else ""
        except KlingError as error:
            status, payload = error.http_status, error_body(error)
        return Response(status, json.dumps(payload).encode(), credential=credential, task_id=task_id)

    def _not_simulated(self, route: Route, credential: str) -> Response:
        """The response to a path that Kling serves and the simulator does not."""
        unknown_paths.refuse_unknown_model(route.method, route.path)
        return Response(
            501, json.dumps(unknown_paths.not_simulated(route.method, route.path)).encode(), credential=credential
        )

    def _authenticate(self, request: Request) -> str:
        paths: Literal["classic", "v2", "relay"] = "v2" if unknown_paths.is_v2(request.route.path) else "classic"
        if self._service.settings.prefix:
            paths = "relay"
        return authenticate(request.authorization, self._service.credentials, now=request.server_time, paths=paths)

    async def _response_data(self, request: Request) -> Any:
        self._service.update_statuses()
        route = request.route
        if handler := HANDLERS.get((route.product, route.operation)):
            return handler(self._service, request)
        product = PRODUCTS.get(route.product)
        if product and product.retired and self._service.settings.retired == "refuse":
            # Text measured on 2026-09-28; status 400 and code 1201 are assumptions.
            raise invalid("This API is no longer available")
        if not route.operation:
            raise KlingError(1202)
        if route.operation == "create":
            return await self._create(route.product, request)
        if route.operation == "list":
            return self._list(route.product, request.query)
        return self._view(self._service.account.find(route.path.rpartition("/")[2], product=route.product))

    async def _create(self, product: str, request: Request) -> dict[str, Any]:
        lenient = self._service.settings.scalars == "convert" and not PRODUCTS[product].is_v2
        body = _json_object(request.body, LenientObject if lenient else None)
        task = self._service.submit(product, body, failure=request.failure)
        if PRODUCTS[product].is_v2:
            return views.created_new(task)
        if not PRODUCTS[product].is_task:
            return await self._result_body(task)
        if PRODUCTS[product].at_once:
            return views.at_once(await self._service.complete(task), self._service.result)
        return views.created(task, missing_task_info=self._service.settings.missing_task_info)

    async def _result_body(self, task: Task) -> dict[str, Any]:
        """``data`` of a call that creates no task; an unusable input is an error response."""
        done = await self._service.complete(task)
        if done.status == "failed":
            raise invalid(done.message)
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
        page = query_number(query, "pageNum", default=1, high=1000)
        size = query_number(query, "pageSize", default=30, high=PRODUCTS[product].max_page)
        newest_first = self._service.settings.list_order == "newest"
        tasks = self._service.account.all_tasks(product=product, newest_first=newest_first)
        if not PRODUCTS[product].is_task:
            tasks = [task for task in tasks if task.status == "succeed" and not task.recipe.get("deleted")]
        show = self._view if PRODUCTS[product].is_task else self._service.result
        return [show(task) for task in tasks[(page - 1) * size : page * size]]

    async def _download(self, request: Request) -> Response:
        name = request.route.path.removeprefix("/results/")
        expires, signature = request.query.get("Expires", ""), request.query.get("Signature", "")
        now = self._service.clock.now_ms()
        if not self._service.links.is_valid(name, expires, signature, now=now):
            return Response(403, b"Forbidden\n", "text/plain")
        file = FileName.parse(name)
        content = await self._service.file(file) if file else None
        if file is None or content is None:
            return Response(404, b"Not Found\n", "text/plain")
        return self._partial_response(Response(200, content, CONTENT_TYPES[file.form]), request.range_header)

    def _partial_response(self, whole: Response, header: str | None) -> Response:
        if self._service.settings.ranges == "ignore":
            return whole
        size = len(whole.body)
        try:
            requested = ranges.parse_range(header, size)
        except ValueError:
            return Response(416, b"", whole.content_type, headers={"Content-Range": f"bytes */{size}"})
        if requested is None:
            return replace(whole, headers={"Accept-Ranges": "bytes"})
        content_range = f"bytes {requested.start}-{requested.stop - 1}/{size}"
        return replace(whole, status=206, body=whole.body[requested], headers={"Content-Range": content_range})


def _created_id(data: dict[str, Any]) -> str:
    return str(data.get("task_id") or data.get("id") or "")


def _json_object(body: bytes, kind: type[dict[str, Any]] | None = None) -> dict[str, Any]:
    try:
        value = json.loads(body or b"{}", object_hook=kind)
    except (ValueError, RecursionError):
        # RecursionError: JSON that is nested too deep.
        raise KlingError(1200) from None
    if not isinstance(value, dict):
        raise KlingError(1200)
    return value


#: Handlers of the operations of :data:`OTHER_ROUTES`.
HANDLERS: Final[dict[tuple[str, str], Callable[[Service, Request], Any]]] = {
    ("account", "costs"): lambda service, request: billing.costs(service, request.query),
    ("account", "package"): lambda service, request: billing.package_report(service, _json_object(request.body)),
    ("account", "balance"): lambda service, request: billing.balance_report(service, _json_object(request.body)),
    ("tasks", "query"): lambda service, request: v2_tasks.query(service, request.query),
    ("tasks", "list"): lambda service, request: v2_tasks.list_tasks(service, _json_object(request.body)),
    ("solutions", "query"): lambda service, request: v2_tasks.query(service, request.query, v2_tasks.SOLUTIONS),
    ("solutions", "list"): lambda service, request: v2_tasks.list_tasks(
        service, _json_object(request.body), v2_tasks.SOLUTIONS
    ),
    ("presets-voices", "list"): lambda service, request: presets.voices(service, request.query),
    ("advanced-presets-elements", "list"): lambda service, request: presets.elements(service, request.query),
    ("presets-elements", "list"): lambda service, request: presets.old_elements(service, request.query),
}
