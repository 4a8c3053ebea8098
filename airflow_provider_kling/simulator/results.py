"""Results: their signed URLs, and the rendering behind them, late and once per content."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_kling.simulator.tasks import Task

#: Rendered files kept in memory; at 5 s and 720p that is well under 100 MB.
MAX_CACHED: Final = 64


@dataclass(frozen=True)
class Links:
    """Makes and checks the URLs of results.

    :param base_url: where the server is reached.
    :param secret: signs the URLs; the same after a restart, so that old links live on.
    :param ttl_ms: milliseconds from the end of a task to the expiry of its links.
    """

    base_url: str
    secret: str
    ttl_ms: int

    def url(self, file_name: str, *, ended_at: int) -> str:
        """A URL of a result; equal for every query of the same task."""
        expires = (ended_at + self.ttl_ms) // 1000
        return f"{self.base_url}/results/{file_name}?Expires={expires}&Signature={self._sign(file_name, expires)}"

    def permits(self, file_name: str, expires: str, signature: str, *, now: int) -> bool:
        """Whether a link is genuine and not expired."""
        if not (expires.isascii() and expires.isdecimal() and len(expires) <= 16):
            return False
        genuine = hmac.compare_digest(self._sign(file_name, int(expires)).encode(), signature.encode())
        return genuine and now < int(expires) * 1000

    def _sign(self, file_name: str, expires: int) -> str:
        text = f"{file_name}\n{expires}".encode()
        return hmac.new(self.secret.encode(), text, hashlib.sha256).hexdigest()


def measured_duration(task: Task) -> str:
    """Length of the file in seconds: one frame more than ordered, so 5 s at 24 frames are ``5.041``."""
    fps = task.recipe["fps"]
    milliseconds = (task.recipe["duration"] * fps + 1) * 1000 // fps
    return f"{milliseconds // 1000}.{milliseconds % 1000:03d}"


def video_result(task: Task, links: Links) -> dict[str, Any]:
    """``task_result`` of a video."""
    video = {
        "id": task.result_id,
        "url": links.url(f"{task.result_id}.mp4", ended_at=task.updated_at),
        "duration": measured_duration(task),
    }
    if task.watermark:
        video["watermark_url"] = links.url(f"{task.result_id}_watermark.mp4", ended_at=task.updated_at)
    return {"videos": [video]}


class Renderer:
    """Renders recipes in threads, each content once.

    A thousand tasks with one image share one file; two downloads at the same time share one rendering.

    :param make: recipe, inputs by role, whether watermarked -> file; runs in a thread.
    :param read: content of an input by its key.
    """

    def __init__(
        self,
        make: Callable[[dict[str, Any], dict[str, bytes], bool], bytes],
        read: Callable[[str], bytes],
    ) -> None:
        self._make = make
        self._read = read
        self._files: OrderedDict[str, asyncio.Future[bytes]] = OrderedDict()
        self._threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="kling-simulator-render")

    async def render(self, recipe: dict[str, Any], *, watermark: bool) -> bytes:
        """The file that ``recipe`` describes."""
        key = json.dumps([recipe, watermark], sort_keys=True)
        if key not in self._files:
            loop = asyncio.get_running_loop()
            self._files[key] = loop.run_in_executor(self._threads, self._work, recipe, watermark)
            while len(self._files) > MAX_CACHED:
                self._files.popitem(last=False)
        self._files.move_to_end(key)
        # A client that hangs up must not cancel the rendering that others wait for.
        try:
            return await asyncio.shield(self._files[key])
        except Exception:
            # The next download tries again instead of meeting the same error for ever.
            self._files.pop(key, None)
            raise

    def _work(self, recipe: dict[str, Any], watermark: bool) -> bytes:
        inputs = {role: self._read(key) for role, key in recipe.get("inputs", {}).items()}
        return self._make(recipe, inputs, watermark)

    def close(self) -> None:
        """Drop what has not begun; do not wait for the rest."""
        self._threads.shutdown(wait=False, cancel_futures=True)
