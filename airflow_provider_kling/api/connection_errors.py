"""Why no response came, in a sentence that begins with what to do about it. Pure."""

from __future__ import annotations

import http.client
import socket
import ssl
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import requests
import urllib3

from airflow_provider_kling.utils.untrusted import clean_text, reason

if TYPE_CHECKING:
    from airflow_provider_kling.api.http_exchange import HttpExchange

#: What sending a request and reading its response can raise.
REQUEST_ERRORS = (
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    http.client.HTTPException,
    OSError,
    ValueError,
)

#: What a TLS handshake says when the other side speaks plain HTTP, in the words of OpenSSL's versions.
_NO_TLS = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNKNOWN_PROTOCOL", "PACKET_LENGTH_TOO_LONG", "RECORD_LAYER_FAILURE")

#: Errors of a request that cannot be sent at all, whatever the network does.
_UNSENDABLE = (
    requests.exceptions.InvalidHeader,
    requests.exceptions.InvalidSchema,
    requests.exceptions.InvalidURL,
    requests.exceptions.MissingSchema,
    urllib3.exceptions.LocationValueError,
    UnicodeError,
)


def is_unsendable(error: Exception, exchange: HttpExchange) -> bool:
    """Whether the request can never be sent, because its URL, a header or its proxy is invalid."""
    return isinstance(error, _UNSENDABLE) and not exchange.sent


def explain(error: Exception, url: str, exchange: HttpExchange, proxy: str | None) -> str:
    """
    Return what to do and, on the next line, what happened.

    It holds neither a path nor a query, header or password; raise it ``from None``.

    :param error: one of :data:`REQUEST_ERRORS`.
    :param url: where the request went.
    :param exchange: the exchange that failed.
    :param proxy: the proxy that was used.
    """
    cause = _root_cause(error)
    # Errors of requests and urllib3 repeat the URL's path; those of the operating system do not.
    of_system = isinstance(cause, (OSError, http.client.HTTPException)) and not isinstance(
        cause, requests.RequestException
    )
    words = reason(cause) if of_system else type(cause).__name__
    if is_unsendable(error, exchange):
        where = f"proxy {host_of(proxy)} for {host_of(url)}" if proxy else f"address {host_of(url)}"
        # The text of other errors repeats the URL, and with it a signature.
        harmless = isinstance(error, (requests.exceptions.InvalidSchema, requests.exceptions.InvalidProxyURL))
        return f"Check the {where}: requests cannot use it.\n{reason(error) if harmless else type(error).__name__}"
    if proxy and not exchange.sent:
        return f"Check the proxy {host_of(proxy)}: no connection through it.\nTo {host_of(url)}: {words}"
    late = f" (it has {exchange.seconds:.0f} s)" if exchange.expired else ""
    return f"{_advice(cause, host_of(url), exchange)}\n{words}{late}"


def host_of(url: str | None) -> str:
    """Return host and port of a URL, without a login; fit for a sentence."""
    try:
        url = url or ""
        return clean_text(urlsplit(url if "://" in url else f"//{url}").netloc.rpartition("@")[2], 60)
    except ValueError:
        return "?"


def _advice(cause: BaseException, host: str, exchange: HttpExchange) -> str:
    if exchange.sent:
        timed_out = exchange.expired or isinstance(cause, (TimeoutError, urllib3.exceptions.TimeoutError))
        what = f"{host} did not respond in time" if timed_out else f"the connection to {host} broke off"
        return f"Try again later: {what}."
    # urllib3 has a class of its own for a name that does not match, at another place in each of its versions.
    if isinstance(cause, ssl.SSLCertVerificationError) or type(cause).__name__ == "CertificateError":
        return f"Check verify in the connection: {host} shows a certificate that is not trusted."
    if exchange.connected:
        # An old server waits for the end of a line, which a TLS greeting does not have, and says nothing at all.
        plain = isinstance(cause, ssl.SSLError) and any(
            word in str(cause).upper().replace(" ", "_") for word in _NO_TLS
        )
        return f"Write http:// before the host {host}{': it responds' if plain else ' if it is'} without TLS."
    if isinstance(cause, socket.gaierror):
        return f"Check the host {host}: its name cannot be found (DNS)."
    if isinstance(cause, ConnectionRefusedError):
        return f"Check the host {host}: it refuses connections (nothing listens there)."
    return f"Check the network and the host {host}: no connection to it."


def _root_cause(error: BaseException) -> BaseException:
    """Return the error at the bottom: requests wraps urllib3's, which wraps the system's."""
    for _ in range(10):
        inner = [getattr(error, "reason", None), error.__cause__, *error.args]
        deeper = next((error for error in inner if isinstance(error, BaseException)), None)
        if deeper is None:
            break
        error = deeper
    return error
