"""
Callbacks: what Kling posts to a ``callback_url`` when the status of a task changes. Pure: the clock is an argument.

A callback is a hint, and :func:`verify` says whether Kling sent it. Read the task itself from Kling: retries, order
and timeouts of callbacks are not documented, and somebody may have recorded a callback and send it again.

Kling signs as https://www.standardwebhooks.com describes, once the account has a webhook secret in Kling's console.
Source: the page on callbacks of https://kling.ai/document-api, read 2026-11.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from airflow_provider_kling.api import task_record, webhook_secret
from airflow_provider_kling.exceptions import KlingCallbackError, KlingConfigurationError, KlingError
from airflow_provider_kling.utils.untrusted import clean_text

if TYPE_CHECKING:
    from airflow_provider_kling.models import Task

#: The largest body that is read. Kling documents no limit; a task's record has a few kilobytes.
MAX_BYTES = 1024 * 1024

#: Seconds by which a callback's timestamp may differ from this machine's clock, as Kling's page says.
TOLERANCE = 300.0

#: Signatures that are read in one header. Kling sends two while a secret is changed.
MAX_SIGNATURES = 8

_ID, _TIMESTAMP, _SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"
_HEADER_PATTERNS = {
    _ID: re.compile(r"[!-~]{1,256}"),
    _TIMESTAMP: re.compile(r"[0-9]{1,12}"),
    _SIGNATURE: re.compile(r"[ -~]{1,4096}"),
}
_VERSION = "v1,"


def verify(
    headers: Mapping[str, str],
    body: bytes,
    secret: str,
    now: float,
    *,
    endpoint: str = "",
    tolerance: float = TOLERANCE,
) -> Task:
    """
    Return the task that a signed callback is about, if Kling sent it.

    :param headers: of the request, in any case. ``webhook-id`` is the same when Kling sends a callback again.
    :param body: the raw body; one that was parsed and written anew has another signature.
    :param secret: of the account's webhook: ``whsec_`` and base64, with or without the prefix.
    :param now: epoch seconds, usually ``time.time()``.
    :param endpoint: the task's product, which no callback names.
    :param tolerance: seconds that the time in the headers may be apart from ``now``; default 300.
    :return: the task as the callback describes it. Read it from Kling before you rely on it.
    :raises KlingCallbackError: when it is not signed, not by this secret, not of now, too large, or about no task.
    :raises KlingConfigurationError: when the secret is none.
    """
    _check_size(body)
    key, values = _decode_secret(secret), {name: _header(headers, name) for name in _HEADER_PATTERNS}
    # Not "> tolerance": of a time that is no number neither is true.
    if not abs(now - int(values[_TIMESTAMP])) <= tolerance:
        raise KlingCallbackError(
            f"Check this machine's clock if Kling sent it: its time is not now. {_TIMESTAMP} is {values[_TIMESTAMP]}, "
            f"more than {tolerance:.0f} s from {now:.0f}."
        )
    signed = f"{values[_ID]}.{values[_TIMESTAMP]}.".encode() + body
    expected = hmac.digest(key, signed, hashlib.sha256)
    given = values[_SIGNATURE].split(" ", MAX_SIGNATURES)[:MAX_SIGNATURES]
    # The comparison takes the same time for any signature, so its duration reveals nothing of the expected one.
    if not any(hmac.compare_digest(expected, _decode_signature(signature)) for signature in given):
        raise KlingCallbackError(
            "Refuse it, or check the webhook secret: no signature fits the body. A body that was changed on its way, "
            "or parsed and written anew, fits none."
        )
    return read(body, endpoint=endpoint)


def read(body: bytes, *, endpoint: str = "") -> Task:
    """
    Return the task that a callback is about, whoever sent it.

    Without a webhook secret Kling signs nothing, and a receiver can do no more than this. Then anybody may have sent
    it: read the task from Kling.

    :param body: a bare task, in the words of either generation of the API.
    :param endpoint: the task's product, which no callback names.
    :raises KlingCallbackError: when it is too large or about no task.
    """
    _check_size(body)
    try:
        return task_record.read_task(json.loads(body), endpoint, "")
    except KlingError as error:
        raise KlingCallbackError(f"Refuse it: the body is no task of Kling's. {clean_text(error.message)}") from None
    except (ValueError, RecursionError) as error:
        raise KlingCallbackError(f"Refuse it: the body is no JSON. {clean_text(error, 100)}") from None


def _check_size(body: bytes) -> None:
    if not isinstance(body, bytes):
        raise KlingCallbackError(f"Give body as the raw bytes of the request: it is a {type(body).__name__}.")
    if len(body) > MAX_BYTES:
        raise KlingCallbackError(f"Refuse it: {len(body):,} bytes are no callback of Kling's. At most {MAX_BYTES:,}.")


def _decode_secret(secret: str) -> bytes:
    key = webhook_secret.key_of(secret)
    if not key:
        raise KlingConfigurationError(
            f"Give the webhook secret as Kling's console shows it: {webhook_secret.PREFIX} and base64. What was given "
            "is not that."
        )
    return key


def _header(headers: Mapping[str, str], name: str) -> str:
    if not isinstance(headers, Mapping):
        raise KlingCallbackError(f"Give headers as a mapping of names to text: it is a {type(headers).__name__}.")
    found = [value for key, value in headers.items() if isinstance(key, str) and key.lower() == name]
    if not found:
        raise KlingCallbackError(
            f"Refuse it, or set a webhook secret in Kling's console: it has no {name}. Without a secret Kling does not "
            "sign."
        )
    if (
        any(value != found[0] for value in found)
        or not isinstance(found[0], str)
        or not _HEADER_PATTERNS[name].fullmatch(found[0])
    ):
        raise KlingCallbackError(f"Refuse it: the header {name} has a form that Kling's never has.")
    return found[0]


def _decode_signature(signature: str) -> bytes:
    """Return the bytes of one signature; empty for a signature of another version."""
    try:
        return base64.b64decode(signature.removeprefix(_VERSION), validate=True) if signature[:3] == _VERSION else b""
    except binascii.Error:
        return b""
