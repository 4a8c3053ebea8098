"""
Stores the results of a finished task on any storage that Airflow knows; a stored file is complete.

Each result is downloaded to this machine's disk, checked, and written to its target. Storing again replaces the target
with the same bytes.
"""

from __future__ import annotations

import dataclasses
import hashlib
import logging
import math
import tempfile
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from airflow_provider_kling import polling
from airflow_provider_kling.api.download import Download
from airflow_provider_kling.exceptions import KlingResultError
from airflow_provider_kling.models import results_expired
from airflow_provider_kling.products import convert
from airflow_provider_kling.products.formatting import size_words
from airflow_provider_kling.results import object_files, poster
from airflow_provider_kling.results.local_files import CHUNK_BYTES
from airflow_provider_kling.results.media_info import CONTENT_TYPES, MediaInfo, read_media_info
from airflow_provider_kling.results.targets import targets_of
from airflow_provider_kling.utils._airflow.lineage import report_output
from airflow_provider_kling.utils._airflow.object_storage import place_of
from airflow_provider_kling.utils.untrusted import clean_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_provider_kling.hooks import KlingHook
    from airflow_provider_kling.models import FileRecord, Link, Task
    from airflow_provider_kling.utils._airflow.object_storage import Place

log = logging.getLogger(__name__)

#: Seconds by which a file may differ from what was asked: Kling's 5 s videos measure 5.041.
DURATION_TOLERANCE = 0.5

#: How often a download is begun before its error counts, and the seconds between.
DOWNLOAD_TRIES = 3
DOWNLOAD_PAUSES = (2.0, 5.0)


@dataclasses.dataclass(frozen=True)
class StoredFile:
    """
    One stored result.

    :param uri: where it is.
    :param bytes: its size.
    :param sha256: its checksum, hexadecimal.
    :param content_type: what Kling's server called it.
    :param info: duration and size, as the file says them.
    :param poster: where its picture is; empty when it has none.
    """

    uri: str
    bytes: int
    sha256: str
    content_type: str
    info: MediaInfo
    poster: str = ""


def store(
    hook: KlingHook,
    task: Task,
    output_uri: str,
    *,
    conn_id: str | None = None,
    duration: Any = None,
    tries: int = DOWNLOAD_TRIES,
) -> list[FileRecord]:
    """
    Store every result of a finished task, with its watermarked twin when there is one.

    :param hook: fetches the results.
    :param task: read recently; links are signed and expire.
    :param output_uri: ``s3://bucket/videos/`` or with ``{task_id}``, ``{index}`` and ``{ext}`` in it; see
        :func:`airflow_provider_kling.results.targets.check_target`.
    :param conn_id: Airflow connection of the storage; it may also stand in the URI (``s3://conn@bucket/``).
    :param duration: seconds that were asked for, as the Dag author wrote them, or ``None`` when not known.
    :param tries: how often a download is begun before its error counts; default 3.
    :return: the ``files`` of the manifest: uri, bytes, sha256, content_type, duration, and of a picture width and
        height, of a video ``poster`` (the URI of a picture of it) where the extra ``posters`` is installed; a twin with
        the watermark has ``"watermark": True`` and comes after those without.
    :raises KlingResultError: when a result cannot be fetched or is not whole. Of a length that was not asked for, the
        file is kept and the error names it.
    :raises KlingResultExpiredError: when Kling has deleted it and it was not stored before.
    :raises KlingStorageError: when it cannot be written.
    """
    stored = [
        (link, _store_result(hook, task, link, place_of(target, conn_id), tries))
        for link, target in targets_of(task.results, output_uri, task_id=task.task_id)
    ]
    for _, file in stored:
        _check_duration(file, duration)
    return [_file_record(file, is_watermarked=link.is_watermarked) for link, file in stored]


def _file_record(file: StoredFile, *, is_watermarked: bool) -> FileRecord:
    record: FileRecord = {
        "uri": file.uri,
        "bytes": file.bytes,
        "sha256": file.sha256,
        "content_type": file.content_type,
        "duration": file.info.duration,
    }
    if file.info.width:
        record |= {"width": file.info.width, "height": file.info.height}
    if file.poster:
        record["poster"] = file.poster
    if is_watermarked:
        record["watermark"] = True
    return record


def stored_line(files: Sequence[Mapping[str, Any]]) -> str:
    """
    Return where results are and how large, as one line for a log.

    :param files: what :func:`store` returned.
    """
    places = ", ".join(f"{clean_text(file['uri'], 200)} ({size_words(file['bytes'])})" for file in files)
    return f"Stored {places or 'nothing: the task has no result'}"


def _store_result(hook: KlingHook, task: Task, link: Link, place: Place, tries: int) -> StoredFile:
    with object_files.local_disk_errors(), tempfile.NamedTemporaryFile(suffix=f".{link.extension}") as local:
        try:
            download = _download(hook, link.url, local, tries)
        except KlingResultError:
            if not results_expired(task, time.time()):
                raise
            return _read_stored_before(task, link, place, local)
        local.flush()
        info = read_media_info(Path(local.name), link.extension)
        object_files.put_file(Path(local.name), place)
        report_output(place, hook)
        picture = "" if link.is_watermarked else poster.store_poster(Path(local.name), place)
    return _stored_file(place, download, info, picture)


def _download(hook: KlingHook, url: str, local: IO[bytes], tries: int) -> Download:
    """Download with a few tries, so that a short outage of the host does not cost the Airflow task a retry."""
    for pause in DOWNLOAD_PAUSES[: tries - 1]:
        try:
            return hook.download(url, local)
        except KlingResultError as error:
            if not error.interrupted:
                raise
            log.warning("The download is begun again in %.0f s. %s", pause, error.message)
        time.sleep(pause)
        local.seek(0)
        local.truncate()
    return hook.download(url, local)


def _read_stored_before(task: Task, link: Link, place: Place, local: IO[bytes]) -> StoredFile:
    """Describe the file that an earlier try stored; without one, raise that Kling has deleted the result."""
    local.seek(0)
    local.truncate()
    try:
        object_files.get_file(place, local)
    except FileNotFoundError:
        polling.check_links(task, now=time.time())
    local.flush()
    info = read_media_info(Path(local.name), link.extension)
    local.seek(0)
    digest, size = hashlib.sha256(), 0
    while chunk := local.read(CHUNK_BYTES):
        digest.update(chunk)
        size += len(chunk)
    download = Download(size, digest.hexdigest(), CONTENT_TYPES[link.extension])
    picture = "" if link.is_watermarked else poster.store_poster(Path(local.name), place)
    return _stored_file(place, download, info, picture)


def _stored_file(place: Place, download: Download, info: MediaInfo, picture: str) -> StoredFile:
    return StoredFile(place.uri, download.bytes, download.sha256, download.content_type, info, picture)


def _check_duration(file: StoredFile, duration: Any) -> None:
    asked = convert.number(convert.duration(duration))
    seconds = file.info.duration
    if not isinstance(asked, (int, float)) or not math.isfinite(asked) or not seconds:
        return
    if abs(seconds - asked) > DURATION_TOLERANCE:
        error = KlingResultError(
            f"Look at the result: it plays {seconds:.3f} s but {asked} s were asked for. It is kept at "
            f"{clean_text(file.uri, 200)}."
        )
        # Permanent: a batch would download the same bytes again and again.
        error.transient = False
        raise error
