"""Applies faults to an answer: replaces it, or alters its content."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from airflow_provider_kling.simulator.api import Answer
from airflow_provider_kling.simulator.envelope import KlingError, refused
from airflow_provider_kling.simulator.results import CONTENT_TYPES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_kling.simulator.faults import Fault

#: What ``truncate_video`` and ``corrupt_video`` can damage: the files of results.
RESULT_TYPES: Final = frozenset(CONTENT_TYPES.values())

BAD_GATEWAY: Final = b"<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"

#: A file keeps this many bytes at its head when it is corrupted: the file type stays, the rest is noise.
INTACT_HEAD: Final = 32


def replacement_answer(fault: Fault) -> Answer:
    """The answer that ``error``, ``empty`` and ``html`` give instead of the service."""
    if fault.kind == "empty":
        return Answer(fault.http_status or 200, b"")
    if fault.kind == "html":
        return Answer(fault.http_status or 502, BAD_GATEWAY, "text/html")
    error = KlingError(fault.code or 0, fault.message, http_status=fault.http_status)
    return Answer(error.http_status, json.dumps(refused(error)).encode())


def alter_answer(answer: Answer, faults: Sequence[Fault]) -> Answer:
    """The service's answer after the faults that alter its content."""
    for fault in faults:
        match fault.kind:
            case "code_as_string" if answer.content_type == "application/json":
                payload = json.loads(answer.body)
                payload["code"] = str(payload["code"])
                answer = replace(answer, body=json.dumps(payload).encode())
            case "http_200":
                answer = replace(answer, status=200)
            case "truncate_video" if answer.content_type in RESULT_TYPES:
                answer = replace(answer, body=answer.body[: len(answer.body) // 2])
            case "corrupt_video" if answer.content_type in RESULT_TYPES:
                noise = bytes(byte ^ 0xA5 for byte in answer.body[INTACT_HEAD:])
                answer = replace(answer, body=answer.body[:INTACT_HEAD] + noise)
    return answer
