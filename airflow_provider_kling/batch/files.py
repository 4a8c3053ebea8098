"""JSON Lines on object storage, whole or not at all."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

from airflow_provider_kling.storage import object_storage_path, put

if TYPE_CHECKING:
    from collections.abc import Iterable


def write_lines(uri: str, lines: Iterable[dict[str, Any]], conn_id: str | None) -> None:
    """
    Replace a file; a reader sees the old one or the new one.

    :param uri: any ``ObjectStoragePath`` URI, or a path.
    :param lines: one object for each line.
    :param conn_id: Airflow connection of the storage.
    """
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    write_bytes(uri, text.encode(), conn_id)


def write_bytes(uri: str, content: bytes, conn_id: str | None) -> None:
    """Replace a file as :func:`write_lines` does."""
    put(io.BytesIO(content), object_storage_path(uri, conn_id))


def read_lines(uri: str, conn_id: str | None) -> list[dict[str, Any]]:
    """
    Read a file of JSON objects; blank lines are skipped.

    :raises FileNotFoundError: when there is none.
    :raises ValueError: when a line is no JSON object; it names the line.
    """
    with object_storage_path(uri, conn_id).open("rb") as stream:
        text = stream.read().decode("utf-8-sig")
    return [_object(line, number, uri) for number, line in enumerate(text.splitlines(), 1) if line.strip()]


def _object(line: str, number: int, uri: str) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except ValueError as error:
        raise ValueError(f"line {number} of {uri} is not JSON ({error}); give one object on each line") from error
    if not isinstance(value, dict):
        raise ValueError(f"line {number} of {uri} is not a JSON object; give {{field: value}}")  # noqa: TRY004 - one error for a bad file
    return value


def exists(uri: str, conn_id: str | None) -> bool:
    """Whether there is such a file."""
    return bool(object_storage_path(uri, conn_id).exists())
