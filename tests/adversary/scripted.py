"""A server whose responses the test defines, down to single bytes."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

TASK_ID = "179527409186300000"


@dataclass(frozen=True)
class Received:
    """A received request."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Reply:
    """
    What goes back.

    :param body: text, bytes, or anything that becomes JSON.
    :param byte_pause: seconds between two bytes of the body; a slow drip.
    :param delay: seconds before the first byte.
    :param cut: whether the connection ends without an answer; the request was read.
    :param raw: whether ``body`` is the whole answer, status line included.
    """

    body: Any = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    byte_pause: float = 0.0
    delay: float = 0.0
    cut: bool = False
    raw: bool = False

    def parts(self) -> tuple[bytes, bytes]:
        """Head and body."""
        body = self.body if isinstance(self.body, bytes) else str(self.body).encode()
        if not isinstance(self.body, (bytes, str)):
            body = json.dumps(self.body).encode()
        if self.raw:
            return b"", body
        headers = {"Content-Type": "application/json", "Content-Length": str(len(body)), **self.headers}
        lines = [f"HTTP/1.1 {self.status} Scripted", *(f"{name}: {value}" for name, value in headers.items())]
        return "\r\n".join([*lines, "Connection: close", "", ""]).encode(), body


def kling(data: Any = None, *, code: Any = 0, message: Any = "SUCCEED", status: int = 200, **more: Any) -> Reply:
    """An answer in Kling's envelope, with whatever the test puts into it."""
    return Reply({"code": code, "message": message, "request_id": "r-1", "data": data, **more}, status=status)


def task(status: Any = "submitted", **changes: Any) -> dict[str, Any]:
    """A classic task as Kling sends it; ``changes`` replace fields, ``...`` removes one."""
    now = int(time.time() * 1000)
    whole = {
        "task_id": TASK_ID,
        "task_status": status,
        "task_status_msg": "",
        "task_info": {},
        "task_result": {},
        "created_at": now,
        "updated_at": now,
        **changes,
    }
    return {name: value for name, value in whole.items() if value is not ...}


class ScriptedServer:
    """
    Answers each request with what ``answer`` returns for it; listens on loopback for the length of a ``with`` block.

    :param answer: a function from :class:`Received` to :class:`Reply`; or replies for one request after the other, of
        which the last is repeated.
    """

    def __init__(self, response: Callable[[Received], Reply] | Iterable[Reply] | Reply) -> None:
        self._respond = response if callable(response) else self._in_turn(response)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._closing = threading.Event()
        self.received: list[Received] = []

    @staticmethod
    def _in_turn(replies: Iterable[Reply] | Reply) -> Callable[[Received], Reply]:
        waiting = [replies] if isinstance(replies, Reply) else list(replies)
        lock = threading.Lock()

        def response(_request: Received) -> Reply:
            with lock:
                return waiting.pop(0) if len(waiting) > 1 else waiting[0]

        return response

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self._listener.getsockname()[1]}"

    @property
    def url(self) -> str:
        return f"http://{self.host}"

    def posts(self) -> list[Received]:
        """The paid calls that arrived."""
        return [request for request in self.received if request.method == "POST"]

    def __enter__(self) -> Self:
        threading.Thread(target=self._listen, daemon=True).start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._closing.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _listen(self) -> None:
        while not self._closing.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        # A client that gives up in the middle is what many of these tests are about.
        with connection, contextlib.suppress(OSError):
            request = self._read(connection)
            if request is None:
                return
            self.received.append(request)
            self._send(connection, self._respond(request))

    def _read(self, connection: socket.socket) -> Received | None:
        stream = connection.makefile("rb")
        first = stream.readline().decode("latin-1").split()
        if len(first) < 2:
            return None
        headers = {}
        while (line := stream.readline().decode("latin-1").strip()) != "":
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        body = stream.read(int(headers.get("content-length", 0)))
        return Received(first[0], first[1], headers, body)

    def _send(self, connection: socket.socket, reply: Reply) -> None:
        self._closing.wait(reply.delay)
        if reply.cut:
            return
        head, body = reply.parts()
        connection.sendall(head)
        if not reply.byte_pause:
            connection.sendall(body)
            return
        for byte in body:
            if self._closing.wait(reply.byte_pause):
                return
            connection.sendall(bytes([byte]))
