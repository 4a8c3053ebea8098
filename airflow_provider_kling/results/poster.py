"""
Stores a small picture beside each stored video, so that a page with a thousand videos loads pictures and no videos.

It is made when the video is stored, if the extra ``posters`` is installed. Without it nothing fails. The same process
makes thumbnails of a task's input images.
"""

from __future__ import annotations

import functools
import importlib.util
import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_provider_kling.results import object_files
from airflow_provider_kling.results.targets import MAX_NAME_BYTES
from airflow_provider_kling.utils._airflow.switches import is_switched_on
from airflow_provider_kling.utils.untrusted import clean_text, reason

if TYPE_CHECKING:
    from airflow_provider_kling.utils._airflow.object_storage import Place

log = logging.getLogger(__name__)

#: Seconds that making one may take; usually it takes 0.2.
SECONDS = 20.0

#: Bytes that a poster may have, and a video of which one is made.
MAX_POSTER_BYTES = 512 << 10
MAX_VIDEO_BYTES = 1 << 30

#: Bytes of a picture that is made smaller; Kling's first generation takes 10 MB.
MAX_PICTURE_BYTES = 16 << 20

#: What replaces the extension of the video's name.
SUFFIX = ".poster.jpg"


#: Environment variables that the process gets: it needs them to find Python's libraries, and they hold no secrets.
_ENVIRONMENT = ("PATH", "PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH", "SYSTEMROOT")

#: What decodes, in a process of its own.
PROGRAM = Path(__file__).with_name("poster_process.py")
_JPEG = b"\xff\xd8\xff"


def store_poster(video: Path, place: Place) -> str:
    """
    Make the poster of a stored video and store it beside it; an error is logged and never fails the task.

    :param video: the file on this machine.
    :param place: where it was stored.
    :return: the poster's URI; empty when there is none.
    """
    target = poster_place(place)
    if target is None or not _is_enabled() or not 0 < video.stat().st_size <= MAX_VIDEO_BYTES:
        return ""
    try:
        object_files.put_bytes(make_poster(video), target)
    except Exception as error:  # noqa: BLE001 - the video is paid and stored: no picture of it may fail the task
        log.warning("No poster was stored beside %s, the task goes on: %s", place.shown, reason(error))
        return ""
    return target.uri


def poster_place(place: Place) -> Place | None:
    """
    Return where the poster of a video goes: ``cat.mp4`` has ``cat.poster.jpg``.

    :param place: the video's.
    :return: ``None`` for what is no MP4 file, or when the name would be too long.
    """
    head, dot, tail = place.rest.rpartition(".")
    rest = f"{head}{SUFFIX}"
    if not dot or tail.lower() != "mp4" or len(os.fsencode(rest.rpartition("/")[2])) > MAX_NAME_BYTES:
        return None
    return place._replace(rest=rest)


def make_poster(video: Path, *, seconds: float = SECONDS, program: Path = PROGRAM) -> bytes:
    """
    Return a video's first picture, at most 480 pixels wide or high.

    :param video: the file; it may be anything.
    :param seconds: that it may take; default 20.
    :param program: what makes it.
    :return: JPEG.
    :raises ValueError: when there is none.
    :raises subprocess.TimeoutExpired: when it took too long.
    """
    return _run(program, str(video), b"", seconds)


def make_thumbnail(picture: bytes) -> bytes:
    """
    Return a picture at most 480 pixels wide or high, decoded and made anew.

    :param picture: a JPEG or PNG file; it may be anything.
    :return: JPEG.
    :raises ValueError: when it is none.
    :raises subprocess.TimeoutExpired: when it took too long.
    """
    return _run(PROGRAM, "-", picture, SECONDS)


def _run(program: Path, argument: str, data: bytes, seconds: float) -> bytes:
    done = subprocess.run(  # noqa: S603 - this Python, a file of this package, and a path that we made
        [sys.executable, "-P", str(program), argument],
        input=data,
        capture_output=True,
        timeout=seconds,
        check=False,
        env={name: os.environ[name] for name in _ENVIRONMENT if name in os.environ},
    )
    if done.returncode or not done.stdout.startswith(_JPEG) or len(done.stdout) > MAX_POSTER_BYTES:
        last = done.stderr[-2000:].decode(errors="replace").strip().rpartition("\n")[2]
        raise ValueError(clean_text(last) or f"the process ended with {done.returncode}")
    return done.stdout


@functools.cache
def _is_enabled() -> bool:
    """Whether the decoder is installed, and ``[kling] posters`` does not say no."""
    return importlib.util.find_spec("av") is not None and is_switched_on("posters")
