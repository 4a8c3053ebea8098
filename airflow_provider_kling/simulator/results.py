"""Results: their signed URLs, and the rendering of their files at the first download."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import re
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

if TYPE_CHECKING:
    from collections.abc import Callable

#: Rendered files kept in memory; at 5 s and 720p they need less than 100 MB.
MAX_CACHED: Final = 64


_NAME: Final = re.compile(r"([0-9]+)(?:_([0-9]))?(_watermark)?\.(mp4|png|mp3|wav|srt|ass)")

CONTENT_TYPES: Final = {
    "mp4": "video/mp4",
    "png": "image/png",
    "mp3": "audio/mpeg",
    "wav": "audio/wav",
    "srt": "application/x-subrip",
    "ass": "text/x-ssa",
}


@dataclass(frozen=True)
class FileName:
    """The name of a file of a task.

    :param result_id: id of the results of the task.
    :param form: file format, a key of :data:`CONTENT_TYPES`.
    :param index: number of the file among several; ``None`` if there is only one.
    """

    result_id: str
    form: str
    index: int | None = None
    watermark: bool = False

    def __str__(self) -> str:
        index = "" if self.index is None else f"_{self.index}"
        return f"{self.result_id}{index}{'_watermark' if self.watermark else ''}.{self.form}"

    @classmethod
    def parse(cls, text: str) -> FileName | None:
        """The inverse of ``str``; ``None`` if ``text`` is not the name of a result."""
        if (found := _NAME.fullmatch(text)) is None:
            return None
        result_id, index, watermark, form = found.groups()
        return cls(result_id, form, None if index is None else int(index), bool(watermark))


@dataclass(frozen=True)
class Links:
    """Creates and verifies the signed URLs of results.

    :param base_url: base URL of the server.
    :param secret: signs the URLs; it must stay the same after a restart, so that old URLs stay valid.
    :param ttl_ms: milliseconds from the end of a task to the expiry of its URLs.
    """

    base_url: str
    secret: str
    ttl_ms: int

    def url(self, file_name: str, *, ended_at: int) -> str:
        """The URL of a result; every query of the task returns the same."""
        expires = (ended_at + self.ttl_ms) // 1000
        return f"{self.base_url}/results/{file_name}?Expires={expires}&Signature={self._sign(file_name, expires)}"

    def name(self, url: str, *, now: int) -> FileName | None:
        """The file of a URL of this server; ``None`` for any other URL, and for an invalid or expired one."""
        path, _, query = url.partition("?")
        if not path.startswith(f"{self.base_url}/results/"):
            return None
        text, query_values = path.rpartition("/")[2], dict(parse_qsl(query))
        valid = self.is_valid(text, query_values.get("Expires", ""), query_values.get("Signature", ""), now=now)
        return FileName.parse(text) if valid else None

    def is_valid(self, file_name: str, expires: str, signature: str, *, now: int) -> bool:
        """Whether a signature is correct and not expired."""
        if not (expires.isascii() and expires.isdecimal() and len(expires) <= 16):
            return False
        genuine = hmac.compare_digest(self._sign(file_name, int(expires)).encode(), signature.encode())
        return genuine and now < int(expires) * 1000

    def _sign(self, file_name: str, expires: int) -> str:
        text = f"{file_name}\n{expires}".encode()
        return hmac.new(self.secret.encode(), text, hashlib.sha256).hexdigest()


class Renderer:
    """Renders files in threads and caches them.

    Tasks with the same recipe and inputs share one file; simultaneous downloads share one rendering.

    :param make: recipe, inputs by role, name of the file -> content; runs in a thread.
    :param read: content of an input by its key.
    """

    def __init__(
        self,
        make: Callable[[dict[str, Any], dict[str, bytes], FileName], bytes],
        read: Callable[[str], bytes],
    ) -> None:
        self._make = make
        self._read = read
        self._files: OrderedDict[str, asyncio.Future[bytes]] = OrderedDict()
        self._threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="kling-simulator-render")

    async def render(self, recipe: dict[str, Any], name: FileName) -> bytes:
        """The file that ``recipe`` describes; tasks with equal recipes share it."""
        key = json.dumps([recipe, str(replace(name, result_id=""))], sort_keys=True)
        if key not in self._files:
            loop = asyncio.get_running_loop()
            self._files[key] = loop.run_in_executor(self._threads, self._render, recipe, name)
            while len(self._files) > MAX_CACHED:
                self._files.popitem(last=False)
        self._files.move_to_end(key)
        # A client that disconnects must not cancel the rendering that others wait for.
        try:
            return await asyncio.shield(self._files[key])
        except Exception:
            # The next download renders again instead of getting the cached error.
            self._files.pop(key, None)
            raise

    def _render(self, recipe: dict[str, Any], name: FileName) -> bytes:
        inputs = {role: self._read(key) for role, key in recipe.get("inputs", {}).items()}
        return self._make(recipe, inputs, name)

    def close(self) -> None:
        """Cancel what has not started; do not wait for the rest."""
        self._threads.shutdown(wait=False, cancel_futures=True)
