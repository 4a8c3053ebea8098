"""
A sound that is sent as its content: base64 of an MP3, WAV, M4A or AAC file of at most 5 MB.

Source: lip sync page of https://kling.ai/document-api, classic API, read 2026-11. All other sounds go by link, see
:mod:`.media_link`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from typing import Any

from airflow_provider_kling.preparation.files import is_existing_path, is_link, is_uri, read_file, read_stored, read_uri
from airflow_provider_kling.products.formatting import is_inline, named, shown
from airflow_provider_kling.products.header_bytes import is_wav
from airflow_provider_kling.products.media import FileLoadError, InlineImage, LoadedFile

MAX_SOUND_BYTES = 5 * 1024 * 1024

_TAKEN = "a path, a storage URI, bytes or base64 of an MP3, WAV, M4A or AAC file is understood"


def load_sound(value: Any, *, field: str, conn_id: str | None = None) -> LoadedFile:
    """
    Turn a sound into base64.

    :param value: a local path, an object-storage URI or path object, bytes, a ``data:`` URI or base64.
    :param field: the field's name, for sentences.
    :param conn_id: Airflow connection for an object-storage URI.
    :raises FileLoadError: it cannot be read, is larger than 5 MB, or is no sound that Kling takes.
    :raises KlingStorageError: the storage does not answer now; a retry may find it.
    """
    data = _content(value.content if isinstance(value, InlineImage) else value, field, conn_id)
    if len(data) > MAX_SOUND_BYTES:
        raise FileLoadError(
            f"Cut {field}, or save it as MP3: it is larger than {MAX_SOUND_BYTES} bytes (5 MB), Kling's limit for "
            "a sound."
        )
    if not _is_sound(data):
        raise FileLoadError(f"Give {field} a sound: it is no MP3, WAV, M4A or AAC file; {_TAKEN}.")
    return LoadedFile(base64.b64encode(data).decode("ascii"), hashlib.sha256(data).hexdigest())


def _content(value: Any, field: str, conn_id: str | None) -> bytes:
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    if isinstance(value, str):
        return _from_text(value.strip(), field, conn_id)
    if hasattr(value, "protocol") and hasattr(value, "path"):  # before PathLike, which older ObjectStoragePaths are
        return read_stored(value, field, str(value), MAX_SOUND_BYTES)
    if isinstance(value, os.PathLike):
        return read_file(os.fsdecode(value), field, MAX_SOUND_BYTES)
    raise FileLoadError(
        f"Give {field} as a path or a storage URI: it has the type {shown(type(value).__name__)[1:-1]}; {_TAKEN}."
    )


def _from_text(text: str, field: str, conn_id: str | None) -> bytes:
    if is_link(text):
        raise FileLoadError(f"Give a link as audio_url: {named(field, text)} is one, and {field} is for content.")
    if is_existing_path(text):
        return read_file(text, field, MAX_SOUND_BYTES)
    if is_inline(text):
        return _decoded(text, field)
    if is_uri(text):
        return read_uri(text, field, conn_id, MAX_SOUND_BYTES)
    raise FileLoadError(f"Check the path of {field}: there is no such file here, {named(field, text)}; {_TAKEN}.")


def _decoded(text: str, field: str) -> bytes:
    if text[:5].lower() == "data:":
        text = text.partition(",")[2]
    if len(text) > 2 * MAX_SOUND_BYTES:  # base64 needs 4/3; what is longer is refused for its size
        return b" " * (MAX_SOUND_BYTES + 1)
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise FileLoadError(f"Give {field} whole base64: what was given cannot be decoded; {_TAKEN}.") from None


def _is_sound(data: bytes) -> bool:
    """Whether it begins as MP3 or AAC frames, an ID3 tag, a WAV file or an MP4 container does."""
    frames = len(data) > 1 and data[0] == 0xFF and data[1] & 0xE0 == 0xE0
    return frames or data[:3] == b"ID3" or is_wav(data) or data[4:8] == b"ftyp"
