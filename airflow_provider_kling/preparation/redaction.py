"""Image content that shows only as a summary, wherever it stands in a value."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from airflow_provider_kling.products.media import InlineImage, TooDeep
from airflow_provider_kling.products.wording import holds_content, is_inline

#: How deep :func:`redact_images` looks; a request may not be deeper either, see :mod:`.products.json_value`.
_MAX_DEPTH = 50


def redact_images(value: Any) -> Any:
    """
    Wrap image content in :class:`InlineImage`, wherever it stands; everything else is returned as it is.

    What is content, :func:`.products.wording.is_inline` decides, here as in :func:`load_image`; what shows content
    though nobody can load it (cut, in quotes, as Python prints bytes) is wrapped too.

    :param value: a field of a request: also the list of ``dynamic_masks``, ``extra_body``, and both as a JSON string.
    """
    return _Redaction().redact_images(value, 0)


class _Redaction:
    """One walk; each list and object is looked at once, however often it is held."""

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
            self.seen[id(value)] = TooDeep()  # what a list that holds itself finds inside
            self.seen[id(value)] = self._inside(value, depth + 1)
        return self.seen[id(value)]

    def _inside(self, value: Any, depth: int) -> Any:
        if isinstance(value, Mapping):
            return {key: self.redact_images(item, depth) for key, item in value.items()}
        items = [self.redact_images(item, depth) for item in value]
        kind = next(kind for kind in (tuple, set, frozenset, list) if isinstance(value, kind))
        return kind(items)

    def _json(self, text: str, depth: int) -> Any:
        """Text that is JSON: its value when an image is in it; inside of something else it stays one text."""
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
