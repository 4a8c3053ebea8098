"""
Makes a signed link to a stored file, which Kling can open for some hours: Kling takes videos and audio by URL only, and
images also by URL.

The storage's own library signs the link when the request is prepared. A caller that sends a request much later signs it
again.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Literal

from airflow_provider_kling.preparation.files import (
    is_link,
    load_image,
    missing_error,
    refuse_password,
    unavailable_error,
    unreadable_error,
)
from airflow_provider_kling.products.formatting import is_inline, named, shown
from airflow_provider_kling.products.json_value import shorten
from airflow_provider_kling.products.media import FileLoadError, LoadedFile
from airflow_provider_kling.utils.untrusted import reason

if TYPE_CHECKING:
    from airflow_provider_kling.utils._airflow.object_storage import Place

#: How an image in object storage is sent.
ImageBy = Literal["content", "link"]

#: Seconds that a signed link is valid: Kling opens it when it starts the task, after hours in a long queue. A link that
#: is signed with temporary credentials (STS) may expire earlier.
LINK_SECONDS = 12 * 3600

#: Keys of a storage's file info that identify the content; the first one that is there is used.
_VERSIONS = ("VersionId", "version_id", "generation", "ETag", "etag", "md5Hash", "content_settings", "LastModified")


def load_link(value: Any, *, field: str, conn_id: str | None = None, seconds: int = LINK_SECONDS) -> LoadedFile:
    """
    Turn a URL or a storage URI into a link that Kling can open. The content is not read.

    :param value: an http(s) URL, or an object-storage URI or path object.
    :param field: the field's name, for sentences.
    :param conn_id: Airflow connection for an object-storage URI.
    :param seconds: how long a signed link lives.
    :raises FileLoadError: it is neither, the file is missing, or its storage cannot sign links.
    :raises KlingStorageError: the storage does not answer now; a retry may find it.
    """
    text = value.strip() if isinstance(value, str) else _uri_of(value, field)
    if is_link(text):
        return LoadedFile(payload=text)
    # A picture on this machine needs no storage: a fresh process does not pay 1 ms for it.
    from airflow_provider_kling.utils._airflow.object_storage import place_of

    place = place_of(text, conn_id)
    refuse_password(place, field)
    if place.is_local:
        raise FileLoadError(
            f"Copy {shorten(field)} to object storage: {named(field, text)} is on this machine's disk, and Kling takes "
            "videos and audio by link only; it has no upload. An https URL is taken too."
        )
    info = _info(place, field)
    link = _signed(place, field, seconds)
    version = next((str(info[name]) for name in _VERSIONS if info.get(name)), str(info.get("size", "")))
    return LoadedFile(payload=link, stored_version=f"{place.protocol}://{place.rest}#{version}", stored_uri=place.uri)


def link_image(value: Any, *, field: str, conn_id: str | None, fit: str, most: int) -> LoadedFile:
    """
    Turn an image into a link that Kling can open; it is read and checked like one that is sent as content.

    :param value: an http(s) URL, or an object-storage URI or path object.
    :param field: the field's name, for sentences.
    :param conn_id: Airflow connection for an object-storage URI.
    :param fit: ``shrink`` converts an image that Kling would not take, and sends it as content.
    :param most: bytes that the image may have.
    :raises FileLoadError: there is no such image in a storage that can sign links, or Kling does not take it.
    :raises KlingStorageError: the storage does not answer now; a retry may find it.
    """
    if not _is_remote(value):
        raise FileLoadError(
            f"Copy {field} to object storage, or set image_by='content': image_by='link' sends the link of a file that "
            "stands in a storage, and this is none."
        )
    content = load_image(value, field=field, conn_id=conn_id, fit=fit, most=most)
    if content.digest is None or content.conversion:
        return content
    link = load_link(value, field=field, conn_id=conn_id)
    return dataclasses.replace(
        content, payload=link.payload, stored_version=link.stored_version, stored_uri=link.stored_uri
    )


def _is_remote(value: Any) -> bool:
    """Whether a value is the address of a file that is not on this machine."""
    from airflow_provider_kling.utils._airflow.object_storage import LOCAL_PROTOCOLS

    if isinstance(value, str):
        head, separator, _ = value.strip().partition("://")
        return bool(separator) and head.lower() not in LOCAL_PROTOCOLS and not is_inline(value)
    return hasattr(value, "protocol") and hasattr(value, "path") and str(value.protocol) not in ("", *LOCAL_PROTOCOLS)


def _uri_of(value: Any, field: str) -> str:
    if hasattr(value, "protocol") and hasattr(value, "path"):
        return str(value)
    raise FileLoadError(
        f"Give {field} as a URL or a storage URI: it has the type {shown(type(value).__name__)[1:-1]}; Kling takes "
        "videos and audio by link only."
    )


def _info(place: Place, field: str) -> dict[str, Any]:
    from airflow_provider_kling.utils._airflow.compat import AirflowNotFoundException

    try:
        return place.info()
    except FileNotFoundError:
        raise missing_error(field, repr(place.shown)) from None
    except (ValueError, ImportError, AirflowNotFoundException, PermissionError) as error:
        raise unreadable_error(field, repr(place.shown), error) from None
    except Exception as error:  # noqa: BLE001 - each storage has errors of its own for "not now"
        raise unavailable_error(field, repr(place.shown), error) from None


def _signed(place: Place, field: str, seconds: int) -> str:
    try:
        link = place.filesystem.sign(place.path, expiration=seconds)
    except Exception as error:  # noqa: BLE001 - no key that may sign, or a storage that signs nothing
        raise FileLoadError(
            f"Give {field} as an https URL: the storage of {place.shown!r} signs no link ({reason(error)}). Kling "
            "takes videos and audio by link only."
        ) from None
    if not is_link(str(link)):
        raise FileLoadError(
            f"Give {field} as an https URL: what the storage of {place.shown!r} signs is no link that Kling can open."
        )
    return str(link)
