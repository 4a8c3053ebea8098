"""How values appear in sentences: short, and never with image content or a signature."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Longest value that a sentence repeats in full.
MAX_SHOWN = 60

_URL_QUERY = re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://[^\s?#'\"]*)[?#][^\s'\"]*")
_URL_LOGIN = re.compile(r"(?i)\b(https?://)[^\s/@'\"]+@")
_BASE64 = re.compile(r"[A-Za-z0-9+/=\s]+")
#: The first characters of a JPEG, PNG, GIF, WebP or BMP file in base64.
_BASE64_PICTURE = ("/9j/", "iVBORw0KGgo", "R0lGOD", "UklGR", "Qk0")


def looks_inline(text: str) -> bool:
    """
    Whether a string is the content of an image rather than its address.

    A ``data:`` URI is; so is what starts like a picture in base64, even if it is damaged, and any long base64.
    Templates are not.
    """
    if "{{" in text or "{%" in text:
        return False
    text = text.strip()
    if text[:5].lower() == "data:":
        return True
    if text.startswith(_BASE64_PICTURE) and len(text) >= 64:
        return True
    return len(text) >= 256 and _BASE64.fullmatch(text) is not None


def shown(value: Any, limit: int = MAX_SHOWN) -> str:
    """
    A value as a sentence may repeat it.

    >>> shown("https://bucket.example/cat.png?X-Amz-Signature=abc")
    "'https://bucket.example/cat.png?…'"

    :param limit: longest text that is repeated in full.
    """
    if isinstance(value, (bytes, bytearray, memoryview)):
        return f"<{len(value)} bytes>"
    if isinstance(value, str) and looks_inline(value):
        return f"<inline content, {len(value)} characters>"
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > 200:
        return "<a very large number>"
    if isinstance(value, (dict, list, tuple, set, frozenset)) and value:
        return f"<{type(value).__name__} with {counted(len(value), 'item')}>"
    words = _URL_LOGIN.sub(r"\1…@", _URL_QUERY.sub(r"\1?…", str(value)))
    if len(words) > limit:
        words = f"{words[: limit - 1]}…"
    return repr(words) if isinstance(value, str) else words


def named(field: str, value: Any) -> str:
    """``field=value``, the beginning of most sentences."""
    return f"{field}={shown(value)}"


def one_of(values: Iterable[Any], word: str = "or") -> str:
    """
    A choice in words.

    >>> one_of(["std", "pro", "4k"])
    "'std', 'pro' or '4k'"
    """
    return joined([repr(value) for value in values], word)


def joined(phrases: Iterable[str], word: str = "or") -> str:
    """Phrases with commas and a last ``or``."""
    *head, last = phrases
    return f"{', '.join(head)} {word} {last}" if head else last


def counted(number: int, noun: str) -> str:
    """``1 item``, ``3 items``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
