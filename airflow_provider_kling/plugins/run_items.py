"""The items of a batch for the gallery, read from its manifest: each version of it once, and a bounded part."""

from __future__ import annotations

import json
import threading
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, NamedTuple

from airflow_provider_kling.plugins.run_cards import item_of_line
from airflow_provider_kling.utils._airflow.object_storage import is_airflows, place_of, version_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import IO

    from airflow_provider_kling.plugins.run_cards import Item
    from airflow_provider_kling.utils._airflow.object_storage import Place

#: Items of one manifest that are shown, and bytes that are read of it: a line has about a thousand.
MAX_ITEMS = 20_000
MAX_BYTES = 64 << 20

#: Bytes of one line; above, nothing more is read.
MAX_LINE_BYTES = 1 << 20

#: Manifests that are kept, and seconds after which the storage is asked whether there is a newer one: a page asks for a
#: hundred pictures at once.
KEPT = 8
FRESH_SECONDS = 3.0


class Read(NamedTuple):
    """
    What was read of a manifest.

    :param items: in its order.
    :param is_whole: whether these are all.
    """

    items: tuple[Item, ...]
    is_whole: bool


class _Kept:
    """What is known of one manifest; its lock is held while its storage is asked, and nobody else waits for that."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.version = ""
        self.read: Read | None = None
        self.asked_at = 0.0


_kept: OrderedDict[str, _Kept] = OrderedDict()
_lock = threading.Lock()


def read_items(uri: str, *, fresh_seconds: float = FRESH_SECONDS) -> Read:
    """
    Return the items of a batch. It blocks.

    :param uri: of the manifest, as the batch named it.
    :param fresh_seconds: for which the storage is not asked again; default 3.
    :raises FileNotFoundError: when there is none.
    :raises Exception: whatever else the storage says.
    """
    with _lock:
        kept = _kept.setdefault(uri, _Kept())
        _kept.move_to_end(uri)
        while len(_kept) > KEPT:
            _kept.popitem(last=False)
    # One at a time: a hundred requests for pictures of one batch read it once.
    with kept.lock:
        now = time.monotonic()
        if kept.read is None or now - kept.asked_at >= fresh_seconds:
            place = place_of(uri)
            if not is_airflows(place):
                raise ValueError(f"{place.protocol} is no storage of Airflow's")
            version = _version(place)
            if kept.read is None or kept.version != version:
                kept.read, kept.version = _read(place), version
            kept.asked_at = now
        return kept.read


def _version(place: Place) -> str:
    info = place.info()
    if info.get("type") == "directory":
        raise FileNotFoundError(place.shown)
    return version_of(info)


def _read(place: Place) -> Read:
    items: list[Item] = []
    with place.filesystem.open(place.path, "rb") as stream:
        for line in _lines(stream):
            if len(items) == MAX_ITEMS:
                return Read(tuple(items), is_whole=False)
            try:
                value = json.loads(line)
            except (ValueError, RecursionError):
                continue
            if isinstance(value, dict) and value.get("key"):
                items.append(item_of_line(value))
        return Read(tuple(items), is_whole=not stream.read(1))


def _lines(stream: IO[bytes]) -> Iterator[bytes]:
    left = MAX_BYTES
    while left > 0 and (line := stream.readline(MAX_LINE_BYTES)):
        left -= len(line)
        if len(line) == MAX_LINE_BYTES:
            return
        yield line
