"""Callbacks: posts the task object on every change of status, signed if the account has a webhook secret.

Kling documentation, callbacks: signatures follow Standard Webhooks. Retries, order and timeouts are not documented;
here the callbacks of one task keep their order, and a delivery without a 2xx response within 5 s is retried.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import time
import uuid
from collections import defaultdict, deque
from typing import TYPE_CHECKING, Any, Final

import aiohttp

if TYPE_CHECKING:
    from airflow_provider_kling.simulator.tasks import Task

TIMEOUT: Final = aiohttp.ClientTimeout(total=5)

#: Seconds before the first retry; doubled for each further one.
FIRST_BACKOFF: Final = 1.0

#: Deliveries that are kept for the control route.
REMEMBERED: Final = 10_000


def sign(secret: str, *, message_id: str, timestamp: str, body: bytes) -> str:
    """Value of ``webhook-signature``.

    :param secret: ``whsec_`` and base64.
    """
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


class Callbacks:
    """Delivers status changes in the background.

    :param secret: webhook secret; empty sends unsigned callbacks.
    :param retries: attempts after the first.
    :param backoff_scale: multiplies the backoff between attempts.
    """

    def __init__(self, *, secret: str, retries: int, backoff_scale: float) -> None:
        self._secret = secret
        self._retries = retries
        self._backoff_scale = backoff_scale
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._running: set[asyncio.Task[None]] = set()
        self.deliveries: deque[dict[str, Any]] = deque(maxlen=REMEMBERED)

    def send(self, task: Task, body: dict[str, Any], session: aiohttp.ClientSession) -> None:
        """Start to deliver ``body``, the current state of ``task``."""
        delivery = asyncio.create_task(self._deliver(task.task_id, task.status, task.callback_url or "", body, session))
        self._running.add(delivery)
        delivery.add_done_callback(self._running.discard)

    async def _deliver(
        self, task_id: str, status: str, url: str, body: dict[str, Any], session: aiohttp.ClientSession
    ) -> None:
        try:
            await self._attempt(task_id, status, url, body, session)
        finally:
            # The last callback of the task: locks must not accumulate.
            if status in {"succeed", "failed"}:
                self._locks.pop(task_id, None)

    async def _attempt(
        self, task_id: str, status: str, url: str, body: dict[str, Any], session: aiohttp.ClientSession
    ) -> None:
        # Kling's message ids are integers of at most 19 digits.
        message_id = str(uuid.uuid4().int >> 65)
        raw = json.dumps(body, separators=(",", ":")).encode()
        async with self._locks[task_id]:
            for attempt in range(self._retries + 1):
                if attempt:
                    await asyncio.sleep(FIRST_BACKOFF * 2 ** (attempt - 1) * self._backoff_scale)
                outcome = await self._post(url, raw, message_id, session)
                self.deliveries.append(
                    {"url": url, "task_id": task_id, "task_status": status,
                     "attempt": attempt + 1, "answer": outcome}
                )  # fmt: skip
                if isinstance(outcome, int) and 200 <= outcome < 300:
                    return

    async def _post(self, url: str, raw: bytes, message_id: str, session: aiohttp.ClientSession) -> int | str:
        headers = {"Content-Type": "application/json; charset=utf-8"}
        if self._secret:
            # Signed again for every attempt: receivers reject timestamps older than 5 minutes.
            timestamp = str(int(time.time()))
            signature = sign(self._secret, message_id=message_id, timestamp=timestamp, body=raw)
            headers |= {
                "webhook-id": message_id,
                "webhook-timestamp": timestamp,
                "webhook-signature": signature,
            }
        try:
            async with session.post(url, data=raw, headers=headers, timeout=TIMEOUT) as response:
                return response.status
        except (aiohttp.ClientError, TimeoutError, ValueError, OSError) as error:
            return type(error).__name__

    async def close(self) -> None:
        """Cancel the deliveries that are still running."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
