"""
Turns an HTTP response into data, or into the right exception. Only this module decides which.

Every response of Kling is ``{code, message, request_id[, data]}``. Both the HTTP status and ``code`` count: an error
has been observed inside an HTTP 200, and HTTP 429 carries seven different codes.

Relays send ``code`` as text, as a word, as 200 for success, or not at all. Only codes of Kling's own table are certain.
With another code, a response that names a task is read as a success; one that names none proves no refusal.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from airflow_provider_kling.api import task_record, values
from airflow_provider_kling.api.response_errors import raises_response_error
from airflow_provider_kling.exceptions import (
    KLING_CODES,
    REQUEST_ID_CHARACTERS,
    KlingApiError,
    KlingDuplicateTaskError,
    KlingRequestError,
    KlingResponseError,
    KlingServerError,
    KlingTaskNotFoundError,
    error_details,
    quoted,
)
from airflow_provider_kling.utils.untrusted import clean_text

#: Texts, in lower case, that distinguish the meanings of code 1201: only its message differs.
#: Measured by public clients in 2026-09: "External_task_id x already exists", "Task not found by id/external id: x".
DUPLICATE_TEXT = "already exist"
NOT_FOUND_TEXT = "not found by id"

#: How much of an unexpected response an error shows; enough to recognise a proxy's page.
SHOWN_CHARACTERS = 120

#: What relays say for Kling's 0.
SUCCESS_WORDS = frozenset({"success", "succeed", "succeeded", "ok", "true"})
RELAY_SUCCESS = frozenset({200, 201})

#: More digits are no service code.
_LARGEST_CODE = 10**9

#: HTTP statuses below 500 after which a later try may succeed.
_TRANSIENT_STATUSES = frozenset({408, 425, 429})


class Response(NamedTuple):
    """``data`` and ``request_id`` of a response that Kling's ``code`` calls a success."""

    data: Any
    request_id: str


@raises_response_error
def read(http_status: int, body: bytes) -> Response:
    """
    Return the data of an accepted request.

    :param http_status: status of the HTTP response.
    :param body: its body as it came.
    :raises KlingResponseError: when the body is not Kling's, or says neither yes nor no.
    :raises KlingApiError: the class that belongs to Kling's code.
    """
    envelope = _envelope(http_status, body)
    code = service_code(envelope.get("code"))
    request_id = values.text(envelope.get("request_id"), REQUEST_ID_CHARACTERS)
    if http_status < 400:
        accepted = code == 0 or code in RELAY_SUCCESS
        if accepted or (code not in KLING_CODES and task_record.holds_task_or_result(envelope)):
            return Response(_data(envelope), request_id)
    message = values.text(values.first(envelope, "message", "msg"))
    if code is None or (http_status < 400 and code not in KLING_CODES):
        raise _no_usable_code(envelope, message, http_status, request_id)
    raise api_error(code, message, http_status=http_status, request_id=request_id)


def _envelope(http_status: int, body: bytes) -> dict[str, Any]:
    try:
        envelope = json.loads(body)
    except (ValueError, RecursionError):
        envelope = None
    if isinstance(envelope, dict) and (
        "code" in envelope or (http_status < 400 and task_record.holds_task_or_result(envelope))
    ):
        return envelope
    shown = clean_text(body[: 4 * SHOWN_CHARACTERS].decode("utf-8", "replace"), SHOWN_CHARACTERS) or "nothing"
    raise KlingResponseError(
        f"Check the connection's host: the response is not Kling's. It is {shown!r}: something between here and Kling "
        f"responded, or the response was cut.{error_details(http_status=http_status)}",
        http_status=http_status,
    )


def _data(envelope: dict[str, Any]) -> Any:
    """Return what an accepted response holds; some relays put the task beside ``code`` instead of into ``data``."""
    data = envelope.get("data")
    return envelope if not data and task_record.holds_task_or_result(envelope) else data


def service_code(value: Any) -> int | None:
    """
    Return a service code as a number, 0 for a word of success, or ``None`` when it is neither.

    :param value: a number, text, or ``true``; relays send each of them.
    """
    if value is True or (isinstance(value, str) and value.strip().lower() in SUCCESS_WORDS):
        return 0
    read = values.number(value)
    if read is None or read != int(read) or abs(read) >= _LARGEST_CODE:
        return None
    return int(read)


def _no_usable_code(envelope: dict[str, Any], message: str, http_status: int, request_id: str) -> KlingResponseError:
    shown = clean_text(envelope.get("code"), SHOWN_CHARACTERS) or "nothing"
    return KlingResponseError(
        f"Check the connection's host: the response has no usable code. {shown!r} is not Kling's."
        f"{quoted(message, 'It')}{error_details(http_status=http_status, request_id=request_id)}",
        http_status=http_status,
    )


def api_error(code: int, message: str, *, http_status: int, request_id: str) -> KlingApiError:
    """
    Return the error that a code means.

    :param code: the service code.
    :param message: Kling's words; of a 1201 only they give the meaning.
    :param http_status: status of the HTTP response; decides about codes that Kling's table does not know.
    :param request_id: Kling's support handle.
    """
    row = KLING_CODES.get(code)
    if row is not None:
        kind = _error_class(row.error, message)
        return kind(code, message, http_status=http_status, request_id=request_id)
    if http_status >= 500 or http_status in _TRANSIENT_STATUSES:
        advice = "Try again later: the server failed, with a code that is not Kling's."
        return KlingServerError(code, message, http_status=http_status, request_id=request_id, advice=advice)
    return KlingRequestError(code, message, http_status=http_status, request_id=request_id)


def _error_class(kind: type[KlingApiError], message: str) -> type[KlingApiError]:
    if kind is KlingRequestError:
        text = message.lower()
        if DUPLICATE_TEXT in text:
            return KlingDuplicateTaskError
        if NOT_FOUND_TEXT in text:
            return KlingTaskNotFoundError
    return kind
