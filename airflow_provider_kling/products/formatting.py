"""Formats values for messages: short, and never with image content or a signature."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from airflow_provider_kling.utils.untrusted import clean_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

#: Longest value that a sentence repeats in full.
MAX_SHOWN = 60
#: Longest word that is compared with the known ones; the comparison grows with the square of its length.
_MAX_COMPARED = 64

#: Also the URL-safe alphabet, which the loader understands.
_BASE64 = re.compile(r"[A-Za-z0-9+/=_-]+")
#: The first characters of a JPEG, PNG, GIF, WebP, BMP or TIFF file in base64.
_BASE64_PICTURE = (
    *("/9j/", "_9j_", "iVBORw0KGgo", "R0lGOD", "UklGR"),
    *("Qk0", "Qk1", "Qk2", "Qk3", "SUkqA", "TU0AK"),
)
#: Base64 comes in lines of 64 or 76 characters; prose has no words of this length.
_MIN_LINE = 32
#: So many characters of base64 in a row are content, whatever is around them, such as quotes or a byte order mark.
_MIN_PIECE = 2048
#: A JPEG or PNG file as Python prints bytes, which a template does.
_PRINTED_PICTURE = tuple(f"b{quote}\\x{letters}" for quote in "'\"" for letters in ("ff\\xd8", "89PNG"))


def is_inline(text: str) -> bool:
    """
    Whether a text is the content of an image and not its address; loading and redacting both ask here.

    Content is: a ``data:`` URI, text that starts like an image in base64, even a damaged one, and any long base64, in
    one line or many. Templates are not.
    """
    text = text.strip()
    if text[:5].lower() == "data:" and not text[5:6].isspace():
        return not _is_template(text.partition(",")[2])
    if _is_template(text):
        return False
    if text.startswith(_BASE64_PICTURE) and len(text) >= 64:
        return True
    return len(text) >= 256 and _is_base64(text)


def holds_content(text: str) -> bool:
    """
    Whether a text shows the content of an image, perhaps only a part of it or in a form that cannot be loaded.

    :param text: neither an address nor JSON.
    """
    if is_inline(text) or text.lstrip()[:16].startswith(_PRINTED_PICTURE):
        return True
    if _is_template(text) or "://" in text[:64]:
        return False
    return any(len(piece[0]) >= _MIN_PIECE for piece in _BASE64.finditer(text))


def _is_template(text: str) -> bool:
    return "{{" in text or "{%" in text


def _is_base64(text: str) -> bool:
    *lines, last = text.split()
    return all(len(line) >= _MIN_LINE for line in lines) and all(map(_BASE64.fullmatch, [*lines, last]))


def shown(value: Any, limit: int = MAX_SHOWN) -> str:
    """
    Return a value as a message shows it.

    >>> shown("https://bucket.example/cat.png?X-Amz-Signature=abc")
    "'https://bucket.example/cat.png?…'"

    :param limit: longest text that is repeated in full.
    """
    if isinstance(value, (bytes, bytearray, memoryview)):
        return f"<{len(value)} bytes>"
    if isinstance(value, str) and holds_content(value):
        return f"<inline content, {len(value)} characters>"
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > 200:
        return "<a very large number>"
    if isinstance(value, (dict, list, tuple, set, frozenset)) and value:
        return f"<{type(value).__name__} with {counted(len(value), 'item')}>"
    words = clean_text("None" if value is None else value, limit)
    return repr(words) if isinstance(value, str) else words


def named(field: str, value: Any) -> str:
    """Return ``field=value`` as a message shows it; a long name is cut too."""
    name = field if len(field) <= MAX_SHOWN else f"{field[:MAX_SHOWN]}…"
    return f"{name}={shown(value)}"


def did_you_mean(word: Any, known: Iterable[str], aliases: Mapping[str, str] = MappingProxyType({})) -> str:
    """
    Suggest the nearest known word, as the end of a sentence; empty when none is near.

    >>> did_you_mean("promt", ["prompt", "mode"])
    " (did you mean 'prompt'?)"

    :param word: what was written.
    :param known: the words that there are.
    :param aliases: other words for them.
    """
    if not isinstance(word, str) or len(word) > _MAX_COMPARED:
        return ""
    # Only a wrong word needs it.
    import difflib

    near = difflib.get_close_matches(word.strip().lower(), [*known, *aliases], n=1, cutoff=0.6)
    return f" (did you mean {aliases.get(near[0], near[0])!r}?)" if near else ""


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


def size_words(size: int) -> str:
    """
    Return the size of a file, for people.

    :param size: bytes.
    """
    return f"{size / 1e6:.1f} MB" if size >= 1e5 else f"{size / 1e3:.1f} kB"
