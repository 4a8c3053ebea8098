"""JSON Lines files in object storage, written whole or not at all."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from airflow_provider_kling.batch.item import encode_line
from airflow_provider_kling.results import object_files
from airflow_provider_kling.utils._airflow.object_storage import place_of
from airflow_provider_kling.utils.untrusted import clean_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

#: The largest file that is read, in bytes; a plan of 100,000 items has a fifth of this.
MAX_BYTES = 256 << 20


def write_lines(uri: str, lines: Iterable[Mapping[str, Any]], conn_id: str | None) -> None:
    """
    Replace a file; a reader sees the old one or the new one.

    :param uri: any ``ObjectStoragePath`` URI, or a path.
    :param lines: one object for each line.
    :param conn_id: Airflow connection of the storage.
    :raises KlingStorageError: when the storage refuses.
    """
    write_chunks(uri, map(encode_line, lines), conn_id)


def write_chunks(uri: str, chunks: Iterable[bytes], conn_id: str | None) -> None:
    """Replace a file as :func:`write_lines` does, without holding all of it in memory."""
    object_files.put_chunks(chunks, place_of(uri, conn_id))


def write_bytes(uri: str, content: bytes, conn_id: str | None) -> None:
    """Replace a file as :func:`write_lines` does."""
    object_files.put_bytes(content, place_of(uri, conn_id))


def read_lines(uri: str, conn_id: str | None, *, max_bytes: int = MAX_BYTES) -> list[dict[str, Any]]:
    """
    Read a file of JSON objects; blank lines are skipped.

    :param uri: any ``ObjectStoragePath`` URI, or a path.
    :param conn_id: Airflow connection of the storage.
    :param max_bytes: the largest file that is read.
    :raises FileNotFoundError: when there is none.
    :raises ValueError: when a line is no JSON object; it names the line. Also when the file is too large.
    :raises KlingStorageError: when the storage refuses.
    """
    return [value for _, value in each_line(uri, conn_id, max_bytes=max_bytes)]


def each_line(uri: str, conn_id: str | None, *, max_bytes: int = MAX_BYTES) -> Iterator[tuple[bytes, dict[str, Any]]]:
    """
    Yield each line as bytes and as an object; see :func:`read_lines`.

    :param uri: any ``ObjectStoragePath`` URI, or a path.
    :param conn_id: Airflow connection of the storage.
    :param max_bytes: the largest file that is read.
    """
    content = object_files.read_bytes(place_of(uri, conn_id), max_bytes + 1)
    if len(content) > max_bytes:
        raise ValueError(f"{clean_text(uri)} has more than {max_bytes >> 20} MiB; split it")
    for number, line in enumerate(_lines_of(content), 1):
        if line.strip():
            yield line, _object(line, number, uri)


def _lines_of(content: bytes) -> Iterator[bytes]:
    # Only a line feed ends a line: text may hold the other characters that str.splitlines() knows. Not split(): it
    # makes a hundred thousand lines in one call, during which no other thread runs.
    start = len(b"\xef\xbb\xbf") if content.startswith(b"\xef\xbb\xbf") else 0
    while (end := content.find(b"\n", start)) >= 0:
        yield content[start:end]
        start = end + 1
    yield content[start:]


def _object(line: bytes, number: int, uri: str) -> dict[str, Any]:
    where = f"line {number} of {clean_text(uri)}"
    try:
        value = json.loads(line.decode())
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{where} is not JSON ({clean_text(error)}); give one object on each line") from None
    if not isinstance(value, dict):
        raise ValueError(f"{where} is not a JSON object; give {{field: value}}")  # noqa: TRY004 - one error for a bad file
    return value


def exists(uri: str, conn_id: str | None) -> bool:
    """
    Whether there is such a file.

    :raises KlingStorageError: when the storage cannot be asked.
    """
    return object_files.exists(place_of(uri, conn_id))


def discard(uris: Sequence[str], folders: Sequence[str], conn_id: str | None) -> None:
    """
    Delete files that nobody needs, as far as the storage lets us.

    :param uris: of the files, on one storage.
    :param folders: that are deleted afterwards when they are empty, inner ones first; with a slash at the end.
    :param conn_id: Airflow connection of the storage.
    """
    object_files.discard([place_of(uri, conn_id) for uri in uris])
    for uri in folders:
        object_files.discard_empty_folder(place_of(uri.rstrip("/"), conn_id))
