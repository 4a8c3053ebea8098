"""The aiohttp application in front of :class:`.api.Api`, with faults, journal and ``Date`` header."""

from __future__ import annotations

import asyncio
import math
from email.utils import formatdate
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web

from airflow_provider_kling.simulator.api import Api, Request, Response, find_route
from airflow_provider_kling.simulator.control import Control, add_routes
from airflow_provider_kling.simulator.fault_effects import alter_response, replacement_response
from airflow_provider_kling.simulator.faults import REPLACING_KINDS, ArmedFaults, Fault

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_kling.simulator.journal import Journal
    from airflow_provider_kling.simulator.service import Service

#: Bytes of a request body: enough for several images of 10 MB as base64.
MAX_BODY: Final = 256 * 1024 * 1024

#: Replaces a body that cannot be decompressed; not valid JSON.
UNREADABLE: Final = b"\x00"

#: Chunks in which ``drip`` sends a body.
DRIP_CHUNKS: Final = 20


class HttpApp:
    """Receives requests and sends responses, with the effects of faults.

    :param service: the simulated service.
    :param book: the armed faults.
    :param journal: records the requests.
    """

    def __init__(self, service: Service, armed_faults: ArmedFaults, journal: Journal) -> None:
        self._service = service
        self._api = Api(service)
        self._armed_faults = armed_faults
        self._journal = journal

    def application(self, control: Control) -> web.Application:
        """The aiohttp application: the routes of ``control``, and Kling's API on all other paths."""
        prefix = self._service.settings.prefix
        app = web.Application(client_max_size=MAX_BODY)
        add_routes(app.router, prefix, control)
        app.router.add_route("*", f"{prefix}/{{path:.*}}", self._handle)
        return app

    async def _handle(self, http: web.Request) -> web.StreamResponse:
        path = "/" + http.match_info["path"]
        body = await _body(http)
        route = find_route(http.method, path)
        faults = self._armed_faults.take(route)
        now = self._service.clock.now_ms()
        entry = self._journal.record(method=http.method, path=path, query=dict(http.query), body=body, at=now)
        skew = sum(fault.seconds for fault in faults if fault.kind == "clock_skew")
        request = Request(
            route=route,
            query=http.query,
            body=body,
            authorization=http.headers.get("Authorization"),
            range_header=http.headers.get("Range"),
            server_time=self._service.clock.server_time() + skew,
            failure=next((fault.message or "failed by a fault" for fault in faults if fault.kind == "fail_task"), ""),
        )
        await asyncio.sleep(sum(fault.seconds for fault in faults if fault.kind == "delay"))
        response = await self._respond(request, faults, entry)
        if response is None:
            return _abort(http)
        return await _send(http, response, faults, date=request.server_time)

    async def _respond(self, request: Request, faults: Sequence[Fault], entry: dict[str, Any]) -> Response | None:
        """The response to send; ``None`` if the connection is cut instead."""
        entry["faults"] = [fault.kind for fault in faults]
        replacement = next((fault for fault in faults if fault.kind in REPLACING_KINDS), None)
        response: Response | None = None
        if replacement is None or replacement.after_handling:
            response = await self._api.handle(request)
            entry["credential"], entry["task_id"] = response.credential or None, response.task_id or None
            response = alter_response(response, faults)
        if replacement is not None:
            response = None if replacement.kind in {"cut_before", "cut_after"} else replacement_response(replacement)
        entry["status"] = response.status if response else None
        return response


async def _body(http: web.Request) -> bytes:
    """The body, or :data:`UNREADABLE` if its compression does not match its header."""
    try:
        return await http.read()
    except web.RequestPayloadError:
        return UNREADABLE


def _abort(http: web.Request) -> web.StreamResponse:
    if http.transport is not None:
        http.transport.abort()
    # aiohttp tries to write this to the closed connection and ignores the failure.
    return web.Response()


async def _send(http: web.Request, response: Response, faults: Sequence[Fault], *, date: float) -> web.StreamResponse:
    headers = {"Date": formatdate(date, usegmt=True), **response.headers}
    drip = sum(fault.seconds for fault in faults if fault.kind == "drip")
    broken = any(fault.kind == "truncate" for fault in faults)
    if not drip and not broken:
        return web.Response(
            status=response.status, body=response.body, content_type=response.content_type, headers=headers
        )
    headers |= {"Content-Type": response.content_type, "Content-Length": str(len(response.body))}
    stream = web.StreamResponse(status=response.status, headers=headers)
    await stream.prepare(http)
    body = response.body[: len(response.body) // 2] if broken else response.body
    size = max(1, math.ceil(len(body) / DRIP_CHUNKS))
    for start in range(0, len(body), size):
        await stream.write(body[start : start + size])
        await asyncio.sleep(drip / DRIP_CHUNKS)
    if broken:
        # close() and not abort(): the half that was written must arrive.
        if http.transport is not None:
            http.transport.close()
    else:
        await stream.write_eof()
    return stream
