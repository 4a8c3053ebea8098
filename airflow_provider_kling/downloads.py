"""
Fetching a result: a URL that somebody else chose becomes a file on this machine.

Kling's result links need no credential, so none is sent. The address comes out of an answer, so it is treated as
foreign: https only, public addresses only, few redirects, each checked like the first, and a cap on the size.
"""

from __future__ import annotations

import dataclasses
import hashlib
import ipaddress
import socket
from typing import IO, TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from airflow_provider_kling.exceptions import KlingResultError
from airflow_provider_kling.transport import CONNECT_TIMEOUT

if TYPE_CHECKING:
    import requests

    from airflow_provider_kling.connection import Settings

#: Bytes read at a time; what a download holds in memory, whatever the size of the file.
CHUNK_BYTES = 1 << 20

#: Bytes that a result may have. A 15 s video in 4K is below a tenth of this.
MAX_BYTES = 4 << 30

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


def fetch(url: str, target: IO[bytes], settings: Settings, *, max_bytes: int = MAX_BYTES) -> Download:
    """
    Stream a result into an open file.

    :param url: the result's link.
    :param target: binary file; on failure it holds a part and must be thrown away.
    :param settings: TLS, proxies, timeout, and whether private addresses are allowed.
    :param max_bytes: the most that is accepted.
    :raises KlingResultError: when the address is not allowed, the server refuses, or the file is cut or too large.
    """
    import requests

    try:
        with requests.Session() as session, _open(session, url, settings) as response:
            return _copy(response, target, max_bytes)
    except requests.RequestException as error:
        raise KlingResultError(f"The download of {without_query(url)} failed: {type(error).__name__}.") from error


def without_query(url: str) -> str:
    """Return the link without its signature, fit for a log."""
    return urlsplit(url)._replace(query="", fragment="").geturl()


def _open(session: requests.Session, url: str, settings: Settings) -> requests.Response:
    for _ in range(MAX_REDIRECTS + 1):
        _check_address(url, settings)
        response = session.get(
            url,
            stream=True,
            allow_redirects=False,
            timeout=(CONNECT_TIMEOUT, settings.timeout_seconds),
            verify=settings.verify,
            proxies=settings.proxies or None,
            # A compressed transfer would make Content-Length useless as proof of completeness.
            headers={"Accept-Encoding": "identity"},
        )
        if not response.is_redirect:
            return _checked(response, url)
        url = urljoin(url, response.headers["Location"])
        response.close()
    raise KlingResultError(f"The result's link redirects more than {MAX_REDIRECTS} times: {without_query(url)}.")


def _checked(response: requests.Response, url: str) -> requests.Response:
    if response.ok:
        return response
    response.close()
    raise KlingResultError(
        f"The result's link answers HTTP {response.status_code}: {without_query(url)}. Links are signed and die 30 "
        "days after the task ended; reading the task again (free) gives a fresh one while Kling keeps it."
    )


def _copy(response: requests.Response, target: IO[bytes], max_bytes: int) -> Download:
    digest, size = hashlib.sha256(), 0
    for chunk in response.iter_content(CHUNK_BYTES):
        size += len(chunk)
        if size > max_bytes:
            raise KlingResultError(f"The result is larger than the {max_bytes} bytes that are accepted.")
        digest.update(chunk)
        target.write(chunk)
    expected = response.headers.get("Content-Length")
    if expected is not None and int(expected) != size:
        raise KlingResultError(f"The download was cut: {size} of {expected} bytes arrived.")
    return Download(size, digest.hexdigest(), response.headers.get("Content-Type", ""))


def _check_address(url: str, settings: Settings) -> None:
    """Refuse links that would make this machine read its own network for somebody else."""
    if settings.allow_private_urls:
        return
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname:
        raise KlingResultError(
            f"The result's link is not https: {without_query(url)}. If this is the simulator or a relay that you "
            "trust, set allow_private_urls in the connection's extra."
        )
    for address in _addresses(parts.hostname, parts.port or 443, settings):
        if not ipaddress.ip_address(address).is_global:
            raise KlingResultError(
                f"The result's link leads to {address}, which is not a public address: {without_query(url)}. If this "
                "is the simulator or a relay that you trust, set allow_private_urls in the connection's extra."
            )


def _addresses(hostname: str, port: int, settings: Settings) -> list[str]:
    try:
        return [str(ipaddress.ip_address(hostname))]
    except ValueError:
        pass
    if settings.proxies:
        # Behind a proxy the name is often unknown here; the proxy resolves it and decides.
        return []
    try:
        found = socket.getaddrinfo(hostname, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise KlingResultError(f"The result's host {hostname!r} cannot be resolved: {error}.") from error
    return [str(entry[4][0]) for entry in found]
