"""Records the received requests for users and tests, without credentials and images."""

from __future__ import annotations

import hashlib
import json
from collections import deque
from typing import Any, Final

#: Requests that are kept; a soak test must not fill the memory.
REMEMBERED: Final = 10_000

#: A string longer than ``_LONGEST_MEDIA`` in a field whose name ends like this is base64 content.
_MEDIA_FIELDS: Final = ("image", "images", "image_tail", "mask", "url", "file")
_LONGEST_MEDIA: Final = 300

#: No prompt is longer, so a longer string in any field is taken for content.
_LONGEST_TEXT: Final = 5000

#: Whoever has the signature can download the result.
_SECRET_PARAMETERS: Final = frozenset({"Signature"})


def without_media(value: Any, field: str = "") -> Any:
    """A copy of decoded JSON in which base64 is replaced by its length and SHA-256."""
    if isinstance(value, dict):
        return {key: without_media(item, key) for key, item in value.items()}
    if isinstance(value, list):
        return [without_media(item, field) for item in value]
    if not isinstance(value, str) or value.startswith(("http://", "https://")):
        return value
    if len(value) > (_LONGEST_MEDIA if field.endswith(_MEDIA_FIELDS) else _LONGEST_TEXT):
        return {"base64_length": len(value), "sha256": hashlib.sha256(value.encode("utf-8", "replace")).hexdigest()}
    return value


def _decoded_body(body: bytes) -> Any:
    if not body:
        return None
    try:
        return without_media(json.loads(body))
    except (ValueError, RecursionError):
        return {"not_json_length": len(body)}


class Journal:
    """The received requests, oldest first."""

    def __init__(self) -> None:
        self.entries: deque[dict[str, Any]] = deque(maxlen=REMEMBERED)

    def record(self, *, method: str, path: str, query: dict[str, str], body: bytes, at: int) -> dict[str, Any]:
        """Record a received request; the caller adds the outcome to the returned entry."""
        entry = {
            "at": at,
            "method": method,
            "path": path,
            "query": {key: value for key, value in query.items() if key not in _SECRET_PARAMETERS},
            "body": _decoded_body(body),
            "status": None,
        }
        self.entries.append(entry)
        return entry
