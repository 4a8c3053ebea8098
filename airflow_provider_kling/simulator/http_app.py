"""The HTTP application: aiohttp in front of :class:`.api.Api`, with faults, journal and ``Date`` header."""

from __future__ import annotations

import asyncio
import math
from email.utils import formatdate
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web

from airflow_provider_kling.simulator.api import Answer, Api, Request, classify
from airflow_provider_kling.simulator.control import Control, add_routes
from airflow_provider_kling.simulator.fault_effects import alter_answer, replacement_answer
from airflow_provider_kling.simulator.faults import ANSWERS, Fault, FaultBook

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_kling.simulator.journal import Journal
    from airflow_provider_kling.simulator.service import Service

#: Several images of 10 MB, as base64, in one body.
MAX_BODY: Final = 256 * 1024 * 1024

#: Stands for a body that cannot be unpacked.
UNREADABLE: Final = b"\x00"

#: Pieces in which a dripping body arrives.
DRIPS: Final = 20


class HttpApp:
    """Receives requests and sends answers, or what a fault makes of them.

    :param service: who answers.
    :param book: the armed faults.
    :param journal: where requests are noted.
    """

    def __init__(self, service: Service, book: FaultBook, journal: Journal) -> None:
        self._service = service
        self._api = Api(service)
        self._book = book
        self._journal = journal

    def application(self, control: Control) -> web.Application:
        """The aiohttp application: the routes of ``control``, and everything else is Kling."""
        prefix = self._service.settings.prefix
        app = web.Application(client_max_size=MAX_BODY)
        add_routes(app.router, prefix, control)
        app.router.add_route("*", f"{prefix}/{{path:.*}}", self._handle)
        return app

    async def _handle(self, http: web.Request) -> web.StreamResponse:
        path = "/" + http.match_info["path"]
        body = await _body(http)
        call = classify(http.method, path)
        faults = self._book.take(call)
        now = self._service.clock.now_ms()
        entry = self._journal.note(method=http.method, path=path, query=dict(http.query), body=body, at=now)
        skew = sum(fault.seconds for fault in faults if fault.kind == "clock_skew")
        request = Request(
            call=call,
            query=http.query,
            body=body,
            authorization=http.headers.get("Authorization"),
            part=http.headers.get("Range"),
            server_time=self._service.clock.server_time() + skew,
            failure=next((fault.message or "failed on command" for fault in faults if fault.kind == "fail_task"), ""),
        )
        await asyncio.sleep(sum(fault.seconds for fault in faults if fault.kind == "delay"))
        answer = await self._answer(request, faults, entry)
        if answer is None:
            return _cut(http)
        return await _send(http, answer, faults, date=request.server_time)

    async def _answer(self, request: Request, faults: Sequence[Fault], entry: dict[str, Any]) -> Answer | None:
        """The answer to send; ``None`` if the connection is cut instead."""
        entry["faults"] = [fault.kind for fault in faults]
        instead = next((fault for fault in faults if fault.kind in ANSWERS), None)
        answer: Answer | None = None
        if instead is None or instead.after_handling:
            answer = await self._api.answer(request)
            entry["credential"], entry["task_id"] = answer.credential or None, answer.task_id or None
            answer = alter_answer(answer, faults)
        if instead is not None:
            answer = None if instead.kind in {"cut_before", "cut_after"} else replacement_answer(instead)
        entry["status"] = answer.status if answer else None
        return answer


async def _body(http: web.Request) -> bytes:
    """The body; one that is not packed as its header says is no JSON."""
    try:
        return await http.read()
    except web.RequestPayloadError:
        return UNREADABLE


def _cut(http: web.Request) -> web.StreamResponse:
    if http.transport is not None:
        http.transport.abort()
    # aiohttp tries to write this into the dead connection and gives up quietly.
    return web.Response()


async def _send(http: web.Request, answer: Answer, faults: Sequence[Fault], *, date: float) -> web.StreamResponse:
    headers = {"Date": formatdate(date, usegmt=True), **answer.headers}
    drip = sum(fault.seconds for fault in faults if fault.kind == "drip")
    broken = any(fault.kind == "truncate" for fault in faults)
    if not drip and not broken:
        return web.Response(status=answer.status, body=answer.body, content_type=answer.content_type, headers=headers)
    headers |= {"Content-Type": answer.content_type, "Content-Length": str(len(answer.body))}
    response = web.StreamResponse(status=answer.status, headers=headers)
    await response.prepare(http)
    body = answer.body[: len(answer.body) // 2] if broken else answer.body
    size = max(1, math.ceil(len(body) / DRIPS))
    for start in range(0, len(body), size):
        await response.write(body[start : start + size])
        await asyncio.sleep(drip / DRIPS)
    if broken:
        # Closed, not aborted: the half that was sent must arrive.
        if http.transport is not None:
            http.transport.close()
    else:
        await response.write_eof()
    return response
