"""One request to Kling's API and its answer: signing, sending, and repeating what is free to repeat."""

from __future__ import annotations

import contextlib
import threading
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import pendulum

from airflow_provider_kling.api import envelope
from airflow_provider_kling.api.auth import AccessKeyPair
from airflow_provider_kling.exceptions import KlingAuthenticationError, KlingConnectionError, KlingError

if TYPE_CHECKING:
    import requests
    import tenacity

    from airflow_provider_kling.api.envelope import Answer
    from airflow_provider_kling.api.request import Request
    from airflow_provider_kling.connection import Settings

#: Seconds to establish a connection; a host that does not answer by then is down.
CONNECT_TIMEOUT = 5.0

#: How often a read is sent before its error counts.
READ_ATTEMPTS = 4

#: The longest pause between two reads, in seconds.
READ_MAX_WAIT = 10.0

#: Codes for a token that is not valid yet, or no longer: the two that a new signature can mend.
CLOCK_CODES = (1003, 1004)


class Transport:
    """
    The connection to one Kling account.

    A read (GET) is repeated with backoff and jitter: reads are free, not counted, and without a rate limit. A paid call
    (POST) is sent exactly once; what to do about its doubtful outcomes is :mod:`airflow_provider_kling.submission`'s.

    :param settings: from the Airflow connection.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._session = _new_session(settings)
        # One requests.Session is not promised to be safe in two threads at once; the triggerer may share this object.
        self._lock = threading.Lock()

    def read(self, request: Request) -> Answer:
        """
        Send a GET, again if that can help.

        :raises KlingError: of the last try.
        """
        return _read_retry()(self.send_once, request)

    def send_once(self, request: Request) -> Answer:
        """
        Send a request once; a token that Kling's clock refuses is signed again with Kling's own time, once.

        That second signature is no second submission: what was refused by its token created nothing.

        :raises KlingError: the class that belongs to the failure.
        """
        now = pendulum.now("UTC").int_timestamp
        with self._lock:
            response = self._exchange(request, now)
            try:
                return envelope.read(response.status_code, response.content)
            except KlingAuthenticationError as error:
                if error.code not in CLOCK_CODES or not isinstance(self._settings.credential, AccessKeyPair):
                    raise
                skew = _server_time(response, now) - now
                again = self._exchange(request, now + skew)
            return _read_second_answer(again, skew)

    def close(self) -> None:
        """Close the sockets."""
        self._session.close()

    def _exchange(self, request: Request, now: int) -> requests.Response:
        import requests

        settings = self._settings
        try:
            return self._session.request(
                request.method,
                settings.base_url + request.path,
                params=request.params or None,
                json=request.json,
                headers={"Authorization": settings.credential.authorization(now)},
                timeout=(CONNECT_TIMEOUT, settings.timeout_seconds),
                # A redirected POST would become a GET, and the credential would follow it to another host.
                allow_redirects=False,
            )
        except requests.RequestException as error:
            raise KlingConnectionError(
                f"No answer from Kling to {request.method} {request.path}: {type(error).__name__}. "
                "Check the network, and the host of the connection."
            ) from error


def _new_session(settings: Settings) -> requests.Session:
    import requests

    session = requests.Session()
    session.verify = settings.verify
    session.proxies.update(settings.proxies)
    # Without this a ~/.netrc entry for the host would replace the Authorization header.
    session.auth = _keep_authorization
    return session


def _keep_authorization(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _read_retry() -> tenacity.Retrying:
    import tenacity

    return tenacity.Retrying(
        retry=tenacity.retry_if_exception(lambda error: isinstance(error, KlingError) and error.transient),
        stop=tenacity.stop_after_attempt(READ_ATTEMPTS),
        wait=tenacity.wait_random_exponential(multiplier=0.5, max=READ_MAX_WAIT),
        reraise=True,
    )


def _server_time(response: requests.Response, default: int) -> int:
    """Return the server's clock, from its Date header; ours when it sends none that can be read."""
    with contextlib.suppress(KeyError, TypeError, ValueError):
        return int(parsedate_to_datetime(response.headers["Date"]).timestamp())
    return default


def _read_second_answer(response: requests.Response, skew: int) -> Answer:
    try:
        return envelope.read(response.status_code, response.content)
    except KlingAuthenticationError as error:
        raise type(error)(
            error.code,
            error.kling_message,
            http_status=error.http_status,
            request_id=error.request_id,
            advice=f"Kling's clock is {skew:+d} s from this machine's, and a token signed with Kling's time was "
            "refused too: synchronise the clock (NTP) and check AccessKey and SecretKey.",
        ) from None
