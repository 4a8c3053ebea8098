"""Signs a request, sends it to Kling and reads the response; repeats it where that is free."""

from __future__ import annotations

import contextlib
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, NamedTuple

import pendulum
import requests

from airflow_provider_kling.api import envelope
from airflow_provider_kling.api.auth import AccessKeyPair, redact_credential
from airflow_provider_kling.api.connection_errors import REQUEST_ERRORS, explain, host_of, is_unsendable
from airflow_provider_kling.api.http_exchange import HttpExchange
from airflow_provider_kling.api.sender import Sender, iter_chunks
from airflow_provider_kling.exceptions import (
    KlingAuthenticationError,
    KlingConfigurationError,
    KlingConnectionError,
    KlingError,
    KlingResponseError,
    KlingValidationError,
)
from airflow_provider_kling.utils.untrusted import reason

if TYPE_CHECKING:
    from collections.abc import Mapping

    import tenacity

    from airflow_provider_kling.api.envelope import Response
    from airflow_provider_kling.api.limits import Limits
    from airflow_provider_kling.api.request import Request
    from airflow_provider_kling.api.settings import Settings

#: Codes for a token that is not valid yet, or no longer: a token signed with the right time is accepted.
CLOCK_CODES = (1003, 1004)


class _RawResponse(NamedTuple):
    """An HTTP response before it is read."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Transport:
    """
    The connection to one Kling account. Several threads may use it at once.

    A read (GET) is repeated with backoff and jitter: reads are free, not counted, and without a rate limit. A paid call
    (POST) is sent exactly once; :mod:`airflow_provider_kling.submission.protocol` decides what follows a doubtful
    outcome.

    :param settings: from the Airflow connection.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._sender = Sender(settings)

    def read(self, request: Request, *, tries: int | None = None) -> Response:
        """
        Send a request that is free and may be sent twice; send it again after a transient error.

        :param request: a GET, or a POST that only reads, or that changes nothing the second time.
        :param tries: how often it is sent before its error counts; default ``read_attempts`` of the limits.
        :raises KlingError: of the last try.
        """
        limits = self._settings.limits
        retry = _read_retry(limits.read_attempts if tries is None else tries, limits.read_max_wait)
        return retry(self.send_once, request)

    def send_once(self, request: Request) -> Response:
        """
        Send a request once. If Kling refuses the token because of its time, send it again, signed with Kling's time.

        That is no second submission: a request that was refused because of its token created nothing.

        :raises KlingError: the class that belongs to the failure.
        """
        now = pendulum.now("UTC").int_timestamp
        raw = self._send(request, now)
        try:
            return envelope.read(raw.status, raw.body)
        except KlingAuthenticationError as error:
            if error.code not in CLOCK_CODES or not isinstance(self._settings.credential, AccessKeyPair):
                raise
            skew = _server_time(raw, now) - now
        return _read_second_response(self._send(request, now + skew), skew)

    def close(self) -> None:
        """Close the sockets."""
        self._sender.close()

    def _send(self, request: Request, now: int) -> _RawResponse:
        prepared = self._prepare(request, now)
        seconds = self._settings.timeout_seconds + len(prepared.body or b"") / self._settings.limits.upload_rate
        with HttpExchange(seconds) as exchange:
            try:
                return self._receive(prepared, exchange)
            except REQUEST_ERRORS as error:
                problem = self._connection_error(error, prepared, exchange)
        raise problem

    def _receive(self, prepared: requests.PreparedRequest, exchange: HttpExchange) -> _RawResponse:
        with contextlib.closing(self._sender.send(prepared, exchange)) as response:
            body = _read_body(response, self._settings.limits)
        if exchange.expired:
            # A body without a length ends where its connection is shut down.
            raise TimeoutError
        # Before anything is read, so that no message, log line or XCom can repeat the credential.
        body = redact_credential(body, str(prepared.headers.get("Authorization", "")))
        return _RawResponse(response.status_code, response.headers, body)

    def _prepare(self, request: Request, now: int) -> requests.PreparedRequest:
        url = self._settings.base_url + request.path
        headers = {"Authorization": self._settings.credential.authorization(now)}
        try:
            return self._sender.prepare(
                request.method, url, params=request.params or None, json=request.json, headers=headers
            )
        except requests.exceptions.InvalidJSONError as error:
            raise KlingValidationError((f"The request cannot be written as JSON: {reason(error)}.",)) from None
        except ValueError as error:
            raise KlingConfigurationError(
                f"Check the connection's host {host_of(url)}: requests cannot use it.\n{type(error).__name__}"
            ) from None

    def _connection_error(
        self, error: Exception, prepared: requests.PreparedRequest, exchange: HttpExchange
    ) -> KlingError:
        url = str(prepared.url)
        words = explain(error, url, exchange, self._sender.proxy(url))
        if is_unsendable(error, exchange):
            return KlingConfigurationError(words)
        return KlingConnectionError(f"{words} ({prepared.method})", nothing_sent=not exchange.sent)


def _read_body(response: requests.Response, limits: Limits) -> bytes:
    body = bytearray()
    try:
        for chunk in iter_chunks(response, limits.chunk_bytes):
            body += chunk
            if len(body) > limits.response_bytes:
                raise KlingResponseError(
                    f"Check the connection's host: its response is larger than {limits.response_bytes >> 20} MiB.\n"
                    f"HTTP {response.status_code}",
                    http_status=response.status_code,
                )
    except requests.exceptions.ContentDecodingError as error:
        raise KlingResponseError(
            f"Check the connection's host: its response cannot be decompressed.\n"
            f"HTTP {response.status_code}, {reason(error)}",
            http_status=response.status_code,
        ) from None
    return bytes(body)


def _read_retry(tries: int, max_wait: float) -> tenacity.Retrying:
    import tenacity

    return tenacity.Retrying(
        retry=tenacity.retry_if_exception(lambda error: isinstance(error, KlingError) and error.transient),
        stop=tenacity.stop_after_attempt(tries),
        wait=tenacity.wait_random_exponential(multiplier=0.5, max=max_wait),
        reraise=True,
    )


def _server_time(raw: _RawResponse, default: int) -> int:
    """Return the server's clock, from its Date header; ours when it sends none that can be read."""
    with contextlib.suppress(KeyError, TypeError, ValueError, OverflowError):
        return int(parsedate_to_datetime(raw.headers["Date"]).timestamp())
    return default


def _read_second_response(raw: _RawResponse, skew: int) -> Response:
    try:
        return envelope.read(raw.status, raw.body)
    except KlingAuthenticationError as error:
        raise type(error)(
            error.code,
            error.kling_message,
            http_status=error.http_status,
            request_id=error.request_id,
            advice=f"Kling's clock is {skew:+d} s from this machine's, and a token signed with Kling's time was "
            "refused too: synchronise the clock (NTP) and check AccessKey and SecretKey.",
        ) from None
