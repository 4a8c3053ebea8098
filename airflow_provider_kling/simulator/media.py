"""The inputs of a task: fetched and decoded after the task was accepted, so that bad ones fail it later, as on Kling.

Magic words: a prompt that contains one of :data:`MAGIC_WORDS` fails with the text beside it.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import io
from typing import TYPE_CHECKING, Final

import aiohttp
from PIL import Image, UnidentifiedImageError

from airflow_provider_kling.simulator.validation import MAX_IMAGE_BYTES, is_url

if TYPE_CHECKING:
    from pathlib import Path

RISK_CONTROL: Final = "Failure to pass the risk control system"
INTERNAL_ERROR: Final = "Internal error, please contact Kling customer service."
UNREACHABLE: Final = "Something went wrong when we tried to get the contents of the file."
TOO_SMALL: Final = "Image pixel is invalid"
WRONG_FORMAT: Final = "Image format is invalid"
WRONG_SHAPE: Final = (
    "The resolution or aspect ratio of the input image is invalid. Please ensure it meets the required specifications."
)

MAGIC_WORDS: Final[dict[str, str]] = {
    "simulate-risk-control": RISK_CONTROL,
    "simulate-internal-error": INTERNAL_ERROR,
}

MIN_SIDE: Final = 300
MAX_RATIO: Final = 2.5
FETCH_TIMEOUT: Final = aiohttp.ClientTimeout(total=30)


class InputError(Exception):
    """An input that makes its task fail; the text is Kling's."""


def magic_failure(prompt: str) -> str:
    """The failure that a magic word in ``prompt`` asks for; empty without one."""
    return next((message for word, message in MAGIC_WORDS.items() if word in prompt), "")


def check_image(content: bytes) -> None:
    """Decode an image: a file that breaks off must fail its task, not the making of its result.

    :raises InputError: not JPEG or PNG, broken, a side under 300 pixels, or longer than 2.5 to 1.
    """
    try:
        with Image.open(io.BytesIO(content), formats=("JPEG", "PNG")) as opened:
            width, height = opened.size
            opened.load()
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        raise InputError(WRONG_FORMAT) from None
    if min(width, height) < MIN_SIDE:
        raise InputError(TOO_SMALL)
    if max(width, height) > MAX_RATIO * min(width, height):
        raise InputError(WRONG_SHAPE)


async def fetch(url: str, session: aiohttp.ClientSession) -> bytes:
    """The content of a URL.

    :raises InputError: unreachable or larger than 10 MB.
    """
    try:
        async with session.get(url, timeout=FETCH_TIMEOUT) as response:
            response.raise_for_status()
            content = await response.content.read(MAX_IMAGE_BYTES + 1)
            while len(content) <= MAX_IMAGE_BYTES and (more := await response.content.read(MAX_IMAGE_BYTES)):
                content += more
    except (aiohttp.ClientError, TimeoutError, ValueError, OSError):
        raise InputError(UNREACHABLE) from None
    if len(content) > MAX_IMAGE_BYTES:
        raise InputError(WRONG_SHAPE)
    return content


class ContentStore:
    """Inputs by the SHA-256 of their content, in memory and, if asked, in a directory.

    :param directory: keeps the contents across restarts.
    """

    def __init__(self, directory: Path | None = None) -> None:
        self._contents: dict[str, bytes] = {}
        self._checked: set[str] = set()
        self._directory = directory

    def hold(self, source: str) -> str:
        """Keep base64 as content and return its key; a URL stays what it is."""
        return source if is_url(source) else self.put(base64.b64decode(source))

    async def load(self, source: str, session: aiohttp.ClientSession) -> str:
        """Fetch and check what :meth:`hold` returned; return the key of its content.

        :raises InputError: unreachable, too large or not an acceptable image.
        """
        key = self.put(await fetch(source, session)) if is_url(source) else source
        if key not in self._checked:
            await asyncio.to_thread(check_image, self.get(key))
            self._checked.add(key)
        return key

    def put(self, content: bytes) -> str:
        """Keep ``content``; return its key."""
        key = hashlib.sha256(content).hexdigest()
        if key not in self._contents:
            self._contents[key] = content
            if self._directory is not None:
                self._directory.mkdir(parents=True, exist_ok=True)
                (self._directory / key).write_bytes(content)
        return key

    def get(self, key: str) -> bytes:
        """The content of a key that :meth:`put` returned, in this process or an earlier one."""
        if key not in self._contents:
            if self._directory is None:
                raise KeyError(key)
            self._contents[key] = (self._directory / key).read_bytes()
        return self._contents[key]
