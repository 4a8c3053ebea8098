"""
Downloads a result.

Kling's result links need no credential, so none is sent. The link comes from a response and is not trusted: https only,
public addresses only, few redirects, each checked like the first, and a cap on size and time.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import re
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

import requests

from airflow_provider_kling.api.connection_errors import REQUEST_ERRORS, explain
from airflow_provider_kling.api.http_exchange import HttpExchange
from airflow_provider_kling.api.sender import Sender, iter_chunks
from airflow_provider_kling.api.sockets import refuse_private
from airflow_provider_kling.exceptions import KlingResultError
from airflow_provider_kling.products.addresses import literal
from airflow_provider_kling.utils.untrusted import clean_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_kling.api.settings import Settings

#: Characters that no link has. Libraries disagree about which host a link with them names.
_INVALID_CHARACTERS = re.compile(r"[\\\s\x00-\x1f\x7f-\x9f]")

#: Redirects that are followed; Kling's hosts have not been seen to send any.
MAX_REDIRECTS = 3


@dataclasses.dataclass(frozen=True)
class Download:
    """
    A file that was fetched.

    :param bytes: its size.
    :param sha256: its checksum, hexadecimal.
    :param content_type: what the server called it.
    """

    bytes: int
    sha256: str
    content_type: str


def fetch(url: str, target: IO[bytes], settings: Settings) -> Download:
    """
    Stream a result into an open file.

    :param url: the result's link.
    :param target: binary file; on failure it holds a part and must be thrown away.
    :param settings: TLS, proxies, timeout, limits, and whether private addresses are allowed.
    :raises KlingResultError: when the address is not allowed, the server refuses, or the file is cut, too large or too
        slow.
    """
    sender = Sender(settings)
    with (
        contextlib.closing(sender),
        HttpExchange(_allowed_seconds(0, settings), public_only=not settings.allow_private_urls) as it,
    ):
        download = _Fetch(sender, settings, it)
        return download.fetch(url, target)


def without_query(url: Any) -> str:
    """Return the link without its query, which holds its signature; safe to log."""
    return clean_text(str(url).partition("?")[0].partition("#")[0], 300)


def _allowed_seconds(received: int, settings: Settings) -> float:
    """Return how many seconds a download may have taken when it has received so many bytes."""
    limits = settings.limits
    return settings.timeout_seconds + limits.download_grace + received / limits.download_rate


class _Fetch:
    """One download, over its redirects."""

    def __init__(self, sender: Sender, settings: Settings, exchange: HttpExchange) -> None:
        self._sender = sender
        self._settings = settings
        self._exchange = exchange

    def fetch(self, url: str, target: IO[bytes]) -> Download:
        for _ in range(MAX_REDIRECTS + 1):
            request = self._prepare(url)
            with contextlib.closing(self._send(request)) as response:
                if not response.is_redirect:
                    return self._copy(_raise_for_status(response, url), target)
                url = _redirect_target(url, response)
        raise KlingResultError(
            f"Read the task again: its link redirects more than {MAX_REDIRECTS} times.\n"
            f"It leads to {without_query(url)}."
        )

    def _prepare(self, url: Any) -> requests.PreparedRequest:
        """Return the request for a link; what is checked here is what is sent."""
        try:
            if not isinstance(url, str) or _INVALID_CHARACTERS.search(url):
                raise ValueError("it is no text, or has blanks, control characters or a backslash")
            # A compressed transfer would make Content-Length useless as proof of completeness.
            request = self._sender.prepare("GET", url, headers={"Accept-Encoding": "identity"})
            parts = urlsplit(str(request.url))
            if parts.scheme not in ("https", "http") or not parts.hostname or parts.port == 0:
                raise ValueError("it is no https address")
            if parts.username is not None or parts.password is not None:
                raise ValueError("it holds a login")
        except ValueError as error:
            raise KlingResultError(
                f"Read the task again: its link is not https, or not usable.\nIt is {without_query(url)!r} "
                f"({_reason_without_link(error)})"
            ) from None
        self._refuse_private(parts.scheme, parts.hostname, url)
        return request

    def _refuse_private(self, scheme: str, host: str, url: str) -> None:
        """Refuse private addresses that the link itself names; those of a host name are checked on connecting."""
        if not self._exchange.public_only:
            return
        if scheme != "https":
            raise KlingResultError(
                "Set allow_private_urls in the connection's extra if you trust this link.\n"
                f"The result's link is not https: {without_query(url)}. Only the simulator, and a relay inside your "
                "network, have such links."
            )
        # A proxy resolves names itself. For these names every resolver returns a private address without a request.
        name = host.rstrip(".").lower()
        address = "127.0.0.1" if name == "localhost" or name.endswith(".localhost") else literal(name)
        refuse_private([address] if address else [], host)

    def _send(self, request: requests.PreparedRequest) -> requests.Response:
        # A redirect leads to another host: an error there is not about what was sent to the one before.
        self._exchange.connected = self._exchange.sent = False
        try:
            return self._sender.send(request, self._exchange)
        except REQUEST_ERRORS as error:
            problem = self._download_error(error, str(request.url))
        raise problem

    def _download_error(self, error: Exception, url: str) -> KlingResultError:
        words = explain(error, url, self._exchange, self._sender.proxy(url))
        return _interrupted(f"{words}\nThe download of {without_query(url)} failed.")

    def _copy(self, response: requests.Response, target: IO[bytes]) -> Download:
        digest, size, most = hashlib.sha256(), 0, self._settings.limits.download_bytes
        for chunk in self._iter_chunks(response):
            size += len(chunk)
            if size > most:
                raise KlingResultError(f"The result is larger than the {most} bytes that are accepted.")
            self._exchange.seconds = _allowed_seconds(size, self._settings)
            digest.update(chunk)
            target.write(chunk)
        arrived, expected = response.raw.tell(), response.headers.get("Content-Length", "")
        if expected.isdecimal() and expected.lstrip("0") != str(arrived).lstrip("0"):
            raise _interrupted(f"Try again: the download was cut, {arrived} of {expected} bytes arrived.")
        return Download(size, digest.hexdigest(), clean_text(response.headers.get("Content-Type", ""), 100))

    def _iter_chunks(self, response: requests.Response) -> Iterator[bytes]:
        try:
            yield from iter_chunks(response, self._settings.limits.chunk_bytes)
            if self._exchange.expired:
                raise TimeoutError
        except REQUEST_ERRORS as error:
            problem = self._download_error(error, str(response.url))
        else:
            return
        raise problem


def _reason_without_link(error: ValueError) -> str:
    # Errors of requests and urllib3 repeat the link.
    return str(error) if type(error) is ValueError else type(error).__name__


def _redirect_target(url: str, response: requests.Response) -> str:
    try:
        return urljoin(url, response.headers["Location"])
    except ValueError:
        return response.headers["Location"]


def _raise_for_status(response: requests.Response, url: str) -> requests.Response:
    if response.status_code == requests.codes.ok:
        return response
    error = KlingResultError(
        f"Read the task again for a fresh link: this one returns HTTP {response.status_code}.\n"
        f"It is {without_query(url)}. Links are signed and die 30 days after the task ended; reading the task is free "
        "and gives a fresh one while Kling keeps it."
    )
    error.interrupted = response.status_code >= 500 or response.status_code in (408, 429)
    raise error


def _interrupted(message: str) -> KlingResultError:
    error = KlingResultError(message)
    error.interrupted = True
    return error
