"""
A picture that a task was given, on its way to a browser: never the file itself, always a small JPEG made of its pixels.

A rendered field is text of whoever writes the Dag or starts a run. So nothing is sent but what decodes as a JPEG or PNG
picture, in a process without the API server's secrets; nobody learns of other files whether they are there.
"""

from __future__ import annotations

import subprocess
import threading
from typing import TYPE_CHECKING

from airflow_provider_kling.plugins.stored_file import NotShownError, in_thread, open_stored
from airflow_provider_kling.results import poster

if TYPE_CHECKING:
    from airflow_provider_kling.plugins.stored_file import StoredFile

#: Pictures that are made small at the same time: decoding takes CPU of the API server's machine.
AT_ONCE = 2

_turns = threading.BoundedSemaphore(AT_ONCE)


async def picture_made_small(uri: str) -> bytes:
    """
    Return a small JPEG of a picture in storage; empty when there is none that may be shown.

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
    # Only here: who waits for a storage that hangs holds nobody else's turn.
    with _turns:
        return poster.make_thumbnail(data)
