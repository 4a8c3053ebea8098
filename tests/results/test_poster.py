"""The poster beside each stored video, also for hostile videos."""

from __future__ import annotations

import io
import logging
import os
import subprocess
import time

import pytest
from PIL import Image
from support import PHOTOGRAPH

from airflow_provider_kling.operators import KlingImageToVideoOperator
from airflow_provider_kling.results import poster, poster_process
from airflow_provider_kling.utils._airflow.object_storage import place_of

pytest.importorskip("av", reason="the extra posters is not installed")


@pytest.fixture
def posters(monkeypatch):
    """Posters are wanted; they are switched off in other tests."""
    monkeypatch.setenv("AIRFLOW__KLING__POSTERS", "True")
    poster._is_enabled.cache_clear()
    yield
    poster._is_enabled.cache_clear()


@pytest.fixture
def store(kling, ti, tmp_path):
    """Make one video and store it; returns its file record."""

    def run(**kwargs):
        operator = KlingImageToVideoOperator(
            task_id="animate",
            image=str(PHOTOGRAPH),
            duration=3,
            output_uri=f"{tmp_path}/",
            poll_interval=0.05,
            **kwargs,
        )
        operator.deferrable = False
        return operator.execute({"ti": ti})["files"]

    return run


@pytest.fixture
def video(store):
    (file,) = store()
    return place_of(file["uri"])


def test_the_poster_stands_beside_the_video_and_in_the_manifest(posters, store, tmp_path):
    (file,) = store()
    assert file["poster"] == file["uri"].replace(".mp4", ".poster.jpg")
    content = (tmp_path / file["poster"].rpartition("/")[2]).read_bytes()
    picture = Image.open(io.BytesIO(content))
    assert (picture.format, picture.width) == ("JPEG", 320)
    assert max(picture.size) <= poster_process.SIDE


def test_the_watermarked_copy_has_none(posters, store, tmp_path):
    plain, twin = store(watermark_info={"enabled": True})
    assert ("poster" in plain, "poster" in twin, twin["watermark"]) == (True, False, True)
    assert len(list(tmp_path.glob("*.poster.jpg"))) == 1


def test_it_can_be_switched_off(video, tmp_path):
    assert poster.store_poster(tmp_path / video.rest.rpartition("/")[2], video) == ""
    assert not list(tmp_path.glob("*.jpg"))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00" * 4096,
        b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n",
        b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom\x00\x00\x00\x08moov\x00\x00\x00\x08mdat",
        b"\x00\x00\x00\x01ftyp" + b"\xff" * 60_000,
    ],
)
def test_what_is_not_a_video_costs_the_task_nothing(posters, tmp_path, caplog, content):
    file = tmp_path / "a.mp4"
    file.write_bytes(content)
    assert poster.store_poster(file, place_of(str(file))) == ""
    assert os.listdir(tmp_path) == ["a.mp4"]  # noqa: PTH208


def test_a_video_that_never_ends_is_left(posters, video, tmp_path, monkeypatch, caplog):
    program = tmp_path / "hangs.py"
    program.write_text("import time\ntime.sleep(60)\n")
    began = time.monotonic()
    with pytest.raises(subprocess.TimeoutExpired) as ended:
        poster.make_poster(tmp_path / "a.mp4", seconds=0.5, program=program)

    def give_up(_video):
        raise ended.value

    monkeypatch.setattr(poster, "make_poster", give_up)
    with caplog.at_level(logging.WARNING):
        assert poster.store_poster(program, video) == ""
    assert time.monotonic() - began < 10
    assert "No poster was stored" in caplog.text


def test_the_process_ends_itself_when_it_takes_time_or_memory(tmp_path):
    for body in ("while True: pass", "b'x' * (3 << 30)", "open('x', 'wb', 0).write(b'x')"):
        program = tmp_path / "program.py"
        program.write_text(
            "import sys; sys.path.insert(0, sys.argv[2]); import poster_process\n"
            "poster_process.CPU_SECONDS = 1\n"
            f"def work(path):\n    {body}\n    return b'done'\n"
            "poster_process.poster_of = work; poster_process.main(sys.argv[1])\n"
        )
        folder = str(poster.PROGRAM.parent)
        command = [poster.sys.executable, str(program), "a", folder]
        done = subprocess.run(command, capture_output=True, timeout=30, cwd=tmp_path, check=False)
        assert done.returncode != 0
        assert b"done" not in done.stdout


def test_the_process_has_no_secret(posters, monkeypatch, tmp_path):
    monkeypatch.setenv("AIRFLOW_CONN_KLING_DEFAULT", "kling://secret@")
    program = tmp_path / "shows.py"
    program.write_text("import os, sys\nsys.exit(str(dict(os.environ)))\n")
    with pytest.raises(ValueError, match="PATH") as error:
        poster.make_poster(program, program=program)
    assert "secret" not in str(error.value)


def test_a_storage_that_refuses_the_poster_keeps_the_video(posters, store, tmp_path, monkeypatch):
    def refuse(content, place):
        raise PermissionError(place.rest)

    monkeypatch.setattr(poster.object_files, "put_bytes", refuse)
    (file,) = store()
    assert "poster" not in file
    assert len(list(tmp_path.glob("*.mp4"))) == 1


@pytest.mark.parametrize(
    ("video", "uri"),
    [
        ("s3://aws@bucket/a.b/cat.mp4", "s3://aws@bucket/a.b/cat.poster.jpg"),
        ("/data/cat.MP4", "file:///data/cat.poster.jpg"),
        ("/data/cat", None),
        ("/data.mp4/cat.png", None),
        (f"/data/{'x' * 250}.mp4", None),
    ],
)
def test_the_name_of_a_poster_follows_from_that_of_the_video(video, uri):
    place = poster.poster_place(place_of(video))
    assert (place and place.uri) == uri
