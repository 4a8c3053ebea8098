"""Redacts image content anywhere in a value: only a summary of it is printed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from airflow_provider_kling.products.formatting import holds_content, is_inline
from airflow_provider_kling.products.media import InlineImage, TooDeep

#: How deep :func:`redact_images` searches; a request may not be deeper either, see :mod:`.products.json_value`.
_MAX_DEPTH = 50


def redact_images(value: Any) -> Any:
    """
    Wrap image content in :class:`InlineImage`, anywhere in a value; everything else is returned unchanged.

    :func:`.products.formatting.is_inline` decides what is content, here as in :func:`load_image`. Text that shows
    content which cannot be loaded (cut, in quotes, printed bytes) is wrapped too.

    :param value: a field of a request: also the list of ``dynamic_masks``, ``extra_body``, and both as a JSON string.
    """
    return _Redaction().redact_images(value, 0)


class _Redaction:
    """One walk through a value; each list and object is visited once, however often it occurs."""

    def __init__(self) -> None:
        self.seen: dict[int, Any] = {}

    def redact_images(self, value: Any, depth: int) -> Any:
        if isinstance(value, (bytes, bytearray, memoryview)):
            return InlineImage(bytes(value))
        if isinstance(value, str):
            return InlineImage(value) if is_inline(value) else self._json(value, depth)
        if not isinstance(value, (Mapping, list, tuple, set, frozenset)):
            return value
        if depth >= _MAX_DEPTH:
            return TooDeep()
        if id(value) not in self.seen:
            self.seen[id(value)] = TooDeep()  # stands in for a list inside itself
            self.seen[id(value)] = self._redact_items(value, depth + 1)
        return self.seen[id(value)]

    def _redact_items(self, value: Any, depth: int) -> Any:
        if isinstance(value, Mapping):
            return {key: self.redact_images(item, depth) for key, item in value.items()}
        items = [self.redact_images(item, depth) for item in value]
        kind = next(kind for kind in (tuple, set, frozenset, list) if isinstance(value, kind))
        return kind(items)

    def _json(self, text: str, depth: int) -> Any:
        """Redact JSON text that holds an image: the whole value is parsed at the top level, else wrapped as text."""
        if text.lstrip()[:1] not in ("[", "{") or "{{" in text or "{%" in text:
            return _text(text)
        try:
            parsed = json.loads(text)
        except (ValueError, RecursionError):
            return _text(text)
        hidden = _Redaction().redact_images(parsed, depth + 1)
        if hidden == parsed:
            return text
        return hidden if depth == 0 else InlineImage(text)


def _text(text: str) -> str | InlineImage:
    return InlineImage(text) if holds_content(text) else text
