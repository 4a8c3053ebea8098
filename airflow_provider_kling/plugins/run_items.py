"""Reads the items of a batch for the gallery from its manifest: each version once, and at most a bounded part."""

from __future__ import annotations

import json
import threading
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, NamedTuple

from airflow_provider_kling.plugins.run_cards import item_of_line
from airflow_provider_kling.utils._airflow.object_storage import is_airflow_storage, place_of, version_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import IO

    from airflow_provider_kling.plugins.run_cards import Item
    from airflow_provider_kling.utils._airflow.object_storage import Place

#: The most items of one manifest that are shown, and bytes of it that are read; a line has about a thousand bytes.
MAX_ITEMS = 20_000
MAX_BYTES = 64 << 20

#: The longest line, in bytes; reading ends at a longer one.
MAX_LINE_BYTES = 1 << 20

#: Manifests in the cache, and seconds after which the storage is asked for a newer version: a page asks for a hundred
#: pictures at once.
MAX_CACHED = 8
FRESH_SECONDS = 3.0


class ManifestItems(NamedTuple):
    """
    The items that were read from a manifest.

    :param items: in its order.
    :param is_whole: whether these are all.
    """

    items: tuple[Item, ...]
    is_whole: bool


class _CachedManifest:
    """One manifest in the cache. Its own lock is held while its storage is read, so others do not wait."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.version = ""
        self.read: ManifestItems | None = None
        self.asked_at = 0.0


_cache: OrderedDict[str, _CachedManifest] = OrderedDict()
_lock = threading.Lock()


def read_items(uri: str, *, fresh_seconds: float = FRESH_SECONDS) -> ManifestItems:
    """
    Return the items of a batch. It blocks.

    :param uri: of the manifest, as the batch named it.
    :param fresh_seconds: for which the storage is not asked again; default 3.
    :raises FileNotFoundError: when there is none.
    :raises Exception: whatever else the storage says.
    """
    with _lock:
        cached = _cache.setdefault(uri, _CachedManifest())
        _cache.move_to_end(uri)
        while len(_cache) > MAX_CACHED:
            _cache.popitem(last=False)
    # One at a time, so that a hundred requests for pictures of one batch read its manifest once.
    with cached.lock:
        now = time.monotonic()
        if cached.read is None or now - cached.asked_at >= fresh_seconds:
            place = place_of(uri)
            if not is_airflow_storage(place):
                raise ValueError(f"{place.protocol} is no storage of Airflow's")
            version = _version(place)
            if cached.read is None or cached.version != version:
                cached.read, cached.version = _read(place), version
            cached.asked_at = now
        return cached.read


def _version(place: Place) -> str:
    info = place.info()
    if info.get("type") == "directory":
        raise FileNotFoundError(place.shown)
    return version_of(info)


def _read(place: Place) -> ManifestItems:
    items: list[Item] = []
    with place.filesystem.open(place.path, "rb") as stream:
        for line in _lines(stream):
            if len(items) == MAX_ITEMS:
                return ManifestItems(tuple(items), is_whole=False)
            try:
                value = json.loads(line)
            except (ValueError, RecursionError):
                continue
            if isinstance(value, dict) and value.get("key"):
                items.append(item_of_line(value))
        return ManifestItems(tuple(items), is_whole=not stream.read(1))


def _lines(stream: IO[bytes]) -> Iterator[bytes]:
    left = MAX_BYTES
    while left > 0 and (line := stream.readline(MAX_LINE_BYTES)):
        left -= len(line)
        if len(line) == MAX_LINE_BYTES:
            return
        yield line
