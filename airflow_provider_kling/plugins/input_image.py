"""
Makes a thumbnail of an input image of a task. The file itself is never sent, only a small JPEG made from its pixels.

Whoever writes a Dag or starts a run decides what a rendered field names. So only files that decode as a JPEG or PNG
picture give an answer, decoded in a process without the API server's secrets; for all others the answer is the same,
whether they exist or not.
"""

from __future__ import annotations

import subprocess
import threading
from typing import TYPE_CHECKING

from airflow_provider_kling.plugins.stored_file import NotShownError, in_thread, open_stored
from airflow_provider_kling.results import poster

if TYPE_CHECKING:
    from airflow_provider_kling.plugins.stored_file import StoredFile

#: Pictures that are decoded at the same time: decoding takes CPU of the API server's machine.
MAX_DECODERS = 2

_decoders = threading.BoundedSemaphore(MAX_DECODERS)


async def input_thumbnail(uri: str) -> bytes:
    """
    Return a small JPEG of a picture in storage; empty when there is none, or it may not be shown.

    :param uri: a path or a storage URI, as the field has it.
    """
    try:
        stored = await open_stored(uri)
        if stored.media.kind != "image" or not 0 < stored.size <= poster.MAX_PICTURE_BYTES:
            return b""
        return await in_thread(stored.place, _thumbnail, stored)
    except (NotShownError, ValueError, OSError, subprocess.TimeoutExpired):
        return b""


def _thumbnail(stored: StoredFile) -> bytes:
    data = stored.read(0, stored.size)
    # Acquired after the read, so that a storage that hangs blocks no decoder.
    with _decoders:
        return poster.make_thumbnail(data)
