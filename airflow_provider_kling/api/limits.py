"""What one request, one answer and one download may take."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Limits:
    """
    The bounds of everything that is sent and read.

    :param read_attempts: how often a read is sent before its error counts.
    :param read_max_wait: the longest pause between two reads, in seconds.
    :param answer_bytes: bytes that an answer may have, decompressed. A page of 500 tasks with the longest prompts is
        below a third of this.
    :param upload_rate: bytes a second that a body needs at least; a request with an image of 10 MB may take this much
        longer.
    :param piece_bytes: bytes that are read at a time. What one piece can become when it is decompressed stays bounded.
    :param download_rate: bytes a second that a download brings at least, on average; below that its host is taken for
        broken.
    :param download_grace: seconds that a download may take beside that, and beside the connection's timeout.
    :param download_bytes: bytes that a result may have. A 15 s video in 4K is below a tenth of this.
    """

    read_attempts: int = 4
    read_max_wait: float = 10.0
    answer_bytes: int = 32 << 20
    upload_rate: int = 64 << 10
    piece_bytes: int = 1 << 14
    download_rate: int = 16 << 10
    download_grace: float = 30.0
    download_bytes: int = 4 << 30
