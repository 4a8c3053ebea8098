"""
An HTTP answer becomes data, or the right exception. The only place where that is decided.

Every answer of Kling is ``{code, message, request_id[, data]}``. Both the HTTP status and ``code`` are judged: a
refusal has been seen inside an HTTP 200, and HTTP 429 carries seven different codes. Relays send ``code`` as a string.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from airflow_provider_kling.exceptions import (
    KLING_CODES,
    UNKNOWN_CODE_ADVICE,
    CodeRow,
    KlingApiError,
    KlingDuplicateTaskError,
    KlingRequestError,
    KlingResponseError,
    KlingServerError,
    KlingTaskNotFoundError,
    particulars,
)
from airflow_provider_kling.foreign import foreign_text

#: Texts that tell one 1201 from another, in lower case; Kling overloads the code, only the message differs.
#: Measured by public clients in 2026-09: "External_task_id x already exists", "Task not found by id/external id: x".
DUPLICATE_TEXT = "already exist"
NOT_FOUND_TEXT = "not found by id"

#: How much of a foreign answer an error shows; enough to recognise a proxy's page.
SHOWN_CHARACTERS = 120


class Answer(NamedTuple):
    """Kling's data and its support handle."""

    data: Any
    request_id: str


def read(http_status: int, body: bytes) -> Answer:
    """
    Return the data of an accepted request.

    :param http_status: status of the HTTP answer.
    :param body: its body as it came.
    :raises KlingResponseError: when the body is not Kling's.
    :raises KlingApiError: the class that belongs to Kling's code.
    """
    envelope = _envelope(http_status, body)
    code = _code(envelope, http_status)
    request_id = str(envelope.get("request_id") or "")
    if code == 0 and http_status < 400:
        return Answer(envelope.get("data"), request_id)
    raise _error(code, str(envelope.get("message") or ""), http_status, request_id)


def _envelope(http_status: int, body: bytes) -> dict[str, Any]:
    try:
        envelope = json.loads(body)
    except ValueError:
        envelope = None
    if isinstance(envelope, dict) and "code" in envelope:
        return envelope
    shown = foreign_text(body[: 4 * SHOWN_CHARACTERS].decode("utf-8", "replace"), SHOWN_CHARACTERS) or "nothing"
    raise KlingResponseError(
        f"Check the connection's host: the answer is not Kling's. It is {shown!r}: something between here and Kling "
        f"answered, or the answer was cut.{particulars(http_status=http_status)}",
        http_status=http_status,
    )


def _code(envelope: dict[str, Any], http_status: int) -> int:
    try:
        return int(envelope["code"])
    except (TypeError, ValueError):
        shown = foreign_text(envelope["code"], SHOWN_CHARACTERS)
        raise KlingResponseError(
            f"Check the connection's host: the answer has no usable code. It is {shown!r}."
            f"{particulars(http_status=http_status)}",
            http_status=http_status,
        ) from None


def _error(code: int, message: str, http_status: int, request_id: str) -> KlingApiError:
    known = KLING_CODES.get(code)
    row = known or _row_of_unknown_code(http_status)
    advice = "" if known else row.advice
    return _class_of(row, message)(code, message, http_status=http_status, request_id=request_id, advice=advice)


def _row_of_unknown_code(http_status: int) -> CodeRow:
    if http_status >= 500:
        return CodeRow(KlingServerError, "Try again later: the server failed, with a code that is not Kling's.")
    return CodeRow(KlingRequestError, UNKNOWN_CODE_ADVICE)


def _class_of(row: CodeRow, message: str) -> type[KlingApiError]:
    if row.error is KlingRequestError:
        text = message.lower()
        if DUPLICATE_TEXT in text:
            return KlingDuplicateTaskError
        if NOT_FOUND_TEXT in text:
            return KlingTaskNotFoundError
    return row.error
