"""The body of every JSON response, ``{code, message, request_id[, data]}``, and Kling's table of codes.

Messages of 1001, 1002, 1102, 1201 and 1303 were seen on live servers; the default texts of the other codes were not
observed and follow their style.
"""

from __future__ import annotations

import uuid
from typing import Any, Final

#: Kling documentation, error codes: code -> HTTP status and the message used when no better one is known.
CODES: Final[dict[int, tuple[int, str]]] = {
    1000: (401, "Authentication failed"),
    1001: (401, "Authorization is empty"),
    1002: (401, "api key not found"),
    1003: (401, "Authorization is not yet valid"),
    1004: (401, "Authorization has expired"),
    1100: (429, "Account exception"),
    1101: (429, "Account in arrears"),
    1102: (429, "Account balance not enough"),
    1103: (403, "no permission for this resource"),
    1200: (400, "Invalid request parameters"),
    1201: (400, "Invalid request parameters"),
    1202: (404, "method invalid"),
    1203: (404, "resource does not exist"),
    1300: (400, "platform policy triggered"),
    1301: (400, "content security policy triggered"),
    1302: (429, "requests too frequent"),
    1303: (429, "parallel task over resource pack limit"),
    1304: (429, "IP allow-list policy triggered"),
    5000: (500, "Server internal error"),
    5001: (503, "server unavailable"),
    5002: (504, "Server internal timeout"),
}


class KlingError(Exception):
    """An error response: a code and a message, no data.

    :param code: Kling's service code.
    :param message: the text; the table's own text if empty.
    :param http_status: overrides the status of the table; required for a code that is not in it.
    """

    def __init__(self, code: int, message: str = "", *, http_status: int | None = None) -> None:
        known_status, known_message = CODES.get(code, (500, "unknown error"))
        self.code = code
        self.message = message or known_message
        self.http_status = http_status or known_status
        super().__init__(f"{self.code}: {self.message}")


def success_body(data: Any) -> dict[str, Any]:
    """Body of a successful response."""
    return {"code": 0, "message": "SUCCEED", "request_id": str(uuid.uuid4()), "data": data}


def error_body(error: KlingError) -> dict[str, Any]:
    """Body of an error response; it has no ``data`` key."""
    return {"code": error.code, "message": error.message, "request_id": str(uuid.uuid4())}
