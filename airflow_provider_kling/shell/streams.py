"""
Reserves standard output for the result of a command.

Airflow and the libraries of storages log to standard output as soon as they are imported, and a script that reads the
result would read their logs. It imports nothing of theirs.
"""

from __future__ import annotations

import os
import sys
from typing import TextIO


def result_stream() -> TextIO:
    """
    Return standard output, and let what anybody else writes there go to standard error.

    Where one of the three streams was closed, the null device takes its number: otherwise the next file that is opened
    would get it, and with it whatever a library writes to that stream.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    sys.stdin = sys.stdin or os.fdopen(os.dup(0))
    sys.stderr = sys.stderr or os.fdopen(os.dup(2), "w")
    # A path goes out as the bytes that it came in with, whatever the locale.
    result = os.fdopen(os.dup(1), "w", encoding=sys.getfilesystemencoding(), errors="surrogateescape")
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return result


def write(stream: TextIO, text: str) -> None:
    """
    Write a result at once.

    :param stream: where to.
    :param text: it may hold what the stream's encoding has no character for.
    :raises OSError: when nobody reads it any more, or there is no room.
    """
    encoding = stream.encoding or "utf-8"
    try:
        text.encode(encoding, stream.errors or "strict")
    except UnicodeEncodeError:
        text = text.encode(encoding, "backslashreplace").decode(encoding)
    stream.write(f"{text}\n")
    stream.flush()
