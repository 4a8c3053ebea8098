"""Applies faults to a response: replaces it or alters its content."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from airflow_provider_kling.simulator.api import Response
from airflow_provider_kling.simulator.envelope import KlingError, error_body
from airflow_provider_kling.simulator.results import CONTENT_TYPES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_kling.simulator.faults import Fault

#: Content types that ``truncate_video`` and ``corrupt_video`` damage: the files of results.
RESULT_TYPES: Final = frozenset(CONTENT_TYPES.values())

BAD_GATEWAY: Final = b"<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"

#: Bytes at the beginning of a file that ``corrupt_video`` keeps, so that its type can still be recognized.
INTACT_HEAD: Final = 32


def replacement_response(fault: Fault) -> Response:
    """The response of the faults ``error``, ``empty`` and ``html``."""
    if fault.kind == "empty":
        return Response(fault.http_status or 200, b"")
    if fault.kind == "html":
        return Response(fault.http_status or 502, BAD_GATEWAY, "text/html")
    error = KlingError(fault.code or 0, fault.message, http_status=fault.http_status)
    return Response(error.http_status, json.dumps(error_body(error)).encode())


def alter_response(response: Response, faults: Sequence[Fault]) -> Response:
    """The service's response with the faults that alter its content applied."""
    for fault in faults:
        match fault.kind:
            case "code_as_string" if response.content_type == "application/json":
                payload = json.loads(response.body)
                payload["code"] = str(payload["code"])
                response = replace(response, body=json.dumps(payload).encode())
            case "http_200":
                response = replace(response, status=200)
            case "truncate_video" if response.content_type in RESULT_TYPES:
                response = replace(response, body=response.body[: len(response.body) // 2])
            case "corrupt_video" if response.content_type in RESULT_TYPES:
                noise = bytes(byte ^ 0xA5 for byte in response.body[INTACT_HEAD:])
                response = replace(response, body=response.body[:INTACT_HEAD] + noise)
    return response
