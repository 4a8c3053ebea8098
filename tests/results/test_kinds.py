"""Results of every kind become files; images and sounds are checked before they are stored."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import http.server
import io
import random
import struct
import threading
import wave
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image as Picture
from support import STEPS

from airflow_provider_kling.exceptions import KlingResultError
from airflow_provider_kling.hooks import KlingHook
from airflow_provider_kling.models import Audio, Element, Image, Task, TaskStatus, Video, Voice
from airflow_provider_kling.results.media_info import read_media_info
from airflow_provider_kling.results.storage import store
from airflow_provider_kling.results.targets import targets_of

#: Samples a second.
RATE = 44100


def picture(kind: str, size: tuple[int, int] = (320, 200)) -> bytes:
    file = io.BytesIO()
    Picture.effect_noise(size, 90).convert("RGB").save(file, kind)
    return file.getvalue()


def wav(seconds: float = 1.5) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setparams((2, 2, RATE, 0, "NONE", ""))
        sound.writeframes(b"\x01\x02\x03\x04" * int(RATE * seconds))
    return file.getvalue()


@functools.cache
def mp3(seconds: float = 1.5, rate: int = RATE, layout: str = "stereo") -> bytes:
    import av

    file = io.BytesIO()
    with av.open(file, "w", format="mp3") as container:
        stream = container.add_stream("mp3", rate=rate, layout=layout)
        for start in range(0, int(rate * seconds), 1152):
            frame = av.AudioFrame(format="s16p", layout=layout, samples=1152)
            for plane in frame.planes:
                plane.update(random.Random(start).randbytes(plane.buffer_size))
            frame.sample_rate, frame.pts, frame.time_base = rate, start, Fraction(1, rate)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return file.getvalue()


#: A whole file of each kind, by its name.
WHOLE = {
    "a.png": picture("PNG"),
    "a.jpg": picture("JPEG"),
    "a.webp": picture("WEBP"),
    "a.wav": wav(),
    "a.mp3": mp3(),
    "mono.mp3": mp3(1.5, 22050, "mono"),
}


def judge(tmp_path, name: str, content: bytes):
    path = tmp_path / name
    path.write_bytes(content)
    return read_media_info(path, name.rpartition(".")[2])


@pytest.mark.parametrize("name", WHOLE)
def test_the_media_info_of_a_whole_file_is_read(tmp_path, name):
    found = judge(tmp_path, name, WHOLE[name])
    if name.endswith(("mp3", "wav")):
        assert (found.duration, found.width) == (pytest.approx(1.5, abs=0.1), 0)
    else:
        assert found == (0, 320, 200)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.99])
@pytest.mark.parametrize("name", WHOLE)
def test_a_file_that_is_cut_is_refused(tmp_path, name, share):
    with pytest.raises(KlingResultError, match="Try again: what was fetched is not a whole"):
        judge(tmp_path, name, WHOLE[name][: int(len(WHOLE[name]) * share)])


@pytest.mark.parametrize("name", WHOLE)
def test_a_file_of_another_kind_is_refused(tmp_path, name):
    for content in (b"<html>not found</html>" * 99, WHOLE["a.wav" if name.endswith(("g", "p")) else "a.png"]):
        with pytest.raises(KlingResultError, match="Try again: what was fetched is not a whole"):
            judge(tmp_path, name, content)


@pytest.mark.parametrize(
    "content",
    [
        WHOLE["a.png"][:-12],
        WHOLE["a.jpg"][:-2],
        # libjpeg paints what is missing grey and says nothing; a PNG has a checksum.
        WHOLE["a.png"][:9000] + WHOLE["a.png"][-14:],
    ],
    ids=["no end", "no end", "no middle"],
)
def test_an_image_lacks_neither_its_middle_nor_its_end(tmp_path, content):
    with pytest.raises(KlingResultError, match="not a whole picture"):
        judge(tmp_path, "a.png", content)


def test_an_mp3_that_ends_between_two_frames_is_cut(tmp_path):
    whole = WHOLE["a.mp3"]
    last = whole.rindex(b"\xff\xfb")
    with pytest.raises(KlingResultError, match="frames that its header announces are missing"):
        judge(tmp_path, "a.mp3", whole[:last])


def test_a_title_before_and_after_the_sound_is_not_a_sound(tmp_path):
    plain = WHOLE["a.mp3"]
    titled = b"ID3\x03\x00\x00\x00\x00\x01\x00" + b"\0" * 128 + plain[plain.index(b"\xff\xfb") :] + b"TAG" + b"\0" * 125
    assert judge(tmp_path, "a.mp3", titled) == judge(tmp_path, "a.mp3", plain)


def test_any_encoding_of_a_wave_is_one(tmp_path):
    """24 bits, 48 kHz, as ffmpeg writes them: Python's wave refuses the header."""
    form = struct.pack("<HHIIHHHHIH14s", 0xFFFE, 1, 48000, 144000, 3, 24, 22, 24, 4, 1, b"\0" * 14)
    parts = b"fmt " + struct.pack("<I", len(form)) + form + b"LIST" + struct.pack("<I", 3) + b"abc\0"
    content = parts + b"data" + struct.pack("<I", 144000) + b"\0" * 144000
    assert judge(tmp_path, "a.wav", b"RIFF" + struct.pack("<I", len(content) + 4) + b"WAVE" + content).duration == 1


@settings(max_examples=200 * STEPS, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(sorted(WHOLE)),
    edits=st.lists(st.tuples(st.integers(0, 1 << 20), st.binary(min_size=1, max_size=16)), min_size=1, max_size=6),
)
def test_broken_bytes_are_read_or_refused(tmp_path, name, edits):
    content = bytearray(WHOLE[name])
    for place, value in edits:
        start = place % len(content)
        content[start : start + len(value)] = value
    with contextlib.suppress(KlingResultError):
        judge(tmp_path, name, bytes(content))


@pytest.mark.parametrize(
    ("results", "output_uri", "expected"),
    [
        ([Image(0, "u")], "s3://b/", ["s3://b/7_0.png"]),
        ([Image(0, "u"), Image(1, "u")], "s3://b/x.png", ["s3://b/x_0.png", "s3://b/x_1.png"]),
        ([Image(0, "https://h/a.JPG?x=.png")], "s3://b/{task_id}.{ext}", ["s3://b/7.jpg"]),
        ([Image(0, "u", view=1), Image(0, "u", view=2)], "s3://b/", ["s3://b/7_0.png", "s3://b/7_1.png"]),
        ([Audio("1", "u", url_wav="u")], "s3://b/", ["s3://b/7_0.mp3", "s3://b/7_0.wav"]),
        ([Audio("1", "u", url_wav="u")], "s3://b/hello.mp3", ["s3://b/hello.mp3", "s3://b/hello.wav"]),
        ([Audio("1", "u", url_wav="u")], "s3://b.c/hello", ["s3://b.c/hello", "s3://b.c/hello.wav"]),
        ([Audio("1", "", url_wav="u")], "s3://b/", ["s3://b/7_0.wav"]),
        ([Element("5"), Voice("6", trial_url="u")], "s3://b/", ["s3://b/7_0.mp3"]),
        ([Video("1", "u", watermark_url="u")], "s3://b/", ["s3://b/7_0.mp4", "s3://b/7_0_watermark.mp4"]),
        (
            [Image(0, "u", "u"), Image(1, "u")],
            "s3://b/",
            ["s3://b/7_0.png", "s3://b/7_1.png", "s3://b/7_0_watermark.png"],
        ),
        ([Element("5")], "s3://b/", []),
    ],
)
def test_each_file_has_a_name_of_its_own(results, output_uri, expected):
    assert [target for _, target in targets_of(results, output_uri, task_id="7")] == expected


@pytest.fixture
def served(kling, tmp_path):
    """The whole files on a local server, and where it is; ``kling_default`` may fetch from it."""
    folder = tmp_path / "served"
    folder.mkdir()
    for name, content in WHOLE.items():
        (folder / name).write_bytes(content)

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def test_images_and_sounds_are_stored_with_what_they_are(served, tmp_path):
    results = (Image(0, f"{served}a.png", f"{served}a.jpg"), Audio("1", f"{served}a.mp3", "1.5", f"{served}a.wav"))
    task = Task("7", TaskStatus.SUCCEED, "image2video", results=results)
    files = store(KlingHook(), task, f"{tmp_path}/out/")
    names = ["7_0.png", "7_1.mp3", "7_1.wav", "7_0_watermark.jpg"]
    assert [file["uri"] for file in files] == [f"file://{tmp_path}/out/{name}" for name in names]
    assert [file["content_type"] for file in files] == ["image/png", "audio/mpeg", "audio/x-wav", "image/jpeg"]
    assert [file.get("width") for file in files] == [320, None, None, 320]
    assert [file["duration"] for file in files] == [0, pytest.approx(1.5, abs=0.1), 1.5, 0]
    assert [file.get("watermark") for file in files] == [None, None, None, True]
    assert files[0]["sha256"] == hashlib.sha256(WHOLE["a.png"]).hexdigest()
    assert (tmp_path / "out" / "7_1.wav").read_bytes() == WHOLE["a.wav"]


def test_a_page_in_the_place_of_an_image_leaves_nothing_behind(served, tmp_path):
    (tmp_path / "served" / "page.png").write_text("<html>")
    task = Task("7", TaskStatus.SUCCEED, "image2video", results=(Image(0, f"{served}page.png"),))
    with pytest.raises(KlingResultError, match="is not a whole picture"):
        store(KlingHook(), task, f"{tmp_path}/out/")
    assert not (tmp_path / "out").exists()


def test_a_sound_of_a_length_that_was_not_asked_for_is_an_error_that_keeps_the_file(served, tmp_path):
    task = Task("7", TaskStatus.SUCCEED, "image2video", results=(Audio("1", f"{served}a.wav"),))
    assert store(KlingHook(), task, f"{tmp_path}/out/", duration="1.3")
    with pytest.raises(KlingResultError, match="plays 1.500 s but 5 s were asked for. It is kept at"):
        store(KlingHook(), task, f"{tmp_path}/out/", duration=5)
    # A picture plays nothing.
    assert store(
        KlingHook(),
        Task("8", TaskStatus.SUCCEED, "x", results=(Image(0, f"{served}a.png"),)),
        f"{tmp_path}/",
        duration=5,
    )


def test_what_was_stored_before_kling_deleted_it_is_described_from_the_copy(served, tmp_path):
    task = Task(
        "7", TaskStatus.SUCCEED, "image2video", updated_at=1, results=(Audio("1", "", url_wav=f"{served}gone.wav"),)
    )
    (tmp_path / "7_0.wav").write_bytes(WHOLE["a.wav"])
    (file,) = store(KlingHook(), task, f"{tmp_path}/")
    assert (file["content_type"], file["duration"]) == ("audio/wav", 1.5)
