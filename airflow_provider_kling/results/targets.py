"""Checks an ``output_uri`` before anything is paid, and makes the names of files from it."""

from __future__ import annotations

import logging
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider_kling.exceptions import KlingResultError, KlingValidationError
from airflow_provider_kling.preparation import arguments
from airflow_provider_kling.utils._airflow.object_storage import is_connection, password_problem, place_of
from airflow_provider_kling.utils.untrusted import clean_text, reason

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_provider_kling.models import Link, Result
    from airflow_provider_kling.utils._airflow.object_storage import Place

log = logging.getLogger(__name__)

#: File name for a target that ends with a slash.
DEFAULT_NAME = "{task_id}_{index}.{ext}"

#: A part of a file's name that Kling or a Dag run provides; it cannot lead to another folder.
SEGMENT = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}", re.ASCII)
#: ``None`` as a folder, the value of a partition or a file's name: a template without a value renders to it.
_NONE_IN_PATH = re.compile(r"[/=]None(?=[/.]|$)")
#: The longest file name on the filesystems that Airflow runs on.
MAX_NAME_BYTES = 255
#: The longest key in S3, Google Cloud Storage and Azure.
MAX_KEY_BYTES = 1024
_PLACEHOLDER = re.compile(r"\{(?:task_id|index|ext)\}")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,30}", re.ASCII)


def check_target(output_uri: Any, conn_id: str | None = None, *, name: str = "output_uri") -> str:
    """
    Check where results will go, before anything is paid; return it as text.

    Nothing is written and no bucket is created. A storage that does not answer now, or whose connection has no right to
    look, is no error.

    :param output_uri: a URI, an absolute path on this machine, or a path object; ends with a slash for a folder.
    :param conn_id: Airflow connection of the storage.
    :param name: the argument's name, for the sentence.
    :raises KlingValidationError: when nothing could be stored there.
    """
    text = arguments.place(name, output_uri)
    if text is None:
        raise KlingValidationError([f"Give {name} a place, such as s3://bucket/videos/ or /data/videos/: it is empty."])
    place = place_of(text, conn_id)
    problem = _form_problem(text, place, name) or _name_problem(text, place, name) or _access_problem(place, name)
    if not problem:
        problem = _local_problem(place, name) if place.is_local else _remote_problem(place, name)
    if problem:
        raise KlingValidationError([problem])
    return text


def check_source(uri: str, conn_id: str | None = None, *, name: str) -> None:
    """
    Check that a file can be read from a place, as far as that is known without reading it.

    :param uri: a URI, or a path.
    :param conn_id: Airflow connection of the storage.
    :param name: the argument's name, for the sentence.
    :raises KlingValidationError: when no try could read it.
    """
    place = place_of(uri, conn_id)
    problem = _access_problem(place, name)
    if not problem and (Path(place.rest).is_dir() if place.is_local else _is_folder(place)):
        problem = f"Give {name} the name of a file: {place.shown!r} is a folder."
    if not problem and place.is_local and _is_there(Path(place.rest)) and not Path(place.rest).is_file():
        problem = f"Give {name} the name of a file: {place.shown!r} is a device or a pipe, whose reading need not end."
    if problem:
        raise KlingValidationError([problem])


def targets_of(results: Iterable[Result], output_uri: str, *, task_id: str) -> list[tuple[Link, str]]:
    """
    Return each file of a task's results and where it goes, those with the watermark last. Pure.

    :param results: of one task; one without a file has no number.
    :param output_uri: see :func:`target_of`.
    :param task_id: Kling's.
    :raises KlingResultError: when the id would lead somewhere else.
    """
    files = [result.links for result in results if result.links]
    return [
        (
            link,
            target_of(
                output_uri if link.extension == links[0].extension else _with_any_extension(output_uri),
                task_id=task_id,
                index=index,
                count=len(files),
                ext=link.extension,
                is_watermarked=is_watermarked,
            ),
        )
        for is_watermarked in (False, True)
        for index, links in enumerate(files)
        for link in links
        if link.is_watermarked is is_watermarked
    ]


def target_of(
    output_uri: str, *, task_id: str, index: int, count: int, ext: str = "mp4", is_watermarked: bool = False
) -> str:
    """
    Return where one result goes. Pure.

    :param output_uri: with ``{task_id}``, ``{index}`` and ``{ext}`` in it; one that ends with a slash is a folder.
    :param task_id: Kling's.
    :param index: 0 for the first result.
    :param count: how many there are; with several, a name without ``{index}`` gets one, so that none is overwritten.
    :param ext: extension without the dot.
    :param is_watermarked: whether it is the twin with the watermark, whose name says so.
    :raises KlingResultError: when the id would lead somewhere else.
    """
    if not SEGMENT.fullmatch(task_id):
        raise KlingResultError(f"Look at what answers in Kling's name: {clean_text(task_id, 60)!r} is no task id.")
    if output_uri.endswith("/"):
        output_uri += DEFAULT_NAME
    if count > 1 and "{index}" not in output_uri:
        output_uri = _before_extension(output_uri, "_{index}")
    if is_watermarked:
        output_uri = _before_extension(output_uri, "_watermark")
    # Not str.format: other braces may be part of the name.
    for placeholder, value in (("{task_id}", task_id), ("{index}", str(index)), ("{ext}", ext)):
        output_uri = output_uri.replace(placeholder, value)
    return output_uri


def _with_any_extension(uri: str) -> str:
    """A name that fits another format of the same result too, so that none overwrites the other."""
    if uri.endswith("/") or "{ext}" in uri:
        return uri
    head, dot, tail = uri.rpartition(".")
    return f"{head if dot and '/' not in tail else uri}.{{ext}}"


def _before_extension(uri: str, addition: str) -> str:
    head, dot, tail = uri.rpartition(".")
    return f"{head}{addition}.{tail}" if dot and "/" not in tail else f"{uri}{addition}"


def _form_problem(text: str, place: Place, name: str) -> str | None:
    shown = f"{name}={clean_text(text, 200)!r}"
    if ".." in place.rest.split("/"):
        return f"Give {name} without '..': {shown}."
    if place.is_local:
        if not place.rest.startswith("/"):
            return f"Give {name} as a URI or an absolute path: {shown} is neither; s3://bucket/videos/ is one."
        return None
    if not _SCHEME.fullmatch(place.protocol) or not place.bucket:
        return f"Give {name} as a URI with a bucket, such as s3://bucket/videos/: {shown} names none."
    if not place.key and not text.endswith("/"):
        return f"Add a slash to {name}, or a file name: {shown} is a bucket."
    return None


def _name_problem(text: str, place: Place, name: str) -> str | None:
    shown = f"{name}={clean_text(text, 200)!r}"
    if _NONE_IN_PATH.search(f"/{place.rest}"):
        return f"Check the template of {name}: a part of it rendered to the text None, {shown}; runs would share it."
    if place.is_local and any(len(os.fsencode(part)) > MAX_NAME_BYTES for part in place.rest.split("/")):
        return f"Shorten {name}: a folder or file has at most {MAX_NAME_BYTES} bytes in its name, {shown} has more."
    if not place.is_local and len(place.key.encode()) > MAX_KEY_BYTES:
        return f"Shorten {name}: object storage takes keys of {MAX_KEY_BYTES} bytes, {shown} has more."
    return None


def _access_problem(place: Place, name: str) -> str | None:
    """Say what is missing on this machine: Airflow's connection, or the package for this storage."""
    if problem := password_problem(place, name):
        return problem
    if place.conn_id and not is_connection(place.conn_id):
        shown = clean_text(place.conn_id, 80)
        return f"Create the Airflow connection that {name} names, or correct it: Airflow knows none named {shown!r}."
    try:
        place.filesystem  # noqa: B018 - it is made at the first look
    except (ValueError, ImportError) as error:
        return f"Install Airflow's provider package for {place.protocol}:// storage: {name} names it ({reason(error)})."
    except Exception:  # noqa: BLE001 - Airflow or the storage cannot be asked at this moment; that is not wrong
        log.debug("%s could not be looked at", place.shown)
    return None


def _local_problem(place: Place, name: str) -> str | None:
    known = _PLACEHOLDER.split(place.rest)[0]
    has_placeholder = known != place.rest
    is_folder = place.rest.endswith("/")
    path = Path(known)
    if not is_folder and not has_placeholder and path.is_dir():
        return f"Add a slash to {name}, or a file name: {name}={clean_text(place.rest, 200)!r} is a folder."
    if not is_folder and not has_placeholder and _is_there(path) and not path.is_file():
        return f"Give {name} another name: {name}={clean_text(place.rest, 200)!r} is a device or a pipe."
    # What comes before the last slash that is known is a folder, there or to be made.
    folder = Path(known.rpartition("/")[0] or "/")
    while not _is_there(folder):
        folder = folder.parent
    if not folder.is_dir():
        return f"Choose another folder for {name}: {clean_text(folder, 200)} is a file."
    if not os.access(folder, os.W_OK | os.X_OK):
        return f"Let Airflow's user write where {name} is: it may not write in {clean_text(folder, 200)!r}."
    return None


def _is_there(folder: Path) -> bool:
    try:
        return folder.exists()
    except OSError:  # no right to look, or a name that is too long
        return False


def _remote_problem(place: Place, name: str) -> str | None:
    if place.is_missing_bucket():
        return f"Create the bucket {clean_text(place.bucket, 80)!r} first, or correct {name}: there is none."
    if place.rest.endswith("/") or _PLACEHOLDER.search(place.rest) or not _is_folder(place):
        return None
    return f"Add a slash to {name}, or a file name: {place.shown!r} is a folder with files in it."


def _is_folder(place: Place) -> bool:
    try:
        return bool(place.info().get("type") == "directory")
    except Exception:  # noqa: BLE001 - nothing there, no right to ask, or away at this moment; that is not wrong
        return False
