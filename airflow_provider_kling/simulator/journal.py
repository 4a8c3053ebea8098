"""What arrived, for people and tests to read; never a credential, never an image."""

from __future__ import annotations

import hashlib
import json
from collections import deque
from typing import Any, Final

#: Requests that are remembered; a soak test must not fill the memory.
REMEMBERED: Final = 10_000

#: Strings in fields whose names end so, and that are longer than this, are images, masks or sounds as base64.
_MEDIA_FIELDS: Final = ("image", "images", "image_tail", "mask", "url", "file")
_LONGEST_MEDIA: Final = 300

#: No prompt is longer: it is content in a field that we do not know.
_LONGEST_TEXT: Final = 5000

#: A signature opens a result without further credentials.
_SECRET_PARAMETERS: Final = frozenset({"Signature"})


def summarise(value: Any, field: str = "") -> Any:
    """A copy of decoded JSON in which base64 is replaced by its length and SHA-256."""
    if isinstance(value, dict):
        return {key: summarise(item, key) for key, item in value.items()}
    if isinstance(value, list):
        return [summarise(item, field) for item in value]
    if not isinstance(value, str) or value.startswith(("http://", "https://")):
        return value
    if len(value) > (_LONGEST_MEDIA if field.endswith(_MEDIA_FIELDS) else _LONGEST_TEXT):
        return {"base64_length": len(value), "sha256": hashlib.sha256(value.encode("utf-8", "replace")).hexdigest()}
    return value


def _readable(body: bytes) -> Any:
    if not body:
        return None
    try:
        return summarise(json.loads(body))
    except (ValueError, RecursionError):
        return {"not_json_length": len(body)}


class Journal:
    """The requests of this run, oldest first."""

    def __init__(self) -> None:
        self.entries: deque[dict[str, Any]] = deque(maxlen=REMEMBERED)

    def note(self, *, method: str, path: str, query: dict[str, str], body: bytes, at: int) -> dict[str, Any]:
        """Record an arriving request; the entry is completed when it has been answered."""
        entry = {
            "at": at,
            "method": method,
            "path": path,
            "query": {key: value for key, value in query.items() if key not in _SECRET_PARAMETERS},
            "body": _readable(body),
            "status": None,
        }
        self.entries.append(entry)
        return entry
