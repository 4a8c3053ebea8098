"""
Checks URLs that Kling opens itself: of a file, of a callback.

Only the text is checked; names are not resolved, because they may resolve differently in Kling's network.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from airflow_provider_kling.products.addresses import is_public, literal
from airflow_provider_kling.products.formatting import named
from airflow_provider_kling.products.problem import Problem
from airflow_provider_kling.utils.untrusted import begins_as_web_link

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Longest URL; common servers and browsers end between 2,000 and 8,000 characters.
MAX_URL = 8192

#: Host names that no public DNS resolves (RFC 6761, 6762 and 8375, and ICANN's ``.internal``).
_LOCAL = ("localhost", "local", "internal", "intranet", "lan", "home.arpa", "localdomain")
_LABEL = re.compile(r"(?!-)(?:[A-Za-z0-9_-]|[^\x00-\x7f]){1,63}(?<!-)")
_INVALID_CHARACTERS = re.compile("[\x00-\x1f\x7f\ud800-\udfff\\\\]")
_NUMERIC = re.compile(r"[0-9]+|0[xX][0-9a-fA-F]*")


class UrlError(Exception):
    """Nobody can open this URL; its text is the end of a sentence. Internal."""


def url_problems(field: str, place: str, url: str) -> Iterator[Problem]:
    """
    Find what is wrong with a URL that Kling opens.

    :param field: the field, by Kling's name.
    :param place: where it stands, for sentences.
    :param url: what was given.
    """
    try:
        host, login = _parts(url)
    except UrlError as error:
        yield Problem(field, f"Give {place} as an http(s) URL that Kling can open: {named(place, url)} {error}.")
        return
    if _is_private(host):
        yield _doubt(field, f"Put {place} where Kling can open it: {named(place, url)} is a private address.")
    if login:
        yield _doubt(field, f"Take the login out of {place}: {named(place, url)}; Kling may not send it, or log it.")
    if " " in url.strip():
        yield _doubt(field, f"Write the blanks in {place} as %20: {named(place, url)}; many servers refuse them.")


def _doubt(field: str, sentence: str) -> Problem:
    return Problem(field, sentence, severity="warning")


def _parts(url: str) -> tuple[str, bool]:
    """Host, and whether there is a login."""
    if len(url) > MAX_URL:
        raise UrlError(f"has {len(url)} characters, {MAX_URL} is the most")
    if not begins_as_web_link(url):
        raise UrlError("does not begin with http:// or https://")
    if _INVALID_CHARACTERS.search(url):
        raise UrlError("holds a backslash, a line break or another character that no URL has")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise UrlError("has a host or port that cannot be read") from None
    if not _is_host(host) or port == 0:
        raise UrlError("has no valid host")
    return host, "@" in parts.netloc


def _is_host(host: str) -> bool:
    if ":" in host:
        return literal(host) is not None
    labels = host.removesuffix(".").split(".")
    if not 1 <= len(host) <= 253 or not all(map(_LABEL.fullmatch, labels)):
        return False
    return not _NUMERIC.fullmatch(labels[-1]) or literal(host.removesuffix(".")) is not None


def _is_private(host: str) -> bool:
    number = literal(host.removesuffix("."))
    if number is not None:
        return not is_public(number)
    name = host.lower().removesuffix(".")
    return "." not in name or name.endswith(tuple(f".{ending}" for ending in _LOCAL))
