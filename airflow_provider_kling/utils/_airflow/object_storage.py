"""
Access to storage through Airflow's filesystems, by the URI that a Dag author wrote.

Only this module splits a URI, so that ``?``, ``#``, ``*``, ``[`` and ``%`` are ordinary characters of a name and never
a pattern. ``airflow.sdk.io`` has these names since 3.0.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, NamedTuple

from airflow_provider_kling.utils.untrusted import clean_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fsspec import AbstractFileSystem

#: Storage with real folders that is not on this machine: a file there grows while it is written, and can be renamed.
FOLDER_PROTOCOLS = frozenset({"sftp", "ssh", "smb", "ftp", "hdfs", "webhdfs", "arrow_hdfs", "dbfs"})

LOCAL_PROTOCOLS = frozenset({"file", "local"})


class Place(NamedTuple):
    """
    A file or folder on some storage.

    :param protocol: the URI's scheme, such as ``s3``.
    :param conn_id: Airflow connection of the storage.
    :param rest: what follows ``://``, without the connection.
    """

    protocol: str
    conn_id: str | None
    rest: str

    @property
    def uri(self) -> str:
        """The URI as Airflow writes it, with the connection."""
        return f"{self.protocol}://{self.conn_id}@{self.rest}" if self.conn_id else f"{self.protocol}://{self.rest}"

    @property
    def asset_uri(self) -> str:
        """The URI that an asset has, and that a Dag names in its schedule: without the connection that opens it."""
        return f"{self.protocol}://{self.rest}"

    @property
    def shown(self) -> str:
        """The URI for messages; without the text before ``@``, which may hold a password."""
        return clean_text(self.asset_uri, 200)

    @property
    def is_local(self) -> bool:
        """Whether it is on this machine's disk."""
        return self.protocol in LOCAL_PROTOCOLS

    @property
    def has_folders(self) -> bool:
        """Whether a file stands in a folder that must exist, instead of under a key."""
        return self.is_local or self.protocol in FOLDER_PROTOCOLS

    @property
    def has_buckets(self) -> bool:
        """Whether its bucket must exist before; not so for in-memory filesystems and the like, which have none."""
        return not self.has_folders and bool(self.filesystem.async_impl)

    @property
    def bucket(self) -> str:
        """What comes before the first slash."""
        return self.rest.partition("/")[0]

    @property
    def key(self) -> str:
        """What comes after it."""
        return self.rest.partition("/")[2]

    @property
    def path(self) -> str:
        """Its path in its filesystem."""
        if self.is_local:
            return self.rest
        return str(self.filesystem._strip_protocol(f"{self.protocol}://{self.rest}"))

    @property
    def filesystem(self) -> AbstractFileSystem:
        """
        Airflow's filesystem for it.

        :raises ValueError: when no installed provider package serves this protocol.
        :raises ImportError: when what it needs is not installed.
        """
        from airflow.sdk.io import attach

        return attach(self.protocol, self.conn_id).fs

    def parent(self) -> str:
        """Return the path of its folder in its filesystem."""
        return self.path.rpartition("/")[0]

    def forget(self) -> None:
        """Read the storage's connection again at the next use; Airflow caches its filesystem without an end."""
        from airflow.sdk.io import attach

        with contextlib.suppress(Exception):
            # A filesystem that somebody attached cannot be made again.
            if _is_registered(self.protocol):
                attach(self.protocol, self.conn_id).__dict__.pop("fs", None)

    def of_bucket(self) -> Place:
        """Return the bucket that it is in."""
        return self._replace(rest=self.bucket)

    def is_missing_bucket(self) -> bool:
        """
        Whether its bucket certainly does not exist; without the right to look, the answer is no.

        s3fs before 2026 finds nothing in a bucket that is empty, but says that it exists.
        """
        bucket = self.of_bucket()
        try:
            bucket.info()
        except FileNotFoundError:
            return self.has_buckets and not self.filesystem.exists(bucket.path)
        except Exception:  # noqa: BLE001 - no right to ask, or away at this moment
            return False
        return False

    def info(self) -> dict[str, Any]:
        """
        Ask the storage what stands here, past what was remembered.

        :raises FileNotFoundError: when nothing does.
        :raises Exception: whatever else the filesystem says, for example without the right to ask.
        """
        filesystem, path = self.filesystem, self.path
        with contextlib.suppress(Exception):
            filesystem.invalidate_cache(path.rpartition("/")[0] or path)
        return dict(filesystem.info(path))


def password_problem(place: Place, name: str) -> str | None:
    """
    Say what is wrong with a URI as other programs write it, ``s3://key:secret@bucket/``: Airflow would log the password
    as the name of a connection that there is not.

    :param place: any.
    :param name: of the argument, for the sentence.
    """
    if ":" not in (place.conn_id or "") or is_connection(str(place.conn_id)):
        return None
    return f"Take the password out of {name}: what stands before @ names an Airflow connection, {place.shown!r}."


def is_connection(conn_id: str) -> bool:
    """
    Whether Airflow knows a connection; also when it cannot be asked at this moment.

    :param conn_id: its name.
    """
    from airflow_provider_kling.utils._airflow.base_hook import BaseHook
    from airflow_provider_kling.utils._airflow.compat import AirflowNotFoundException

    try:
        BaseHook.get_connection(conn_id)
    except AirflowNotFoundException:
        return False
    except Exception:  # noqa: BLE001
        return True
    return True


def version_of(info: Mapping[str, Any]) -> str:
    """
    Return what distinguishes one content of a place from the next, as far as its storage says.

    :param info: see :meth:`Place.info`.
    """
    return "|".join(str(info.get(name)) for name in ("size", "mtime", "ETag", "etag", "LastModified", "updated", "ino"))


def is_airflow_storage(place: Place) -> bool:
    """
    Whether a place is on this machine or on storage that one of Airflow's provider packages serves.

    :param place: any; fsspec alone would also fetch from web servers.
    """
    return place.is_local or _is_registered(place.protocol)


def _is_registered(protocol: str) -> bool:
    try:
        from airflow.sdk.io import has_fs
    except ImportError:  # before 3.1
        from airflow.io import has_fs  # type: ignore[no-redef,attr-defined]
    return bool(has_fs(protocol))


def place_of(uri: str, conn_id: str | None = None) -> Place:
    """
    Take a URI apart.

    :param uri: ``s3://bucket/key``, ``s3://conn@bucket/key``, or a path on this machine.
    :param conn_id: Airflow connection; it counts more than that in the URI.
    """
    protocol, separator, rest = uri.partition("://")
    if not separator or "/" in protocol:
        return Place("file", conn_id, uri)
    head, slash, tail = rest.partition("/")
    login, _, head = head.rpartition("@")
    return Place(protocol.lower(), conn_id or login or None, head + slash + tail)


def with_connection(uri: str, conn_id: str | None = None) -> str:
    """
    Return a URI that whoever reads it can open, without knowing the connection.

    :param uri: any.
    :param conn_id: Airflow connection of the storage; without one the URI stays as it is.
    """
    return place_of(uri, conn_id).uri if conn_id else uri
