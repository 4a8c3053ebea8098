"""Fetches and decodes the inputs of accepted tasks, so that an invalid input makes its task fail later, as on Kling.

The texts for an unreadable video or sound were not observed; their lengths and sizes are not checked.

A task whose prompt contains one of :data:`MAGIC_WORDS` fails with the message of that word.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import io
from typing import TYPE_CHECKING, Final

import aiohttp
import av
from PIL import Image, UnidentifiedImageError

from airflow_provider_kling.simulator.validation import MAX_IMAGE_BYTES, MAX_LARGE_IMAGE_BYTES, is_url

if TYPE_CHECKING:
    from pathlib import Path

RISK_CONTROL: Final = "Failure to pass the risk control system"
INTERNAL_ERROR: Final = "Internal error, please contact Kling customer service."
UNREACHABLE: Final = "Something went wrong when we tried to get the contents of the file."
TOO_SMALL: Final = "Image pixel is invalid"
WRONG_FORMAT: Final = "Image format is invalid"
WRONG_VIDEO: Final = "Video format is invalid"
WRONG_SOUND: Final = "Audio format is invalid"
WRONG_SHAPE: Final = (
    "The resolution or aspect ratio of the input image is invalid. Please ensure it meets the required specifications."
)

MAGIC_WORDS: Final[dict[str, str]] = {
    "simulate-risk-control": RISK_CONTROL,
    "simulate-internal-error": INTERNAL_ERROR,
}

MIN_SIDE: Final = 300
MAX_RATIO: Final = 2.5
#: Kling documentation: maximum bytes by kind of input. Some products have a lower limit for videos.
LIMITS: Final[dict[str, int]] = {
    "image": MAX_IMAGE_BYTES,
    "large_image": MAX_LARGE_IMAGE_BYTES,
    "video": 200 * 1024 * 1024,
    "audio": 5 * 1024 * 1024,
}

FETCH_TIMEOUT: Final = aiohttp.ClientTimeout(total=30)


#: Duration in seconds, and for a video width, height and frames per second.
MediaInfo = dict[str, float]

#: Prefix of an input that is an earlier result of the account; the name of its file follows.
RESULT: Final = "result:"


class InputError(Exception):
    """An input makes its task fail; the message is Kling's."""


def magic_failure(prompt: str) -> str:
    """The failure message of a magic word in ``prompt``; empty without one."""
    return next((message for word, message in MAGIC_WORDS.items() if word in prompt), "")


def check_image(content: bytes) -> None:
    """Validate and decode an image: a truncated file must make its task fail, not the rendering of the result.

    :raises InputError: not JPEG or PNG, damaged, a side under 300 pixels, or a ratio above 2.5 to 1.
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


def check(content: bytes, kind: str) -> MediaInfo:
    """Validate and decode an input; return its duration and size, which are empty for an image.

    :param kind: one of :data:`LIMITS`.
    :raises InputError: it is invalid.
    """
    if kind in {"image", "large_image"}:
        check_image(content)
        return {}
    wrong = WRONG_VIDEO if kind == "video" else WRONG_SOUND
    try:
        with av.open(io.BytesIO(content), "r") as container:
            info = {"seconds": (container.duration or 0) / av.time_base}
            if kind == "audio":
                next(container.decode(container.streams.audio[0]))
                return info
            stream = container.streams.video[0]
            frame = next(container.decode(stream))
            return info | {"width": frame.width, "height": frame.height, "fps": float(stream.average_rate or 0)}
    except (av.FFmpegError, StopIteration, IndexError, ValueError, OSError):
        raise InputError(wrong) from None


async def fetch(url: str, session: aiohttp.ClientSession, limit: int = MAX_IMAGE_BYTES) -> bytes:
    """Download a URL.

    :param limit: maximum bytes.
    :raises InputError: unreachable or larger.
    """
    try:
        async with session.get(url, timeout=FETCH_TIMEOUT) as response:
            response.raise_for_status()
            content = await response.content.read(limit + 1)
            while len(content) <= limit and (more := await response.content.read(limit)):
                content += more
    except (aiohttp.ClientError, TimeoutError, ValueError, OSError):
        raise InputError(UNREACHABLE) from None
    if len(content) > limit:
        raise InputError(WRONG_SHAPE)
    return content


class ContentStore:
    """Inputs by the SHA-256 of their content, in memory and optionally in a directory.

    :param directory: keeps the contents across restarts.
    """

    def __init__(self, directory: Path | None = None) -> None:
        self._contents: dict[str, bytes] = {}
        self._checked: dict[tuple[str, str], MediaInfo] = {}
        self._directory = directory

    def put_input(self, source: str) -> str:
        """Store base64 as content and return its key; return a URL or a result unchanged."""
        return source if is_url(source) or source.startswith(RESULT) else self.put(base64.b64decode(source))

    async def load(self, source: str, session: aiohttp.ClientSession, *, kind: str) -> str:
        """Fetch and check what :meth:`put_input` returned; return the key of its content.

        :param kind: one of :data:`LIMITS`.
        :raises InputError: unreachable, too large or invalid.
        """
        key = self.put(await fetch(source, session, LIMITS[kind])) if is_url(source) else source
        if (key, kind) not in self._checked:
            self._checked[key, kind] = await asyncio.to_thread(check, self.get(key), kind)
        return key

    def info(self, key: str, kind: str) -> MediaInfo:
        """Duration and size of a content that :meth:`load` has checked."""
        return self._checked[key, kind]

    def put(self, content: bytes) -> str:
        """Store ``content``; return its key."""
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
