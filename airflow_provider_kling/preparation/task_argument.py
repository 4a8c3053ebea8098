"""Reads the argument that names a Kling task: an id, or a manifest. Pure."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping
from typing import Any

from airflow_provider_kling.api.task_ref import TaskRef
from airflow_provider_kling.exceptions import KlingValidationError
from airflow_provider_kling.models import TaskStatus
from airflow_provider_kling.products.formatting import named
from airflow_provider_kling.utils.no_value import is_rendered_none

#: Kling's ids have 18 digits, external ids at most 64 characters.
MAX_ID_LENGTH = 128

#: A manifest of one task is below a tenth of this.
MAX_MANIFEST_LENGTH = 100_000

#: An id has no character with a meaning in a URL.
_ID = re.compile(r"(?!\.+\Z)[^\s/\\?#%]+")

#: The year 5138: a later time is not the time of a task, and a deadline after it has to be a date, too.
_MAX_MILLISECONDS = 10**14


def task_ref_of(value: Any, endpoint: Any) -> TaskRef:
    """
    Return the task that an argument names.

    :param value: Kling's task id or an external id, as text or as the number that native rendering makes of it; or a
        task's manifest, as it is or as a template prints it.
    :param endpoint: the product; a manifest knows its own.
    :raises KlingValidationError: when it names none.
    """
    manifest = read_manifest(value)
    if manifest is not None:
        value, endpoint = manifest.get("task_id"), manifest.get("endpoint") or endpoint
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 10**MAX_ID_LENGTH:
        value = str(value)
    text = value.strip() if isinstance(value, str) else ""
    # What begins like a manifest and is none was cut, or written wrongly.
    is_id = not text.startswith("{") and len(text) <= MAX_ID_LENGTH and text.isprintable() and _ID.fullmatch(text)
    if not is_id or is_rendered_none(text):
        raise KlingValidationError(
            [
                f"Give kling_task_id a task's id: {named('kling_task_id', value)} is none. It takes Kling's id, an "
                "external_task_id, or a manifest; a template without a value renders to the text None."
            ]
        )
    if not isinstance(endpoint, str):
        raise KlingValidationError([f"Give endpoint as text: {named('endpoint', endpoint)} names no product."])
    return TaskRef(endpoint.strip(), text)


def unfinished_since(value: Any) -> float | None:
    """
    Return when Kling accepted a task that had not ended when its manifest was written.

    :param value: what names the task.
    :return: epoch seconds by Kling's clock; ``None`` when it has ended, or the value does not say.
    """
    manifest = read_manifest(value) or {}
    created_at = manifest.get("created_at")
    if manifest.get("status") not in (TaskStatus.SUBMITTED, TaskStatus.PROCESSING):
        return None
    if not isinstance(created_at, int) or isinstance(created_at, bool) or not 0 < created_at < _MAX_MILLISECONDS:
        return None
    return created_at / 1000


def read_manifest(value: Any) -> Mapping[str, Any] | None:
    """
    Return a task's manifest, or ``None`` when this is none.

    :param value: what an operator returned, or the text that a template made of it: Python's, or JSON.
    """
    if isinstance(value, str) and value.lstrip().startswith("{") and len(value) <= MAX_MANIFEST_LENGTH:
        value = _read(value.strip())
    return value if isinstance(value, Mapping) else None


def _read(text: str) -> Any:
    """Read JSON or a Python literal: a template prints a dict as Python, unless it uses ``tojson``."""
    for read in (json.loads, ast.literal_eval):
        try:
            return read(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
            continue
    return None
