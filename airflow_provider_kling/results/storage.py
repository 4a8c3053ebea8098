"""
A finished task's results become files that last: on any storage that Airflow knows, complete or not at all.

Each result is streamed to this machine's disk, checked, and written to its place. A target that exists is whole, and
storing again replaces it with the same bytes.
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
from airflow_provider_kling.products.wording import size_words
from airflow_provider_kling.results import object_files, poster
from airflow_provider_kling.results.content import CONTENT_TYPES, Content, content_of
from airflow_provider_kling.results.local_files import CHUNK_BYTES
from airflow_provider_kling.results.targets import targets_of
from airflow_provider_kling.utils._airflow.lineage import report_output
from airflow_provider_kling.utils._airflow.object_storage import place_of
from airflow_provider_kling.utils.foreign import foreign_text

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
    :param content: what the file says about itself.
    :param poster: where its picture is; empty when it has none.
    """

    uri: str
    bytes: int
    sha256: str
    content_type: str
    content: Content
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
        "duration": file.content.duration,
    }
    if file.content.width:
        record |= {"width": file.content.width, "height": file.content.height}
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
    places = ", ".join(f"{foreign_text(file['uri'], 200)} ({size_words(file['bytes'])})" for file in files)
    return f"Stored {places or 'nothing: the task has no result'}"


def _store_result(hook: KlingHook, task: Task, link: Link, place: Place, tries: int) -> StoredFile:
    with object_files.worker_disk(), tempfile.NamedTemporaryFile(suffix=f".{link.extension}") as local:
        try:
            download = _download(hook, link.url, local, tries)
        except KlingResultError:
            if not results_expired(task, time.time()):
                raise
            return _kept(task, link, place, local)
        local.flush()
        content = content_of(Path(local.name), link.extension)
        object_files.put_file(Path(local.name), place)
        report_output(place, hook)
        picture = "" if link.is_watermarked else poster.keep_beside(Path(local.name), place)
    return _described(place, download, content, picture)


def _download(hook: KlingHook, url: str, local: IO[bytes], tries: int) -> Download:
    """A download is free; a host that is away for a moment must not cost the Airflow task one of its retries."""
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


def _kept(task: Task, link: Link, place: Place, local: IO[bytes]) -> StoredFile:
    """Describe what was stored while Kling still had the result, or say that it is gone."""
    local.seek(0)
    local.truncate()
    try:
        object_files.get_file(place, local)
    except FileNotFoundError:
        polling.check_links(task, now=time.time())
    local.flush()
    content = content_of(Path(local.name), link.extension)
    local.seek(0)
    digest, size = hashlib.sha256(), 0
    while chunk := local.read(CHUNK_BYTES):
        digest.update(chunk)
        size += len(chunk)
    download = Download(size, digest.hexdigest(), CONTENT_TYPES[link.extension])
    picture = "" if link.is_watermarked else poster.keep_beside(Path(local.name), place)
    return _described(place, download, content, picture)


def _described(place: Place, download: Download, content: Content, picture: str) -> StoredFile:
    return StoredFile(place.uri, download.bytes, download.sha256, download.content_type, content, picture)


def _check_duration(file: StoredFile, duration: Any) -> None:
    asked = convert.number(convert.duration(duration))
    seconds = file.content.duration
    if not isinstance(asked, (int, float)) or not math.isfinite(asked) or not seconds:
        return
    if abs(seconds - asked) > DURATION_TOLERANCE:
        error = KlingResultError(
            f"Look at the result: it plays {seconds:.3f} s but {asked} s were asked for. It is kept at "
            f"{foreign_text(file.uri, 200)}."
        )
        # A batch would fetch the same bytes until its end.
        error.transient = False
        raise error
