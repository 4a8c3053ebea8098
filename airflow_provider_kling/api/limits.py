"""What one request, one response and one download may take."""

from __future__ import annotations

from typing import NamedTuple


class Limits(NamedTuple):
    """
    The bounds of everything that is sent and read.

    :param read_attempts: how often a read is sent before its error counts.
    :param read_max_wait: the longest pause between two reads, in seconds.
    :param response_bytes: bytes that a response may have, decompressed. A page of 500 tasks with the longest prompts is
        below a third of this.
    :param upload_rate: bytes a second that a body needs at least; a request with an image of 10 MB may take this much
        longer.
    :param chunk_bytes: bytes that are read at a time. Bounds the memory that one decompressed chunk takes.
    :param download_rate: the lowest average rate of a download, in bytes a second; a slower one is given up.
    :param download_grace: seconds that a download may take in addition to the connection's timeout and to what
        ``download_rate`` allows.
    :param download_bytes: bytes that a result may have. A 15 s video in 4K is below a tenth of this.
    """

    read_attempts: int = 4
    read_max_wait: float = 10.0
    response_bytes: int = 32 << 20
    upload_rate: int = 64 << 10
    chunk_bytes: int = 1 << 14
    download_rate: int = 16 << 10
    download_grace: float = 30.0
    download_bytes: int = 4 << 30
