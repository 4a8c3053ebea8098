"""
A finished task's results become files that last: on any ``ObjectStoragePath``, complete or not at all.

Each result is streamed to this machine's disk, checked, copied beside its target under a temporary name, and renamed.
So a target that exists is whole, and storing again replaces it with the same bytes.
"""

from __future__ import annotations

import contextlib
import dataclasses
import shutil
import tempfile
import uuid
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from airflow_provider_kling.exceptions import KlingResultError
from airflow_provider_kling.fields import canonical, number

if TYPE_CHECKING:
    from airflow.sdk import ObjectStoragePath

    from airflow_provider_kling.hooks import KlingHook
    from airflow_provider_kling.models import Task, Video

#: What a target that ends with a slash is completed with.
DEFAULT_NAME = "{task_id}_{index}.{ext}"

#: Seconds by which a file may differ from what was asked: Kling's 5 s videos measure 5.041.
DURATION_TOLERANCE = 0.5


@dataclasses.dataclass(frozen=True)
class StoredFile:
    """
    One stored result.

    :param uri: where it is.
    :param bytes: its size.
    :param sha256: its checksum, hexadecimal.
    :param content_type: what Kling's server called it.
    :param duration: seconds, read from the file itself.
    """

    uri: str
    bytes: int
    sha256: str
    content_type: str
    duration: float


def store(
    hook: KlingHook, task: Task, output_uri: str, *, conn_id: str | None = None, duration: Any = None
) -> list[dict[str, Any]]:
    """
    Store every result of a finished task.

    :param hook: fetches the results.
    :param task: read recently; links are signed and expire.
    :param output_uri: ``s3://bucket/videos/`` or with ``{task_id}``, ``{index}`` and ``{ext}`` in it.
    :param conn_id: Airflow connection of the storage; it may also stand in the URI (``s3://conn@bucket/``).
    :param duration: seconds that were asked for, as the Dag author wrote them, or ``None`` when not known.
    :return: the ``files`` of the manifest: uri, bytes, sha256, content_type, duration.
    :raises KlingResultError: when a result cannot be fetched or is no video. Of a length that was not asked for, the
        file is kept and the error names it.
    """
    files = []
    for index, video in enumerate(task.videos):
        target = target_of(output_uri, task_id=task.task_id, index=index, count=len(task.videos))
        files.append(_store_one(hook, video, target, conn_id))
    for file in files:
        _check_duration(file, duration)
    return [dataclasses.asdict(file) for file in files]


def target_of(output_uri: str, *, task_id: str, index: int, count: int, ext: str = "mp4") -> str:
    """
    Return where one result goes. Pure.

    :param output_uri: see :func:`store`.
    :param task_id: Kling's.
    :param index: 0 for the first result.
    :param count: how many there are; with several, a name without ``{index}`` gets one, so that none is overwritten.
    :param ext: extension without the dot.
    """
    if output_uri.endswith("/"):
        output_uri += DEFAULT_NAME
    if count > 1 and "{index}" not in output_uri:
        head, dot, tail = output_uri.rpartition(".")
        output_uri = f"{head}_{{index}}.{tail}" if dot and "/" not in tail else f"{output_uri}_{{index}}"
    # Not str.format: other braces may be part of the name.
    for name, value in (("{task_id}", task_id), ("{index}", str(index)), ("{ext}", ext)):
        output_uri = output_uri.replace(name, value)
    return output_uri


def _store_one(hook: KlingHook, video: Video, target: str, conn_id: str | None) -> StoredFile:
    path = object_storage_path(target, conn_id)
    with tempfile.NamedTemporaryFile(suffix=".mp4") as local:
        download = hook.download(video.url, local)
        local.flush()
        length = _length_of_video(local.name, video)
        local.seek(0)
        put(local, path)
    return StoredFile(str(path), download.bytes, download.sha256, download.content_type, length)


def object_storage_path(target: str, conn_id: str | None) -> ObjectStoragePath:
    """
    Return the place that a URI names.

    :param target: a URI, or a path on this machine.
    :param conn_id: Airflow connection of the storage.
    """
    from airflow.sdk import ObjectStoragePath

    uri = target if "://" in target else f"file://{target}"
    return ObjectStoragePath(uri, conn_id=conn_id)


def put(source: IO[bytes], path: ObjectStoragePath) -> None:
    """
    Copy under a temporary name and rename, so that a reader never sees half a file.

    :param source: binary file, read from where it stands.
    :param path: the target; replaced when it exists.
    """
    if not path.parent.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.parent / f".{path.name}.{uuid.uuid4().hex}.part"
    try:
        with temporary.open("wb") as sink:
            shutil.copyfileobj(source, sink, 1 << 20)
        path.fs.mv(temporary.path, path.path)
    except BaseException:
        with contextlib.suppress(Exception):
            temporary.unlink()
        raise


def _length_of_video(local_name: str, video: Video) -> float:
    from tinytag import TinyTag, TinyTagException

    try:
        length = TinyTag.get(local_name).duration
    except TinyTagException:
        length = None
    if not length or not _is_whole(local_name):
        raise KlingResultError(
            f"The result {video.id} that was fetched is not an MP4 video that can be read; a retry fetches it again."
        )
    return float(length)


def _is_whole(local_name: str) -> bool:
    """
    Whether the last box of an MP4 ends where the file does.

    A file whose header comes first keeps its duration when its end is cut off, and a server that cut it says nothing.
    """
    path = Path(local_name)
    position, end = 0, path.stat().st_size
    with path.open("rb") as stream:
        while position < end:
            stream.seek(position)
            header = stream.read(16)
            size = int.from_bytes(header[:4], "big")
            if size == 1:  # a 64-bit size follows the name
                size = int.from_bytes(header[8:16], "big")
            if size == 0:  # the box reaches to the end
                return True
            if size < 8:
                return False
            position += size
    return position == end


def _check_duration(file: StoredFile, duration: Any) -> None:
    asked = number(canonical("duration", duration))
    if isinstance(asked, (int, float)) and abs(file.duration - asked) > DURATION_TOLERANCE:
        raise KlingResultError(
            f"The video plays {file.duration:.3f} s but {asked} s were asked for. It is kept at {file.uri}."
        )
