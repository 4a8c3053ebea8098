"""
XComs that Airflow's own backend for object storage keeps there, as its API server can read them: that runs no backend.

A Dag can push any text. So a text counts as a reference only where the backend writes what this Dag pushes, and what
stands there is read as plain JSON, of which nothing becomes an object. Run with provider ``common.io`` 1.11.0.
"""

from __future__ import annotations

from typing import Any

from airflow.configuration import conf

from airflow_provider_kling.utils._airflow.object_storage import Place, place_of
from airflow_provider_kling.utils._airflow.run_reader import MAX_VALUE

#: The one backend whose references are known, by its name in ``airflow.cfg``.
BACKEND = "airflow.providers.common.io.xcom.backend.XComObjectStorageBackend"

#: The longest reference: a storage's key has 1,024 characters, a path 4,096.
MAX_CHARACTERS = 5000

#: Steps of a path that lead elsewhere.
_NO_NAME = frozenset({"", ".", ".."})


def folder_of(dag_id: str) -> Place | None:
    """
    Return where the backend keeps what a Dag pushes.

    :param dag_id: the Dag.
    :return: ``None`` where Airflow uses another backend, or this process is not told where.
    """
    path = (conf.get("common.io", "xcom_objectstorage_path", fallback="") or "").rstrip("/")
    if conf.get("core", "xcom_backend", fallback="") != BACKEND or not path or dag_id in _NO_NAME:
        return None
    base = place_of(path)
    return base._replace(rest=f"{base.rest}/{dag_id}")


def place_in(folder: Place, value: Any) -> Place | None:
    """
    Return what a reference leads to; ``None`` for what is none of the backend's in this folder.

    :param folder: of the Dag, see :func:`folder_of`.
    :param value: an XCom as the database has it.
    """
    if not isinstance(value, str) or "://" not in value or len(value) > MAX_CHARACTERS:
        return None
    place = place_of(value)
    start = f"{folder.rest}/"
    steps = place.rest.removeprefix(start).split("/")
    is_inside = place.rest.startswith(start) and not _NO_NAME.intersection(steps)
    return place if is_inside and (place.protocol, place.conn_id) == (folder.protocol, folder.conn_id) else None


def read_json(place: Place) -> bytes:
    """
    Return what stands there, unpacked when its name says how it is packed. It blocks.

    :param place: see :func:`place_in`.
    :raises FileNotFoundError: when no file does.
    :raises ValueError: when it is larger than an XCom that is read from the database.
    :raises Exception: whatever else the filesystem says.
    """
    info = place.info()
    if info.get("type") != "file":
        raise FileNotFoundError(place.shown)
    content = b""
    if (info.get("size") or 0) <= MAX_VALUE:
        with place.filesystem.open(place.path, "rb", compression="infer") as stream:
            # Bounded, since a few packed bytes may be gigabytes.
            content = bytes(stream.read(MAX_VALUE + 1))
    if not 0 < len(content) <= MAX_VALUE:
        raise ValueError(f"empty, or above {MAX_VALUE >> 10} KiB")
    return content
