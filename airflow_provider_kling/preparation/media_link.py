"""
A file in a team's storage as a link that Kling can open for a while: Kling takes videos and audio by URL only.

The storage's own library signs the link, when the request is made. Who keeps a request back for long makes it anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_kling.preparation.files import is_link, missing, not_now, unreadable
from airflow_provider_kling.products.media import ImageLoadError, LoadedImage
from airflow_provider_kling.products.wording import named, shown
from airflow_provider_kling.utils._airflow.object_storage import place_of
from airflow_provider_kling.utils.foreign import reason

if TYPE_CHECKING:
    from airflow_provider_kling.utils._airflow.object_storage import Place

#: Seconds that a signed link lives: Kling opens it when the task's turn comes, which may take hours in a long queue.
#: Keys that are themselves lent (STS) may end it earlier.
LINK_SECONDS = 12 * 3600

#: What names the content of a stored file, by the storage's own word for it; the first that is there counts.
_VERSIONS = ("VersionId", "version_id", "generation", "ETag", "etag", "md5Hash", "content_settings", "LastModified")


def load_link(value: Any, *, field: str, conn_id: str | None = None, seconds: int = LINK_SECONDS) -> LoadedImage:
    """
    Turn a URL or a storage URI into a link that Kling can open. The content is not read.

    :param value: an http(s) URL, or an object-storage URI or path object.
    :param field: the field's name, for sentences.
    :param conn_id: Airflow connection for an object-storage URI.
    :param seconds: how long a signed link lives.
    :raises ImageLoadError: it is neither, the file is missing, or its storage cannot sign links.
    :raises KlingStorageError: the storage does not answer now; a retry may find it.
    """
    text = value.strip() if isinstance(value, str) else _uri_of(value, field)
    if is_link(text):
        return LoadedImage(wire=text)
    place = place_of(text, conn_id)
    if place.is_local:
        raise ImageLoadError(
            f"Copy {field} to object storage, or give an https URL: {named(field, text)} is on this machine's disk, "
            "and Kling takes videos and audio by link only; it has no upload."
        )
    info = _info(place, field)
    link = _signed(place, field, seconds)
    version = next((str(info[name]) for name in _VERSIONS if info.get(name)), str(info.get("size", "")))
    return LoadedImage(wire=link, known_as=f"{place.protocol}://{place.rest}#{version}")


def _uri_of(value: Any, field: str) -> str:
    if hasattr(value, "protocol") and hasattr(value, "path"):
        return str(value)
    raise ImageLoadError(
        f"Give {field} as a URL or a storage URI: it has the type {shown(type(value).__name__)[1:-1]}; Kling takes "
        "videos and audio by link only."
    )


def _info(place: Place, field: str) -> dict[str, Any]:
    from airflow_provider_kling.utils._airflow.compat import AirflowNotFoundException

    try:
        return place.info()
    except FileNotFoundError:
        raise missing(field, repr(place.shown)) from None
    except (ValueError, ImportError, AirflowNotFoundException, PermissionError) as error:
        raise unreadable(field, repr(place.shown), error) from None
    except Exception as error:  # noqa: BLE001 - each storage has errors of its own for "not now"
        raise not_now(field, repr(place.shown), error) from None


def _signed(place: Place, field: str, seconds: int) -> str:
    try:
        link = place.filesystem.sign(place.path, expiration=seconds)
    except Exception as error:  # noqa: BLE001 - no key that may sign, or a storage that signs nothing
        raise ImageLoadError(
            f"Give {field} as an https URL: the storage of {place.shown!r} signs no link ({reason(error)}). Kling "
            "takes videos and audio by link only."
        ) from None
    if not is_link(str(link)):
        raise ImageLoadError(
            f"Give {field} as an https URL: what the storage of {place.shown!r} signs is no link that Kling can open."
        )
    return str(link)
