"""
Sends every HTTP request of this package, to Kling and to the hosts of its results.

``requests`` without its ``Session``: a session takes credentials from ``~/.netrc``, lets environment variables replace
the proxies and the CA bundle of the connection, keeps cookies and follows redirects. An adapter does none of that, and
several threads may use it at once.
"""

from __future__ import annotations

import functools
import logging
import ssl
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests
from requests.utils import default_headers, get_environ_proxies, select_proxy, should_bypass_proxies

from airflow_provider_kling.api.http_exchange import current_exchange
from airflow_provider_kling.api.sockets import CONNECT_TIMEOUT, Adapter
from airflow_provider_kling.exceptions import KlingConfigurationError
from airflow_provider_kling.utils.untrusted import clean_text, reason

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_kling.api.http_exchange import HttpExchange
    from airflow_provider_kling.api.settings import Settings

#: Transfer encodings that are read. Others, and several at once, can make gigabytes of one chunk.
ENCODINGS = ("", "identity", "gzip", "x-gzip", "deflate")

#: Idle sockets that are kept for one host: the threads of a triggerer send over one connection at once.
IDLE_SOCKETS = 32


class Sender:
    """
    Sends requests by the rules of one connection: its TLS, its proxies, its timeout.

    :param settings: from the Airflow connection. What they do not say comes from the environment.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._adapter = Adapter(pool_maxsize=IDLE_SOCKETS)
        _redact_urllib3_logs()

    def prepare(self, method: str, url: str, **parts: Any) -> requests.PreparedRequest:
        """
        Return the request as it will be sent; its ``url`` is the one to check.

        :param method: ``GET`` or ``POST``.
        :param url: where to.
        :param parts: ``params``, ``json`` and ``headers``, as requests takes them.
        :raises ValueError: when requests cannot make a request of it, or the body is no JSON.
        """
        headers = {**default_headers(), "Accept-Encoding": "gzip, deflate", **parts.pop("headers", {})}
        return requests.Request(method, url, headers=headers, **parts).prepare()

    def send(self, request: requests.PreparedRequest, exchange: HttpExchange) -> requests.Response:
        """
        Send it, once; the body of the response is still to be read.

        :raises KlingConfigurationError: when the CA bundle is unusable.
        """
        url = str(request.url)
        proxy = self.proxy(url)
        return self._adapter.send(
            request,
            stream=True,
            timeout=(min(CONNECT_TIMEOUT, max(exchange.seconds_left(), 0.001)), self._settings.timeout_seconds),
            # Reading the bundle takes as long as several requests; nothing is verified without TLS.
            verify=self._verify if url.startswith("https:") else True,
            proxies={urlsplit(url).scheme: proxy} if proxy else {},
        )

    def proxy(self, url: str) -> str | None:
        """
        Return the proxy for a URL: the connection's, else the environment's.

        The choice is requests' own: by scheme and host, ``all``, ``no_proxy``. An empty proxy means none.
        """
        own = self._settings.proxies
        if "no_proxy" in own and should_bypass_proxies(url, own["no_proxy"]):
            return None
        proxy = select_proxy(url, own)
        return select_proxy(url, get_environ_proxies(url)) if proxy is None else proxy or None

    def close(self) -> None:
        """Close the sockets."""
        self._adapter.close()

    @functools.cached_property
    def _verify(self) -> bool | str:
        return ca_bundle(self._settings.verify)


def iter_chunks(response: requests.Response, chunk_bytes: int) -> Iterator[bytes]:
    """
    Read the body of a response, decoded, in chunks of bounded size.

    :param response: whose body was not read yet.
    :param chunk_bytes: bytes that are read at a time, before they are decoded.
    :raises requests.RequestException: when it breaks off, or is encoded in a way that was not asked for.
    """
    encoding = response.headers.get("Content-Encoding", "").strip().lower()
    if encoding not in ENCODINGS:
        raise requests.exceptions.ContentDecodingError(f"Content-Encoding {clean_text(encoding, 50)!r}")
    return response.iter_content(chunk_bytes)  # type: ignore[no-any-return,unused-ignore]


def ca_bundle(verify: bool | str) -> bool | str:
    """
    Return what certificates are checked against.

    :param verify: the connection's; ``True`` says that they are checked and leaves the bundle to the environment.
    :raises KlingConfigurationError: when the file is none, or holds no certificates.
    """
    from os import environ

    names = {name: environ.get(name, "") for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")}
    found = [(name, value) for name, value in names.items() if value]
    source, path = ("verify in extra", verify) if verify is not True else next(iter(found), ("", True))
    if isinstance(path, str):
        where = Path(path)
        try:
            if where.exists() and not (where.is_file() or where.is_dir()):
                raise ValueError("a device or a pipe, which may have no end")
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.load_verify_locations(**({"capath": path} if where.is_dir() else {"cafile": path}))
        except (OSError, ValueError) as error:
            raise KlingConfigurationError(
                f"Check {source}: no CA certificates could be read there.\n"
                f"It is {clean_text(path, 200)!r}; it takes the path of a CA bundle in PEM form ({reason(error)})."
            ) from None
    return path


class _RedactQueries(logging.Filter):
    """urllib3 writes the path of every request at DEBUG; that of a result holds its signature."""

    def filter(self, record: logging.LogRecord) -> bool:
        if current_exchange() is not None and isinstance(record.args, tuple):
            record.args = tuple(
                f"{value.partition('?')[0]}?…" if isinstance(value, str) and "?" in value else value
                for value in record.args
            )
        return True


_REDACT_QUERIES = _RedactQueries()


def _redact_urllib3_logs() -> None:
    # Adding the same filter again does nothing; Airflow may have configured its logging anew since the last time.
    logging.getLogger("urllib3.connectionpool").addFilter(_REDACT_QUERIES)
