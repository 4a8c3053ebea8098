"""
Cleans untrusted text, so that it can be part of messages, logs and XComs. Pure.

Responses of Kling, relays, proxies and broken servers may hold anything: megabytes, image content, terminal escapes,
signed links, half a surrogate pair that ends a worker process when it is logged.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any
from urllib.parse import urlsplit

#: The most characters of untrusted text that are shown; Kling's own messages have less than 200.
MAX_CHARACTERS = 500

#: The longest link that is accepted; Kling's signed links have less than 1,000 characters.
MAX_LINK_CHARACTERS = 8192

#: The most characters that are read, so that cleaning megabytes takes no time.
_READ_CHARACTERS = 8 * MAX_CHARACTERS

#: Base64 and other content without a blank. Kling's ids, keys and host names are shorter.
_INLINE = re.compile(r"(?:data:[\w/+.;-]{0,100},)?[A-Za-z0-9+/=_-]{200,}")
_URL_QUERY = re.compile(r"(?i)\b([a-z][a-z0-9+.-]{0,30}://[^\s?#'\"]{1,2000}?)(?:[?#]|%3f)[^\s'\"]+")
_URL_LOGIN = re.compile(r"(?i)\b([a-z][a-z0-9+.-]{0,30}://)[^\s/@'\"]{1,2000}@")
_BLANKS = re.compile(r"\s+")

#: Unicode categories that are replaced: controls, surrogates, unassigned, private use.
_INVALID_CHARACTERS = {"Cc", "Cs", "Cn", "Co"}

#: Invisible characters, some of which change the direction of the text after them.
_INVISIBLE = frozenset(map(chr, [0x200B, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2060, 0x206A), 0xFEFF]))


def clean_text(value: Any, limit: int = MAX_CHARACTERS) -> str:
    r"""
    Return untrusted text as one line that is safe to show, log and store.

    Valid Unicode without control characters, without image content, without the query or the login of a link, and not
    longer than ``limit``.

    >>> clean_text("bad image\nhttps://host.example/cat.png?Signature=abc")
    'bad image https://host.example/cat.png?…'

    :param value: usually text; anything else becomes ``str(value)``, and ``None`` becomes empty text.
    :param limit: the most characters that are returned.
    """
    if value is None:
        return ""
    text = value if isinstance(value, str) else _printed(value)
    cut = len(text) > _READ_CHARACTERS
    text = _BLANKS.sub(" ", text[:_READ_CHARACTERS])
    text = "".join(_fit(character) for character in text)
    text = _INLINE.sub(lambda match: f"<{len(match[0])} characters>", text)
    text = _URL_LOGIN.sub(r"\1…@", _URL_QUERY.sub(r"\1?…", text)).strip()
    return f"{text[: limit - 1]}…" if cut or len(text) > limit else text


def begins_as_web_link(text: str) -> bool:
    """
    Whether a text begins as the address of a web page does; what follows is not looked at.

    :param text: any text, of any length.
    """
    return text[:8].lower().startswith(("http://", "https://"))


def web_link(value: Any) -> str:
    """
    Return an untrusted link when it is safe to open in a browser and to show, else empty text.

    Only ``http`` and ``https`` with a host: ``javascript:`` would run in the page. Links with blanks, control
    characters or backslashes are refused, because programs read them in different ways. A login in the link is left
    out: it would stand in XComs, on pages and in lineage. Kling's links are signed and need none.

    >>> web_link("https://user:password@host.example/cat.png?Signature=abc")
    'https://host.example/cat.png?Signature=abc'

    :param value: usually text.
    """
    if not isinstance(value, str) or len(value) > MAX_LINK_CHARACTERS:
        return ""
    if not value.isprintable() or " " in value or "\\" in value:
        return ""
    try:
        parts = urlsplit(value)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        return ""
    if not usable:
        return ""
    _, login, place = parts.netloc.rpartition("@")
    return parts._replace(netloc=place).geturl() if login else value


def _fit(character: str) -> str:
    if character in _INVISIBLE:
        return ""
    return "\N{REPLACEMENT CHARACTER}" if unicodedata.category(character) in _INVALID_CHARACTERS else character


def _printed(value: Any) -> str:
    try:
        return str(value)
    except Exception as error:  # noqa: BLE001 - text of a foreign object; it must not end what reports it
        return f"<{type(value).__name__}: {type(error).__name__}>"


def reason(error: BaseException, limit: int = 200) -> str:
    """
    Return why something failed, for a sentence: the class of the error and its cleaned text.

    Raise the new error ``from None``: the original may hold a signed link, a header or a password, and Airflow prints
    chained errors in full.

    :param error: what was caught.
    :param limit: the most characters of its words.
    """
    words = clean_text(_printed(error), limit)
    return f"{type(error).__name__}: {words}" if words else type(error).__name__
